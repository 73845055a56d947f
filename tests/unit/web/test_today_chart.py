"""The bars of a day: how high, where, and what they are made of."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.day_figures import SLOT, Fate
from heyday.web.today_chart import BOTTOM, HEIGHT, STACK, TOP, DayChart, draw_day, scale_top

START = datetime(2026, 11, 26, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOON = START + 12 * HOUR
PLOT = HEIGHT - TOP - BOTTOM


def draw(counts: dict[int, dict[Fate, int]], now: datetime = NOON) -> DayChart:
    rows = [(START + HOUR * n, Counter(counts.get(n, {}))) for n in range(24)]
    return draw_day(rows, HOUR, now)


def test_a_bar_is_as_high_as_its_greetings_are_many() -> None:
    chart = draw({8: {Fate.SENT: 100}, 9: {Fate.SENT: 50}})
    heights = [sum(part.height for part in bar.parts) for bar in chart.bars]
    assert heights[8] == pytest.approx(PLOT)
    assert heights[9] == pytest.approx(PLOT / 2)
    assert heights[:8] == [0] * 8
    assert chart.busiest is chart.bars[8]


def test_parts_stand_on_each_other_from_the_foot_up() -> None:
    (bar,) = [bar for bar in draw({3: dict.fromkeys(Fate, 10)}).bars if bar.parts]
    assert [part.kind for part in bar.parts] == [kind for kind, _ in STACK]
    assert bar.parts[0].y + bar.parts[0].height == HEIGHT - BOTTOM
    for below, above in pairwise(bar.parts):
        assert above.y + above.height == pytest.approx(below.y, abs=0.02)


def test_failed_of_each_kind_is_one_part_and_what_nobody_wanted_is_none() -> None:
    (bar,) = [b for b in draw({3: dict.fromkeys(Fate, 10)}).bars if b.parts]
    assert bar.count("failed") == 30
    assert bar.total == 80  # without cancelled and skipped


def test_one_failure_among_a_million_is_to_be_seen() -> None:
    bar = draw({8: {Fate.SENT: 1_000_000, Fate.FAILED: 1}}).bars[8]
    assert [part.height >= 2 for part in bar.parts] == [True, True]


def test_a_day_without_greetings_has_lines_and_no_bars() -> None:
    chart = draw({})
    assert [line.greetings for line in chart.lines] == [0, 1]
    assert chart.busiest is None


def test_bars_stand_side_by_side_within_the_width() -> None:
    bars = draw({}).bars
    assert bars[0].x > 0
    assert bars[-1].x + bars[-1].width < 100
    for left, right in pairwise(bars):
        assert left.x + left.width < right.x
        assert right.start_at == left.end_at


@pytest.mark.parametrize(
    ("now", "x"),
    [
        (START, 0),
        (NOON, 50),
        (START + 18 * HOUR, 75),
        (START + 24 * HOUR, None),
        (START - SLOT, None),
    ],
)
def test_now_is_marked_on_its_day_alone(now: datetime, x: float | None) -> None:
    assert draw({}, now).now_x == x


@pytest.mark.parametrize(
    ("most", "top"),
    [
        (0, 1),
        (1, 1),
        (2, 2),
        (3, 5),
        (6, 10),
        (10, 10),
        (11, 20),
        (501, 1000),
        (999_999, 1_000_000),
    ],
)
def test_scales_end_with_round_numbers(most: int, top: int) -> None:
    assert scale_top(most) == top


@given(st.lists(st.integers(0, 10**7), min_size=24, max_size=24))
def test_no_bar_leaves_the_drawing(counts: list[int]) -> None:
    chart = draw({n: {Fate.SENT: count} for n, count in enumerate(counts)})
    assert all(part.y >= TOP - 0.01 for bar in chart.bars for part in bar.parts)
    assert chart.lines[-1].y == TOP
    assert [line.greetings for line in chart.lines] == sorted({ln.greetings for ln in chart.lines})
