"""How many greetings a day may have."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.day_cap import LARGEST_CAP, DayCap, DayUse, WarmUp
from heyday.domain.errors import ConfigurationError

FIRST = date(2027, 1, 1)
DAY = timedelta(days=1)


def days(cap: DayCap, count: int) -> list[int]:
    return [cap.on(FIRST + n * DAY) for n in range(count)]


def test_a_warm_up_grows_until_the_cap():
    doubling = DayCap(3000, WarmUp(FIRST, 500, times=2))
    assert days(doubling, 5) == [500, 1000, 2000, 3000, 3000]
    adding = DayCap(3000, WarmUp(FIRST, 500, plus=800))
    assert days(adding, 5) == [500, 1300, 2100, 2900, 3000]
    assert days(DayCap(None, WarmUp(FIRST, 100, times=1.5)), 4) == [100, 150, 225, 337]


def test_before_its_first_day_a_sender_is_as_new_as_on_it():
    assert DayCap(3000, WarmUp(FIRST, 500, times=2)).on(FIRST - 30 * DAY) == 500


def test_a_cap_alone_is_the_same_every_day():
    assert days(DayCap(7), 3) == [7, 7, 7]


@given(
    first=st.integers(1, LARGEST_CAP),
    times=st.floats(1, 1000),
    plus=st.integers(0, LARGEST_CAP),
    on=st.dates(),
)
def test_no_plan_ever_shrinks_or_bursts(first: int, times: float, plus: int, on: date) -> None:
    plan = WarmUp(FIRST, first, times, plus if times == 1 else 0)
    before = plan.on(on - DAY) if on > date.min else first
    assert first <= before <= plan.on(on) <= LARGEST_CAP


@given(
    cap=st.integers(1, 100_000),
    drawn=st.integers(0, 200_000),
    waiting=st.integers(1, 1000),
    likely=st.integers(0, 10_000),
)
def test_a_draw_is_never_more_than_what_is_left(
    cap: int, drawn: int, waiting: int, likely: int
) -> None:
    granted = DayCap(cap).draw(drawn, waiting, likely, FIRST)
    assert 0 <= granted <= max(cap - drawn, 0)
    assert granted >= min(waiting, max(cap - drawn, 0)), "whoever waits gets what there is"


def test_near_the_end_nobody_draws_ahead_of_need():
    cap = DayCap(1000)
    assert cap.draw(0, 1, 500, FIRST) == 62
    assert cap.draw(990, 1, 500, FIRST) == 1


def test_what_would_cap_nothing_or_let_nothing_through_is_refused():
    for wrong in (
        DayCap,
        lambda: DayCap(0),
        lambda: DayCap(LARGEST_CAP + 1),
        lambda: WarmUp(FIRST, 0),
        lambda: WarmUp(FIRST, 1, times=0.5),
        lambda: WarmUp(FIRST, 1, plus=-1),
    ):
        with pytest.raises(ConfigurationError, match="expected"):
            wrong()


def test_a_day_that_is_used_up_opens_with_the_next():
    assert DayUse("smtp", FIRST, 10, 9).opens_at is None
    assert DayUse("smtp", FIRST, 10, 10).opens_at == datetime(2027, 1, 2, tzinfo=UTC)
