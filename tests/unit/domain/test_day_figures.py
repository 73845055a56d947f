"""How tallies add up, by time, zone and type, and what is read out of buckets of lateness."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.day_figures import (
    LATENESS_BOUNDS,
    SLOT,
    DayFigures,
    Fate,
    Tally,
    day_window,
    find_quantile,
    slot_of,
)

ON = date(2026, 11, 26)
AT = datetime(2026, 11, 26, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)

TALLIES = [
    Tally(AT, "Europe/Berlin", "BIRTHDAY", Fate.SENT, 90),
    Tally(AT, "Europe/Berlin", "BIRTHDAY", Fate.LATE, 4),
    Tally(AT, "Africa/Lagos", "ANNIVERSARY", Fate.SENT, 7),
    Tally(AT + 3 * SLOT, "Europe/Berlin", "BIRTHDAY", Fate.REFUSED, 2),
    Tally(AT + HOUR, "Europe/London", "BIRTHDAY", Fate.UNKNOWN, 1),
    Tally(AT + HOUR, "Europe/London", "BIRTHDAY", Fate.CANCELLED, 5),
    Tally(AT + 15 * HOUR + 3 * SLOT, "Asia/Tokyo", "BIRTHDAY", Fate.PLANNED, 3),
    Tally(datetime(2026, 11, 26, tzinfo=UTC), "Asia/Tokyo", "BIRTHDAY", Fate.TOO_LATE, 6),
]
FIGURES = DayFigures(ON, TALLIES, {})


def test_a_day_is_added_up_by_what_became_of_it() -> None:
    assert FIGURES.totals[Fate.SENT] == 97
    assert FIGURES.due == 113  # all but the five that nobody wanted
    assert FIGURES.by_type == {"BIRTHDAY": 106, "ANNIVERSARY": 7}
    assert FIGURES.by_zone["Europe/Berlin"] == {Fate.SENT: 90, Fate.LATE: 4, Fate.REFUSED: 2}


def test_who_was_refused_at_once_counts_neither_way() -> None:
    assert FIGURES.kept == 97
    assert FIGURES.missed == 4 + 1 + 6
    assert FIGURES.open == 1 + 3


@pytest.mark.parametrize("step", [HOUR, SLOT])
def test_each_part_of_the_day_has_its_own(step: timedelta) -> None:
    rows = FIGURES.by_time(step)
    assert [at for at, _ in rows] == [day_window(ON).start_at + step * n for n in range(len(rows))]
    assert len(rows) == timedelta(days=1) // step
    assert sum((counts for _, counts in rows), Counter[Fate]()) == FIGURES.totals
    assert dict(rows)[AT][Fate.SENT] == 97
    # 08:45 is in the hour from 08:00, and in a quarter of its own; 23:45 is in the last.
    assert dict(rows)[AT if step == HOUR else AT + 3 * SLOT][Fate.REFUSED] == 2
    assert rows[-1][1] == {Fate.PLANNED: 3}


@pytest.mark.parametrize(
    ("at", "slot"),
    [("08:00", "08:00"), ("08:14:59.999999", "08:00"), ("08:15", "08:15"), ("23:59:59", "23:45")],
)
def test_a_quarter_hour_begins_with_its_first_instant(at: str, slot: str) -> None:
    assert slot_of(datetime.fromisoformat(f"2026-11-26T{at}+00:00")) == datetime.fromisoformat(
        f"2026-11-26T{slot}+00:00"
    )


def test_buckets_of_lateness_reach_from_ten_milliseconds_to_a_day() -> None:
    assert LATENESS_BOUNDS[0] == pytest.approx(0.01)
    assert LATENESS_BOUNDS[-1] > 86_400
    assert all(1.41 < high / low < 1.42 for low, high in pairwise(LATENESS_BOUNDS))


def test_nothing_sent_has_no_lateness() -> None:
    assert find_quantile({}, 0.99) is None
    assert FIGURES.lateness_at(0.5) is None


def test_a_quantile_lies_in_the_bucket_that_holds_it() -> None:
    counts = {0: 50, 10: 49, 20: 1}
    half, most = find_quantile(counts, 0.5), find_quantile(counts, 0.999)
    assert half == pytest.approx(LATENESS_BOUNDS[0])
    assert most is not None
    assert LATENESS_BOUNDS[19] < most < LATENESS_BOUNDS[20]


def test_who_was_sent_early_by_a_clock_that_differs_is_not_late() -> None:
    # What PostgreSQL puts before the first bound, below nought as well.
    assert find_quantile({0: 3}, 0.99) == pytest.approx(0.0099)


@given(
    st.dictionaries(st.integers(0, len(LATENESS_BOUNDS)), st.integers(1, 9), min_size=1),
    st.floats(0.001, 1),
    st.floats(0.001, 1),
)
def test_a_greater_share_is_never_less_late(
    counts: dict[int, int], one: float, other: float
) -> None:
    low, high = (find_quantile(counts, share) for share in sorted((one, other)))
    assert low is not None
    assert high is not None
    assert 0 <= low <= high <= LATENESS_BOUNDS[-1]
