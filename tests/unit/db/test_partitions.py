"""The arithmetic of months."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.db.partitions import add_months, months_of
from heyday.domain.timezone import Window


@pytest.mark.parametrize(
    ("month", "count", "expected"),
    [
        (date(2027, 1, 31), 0, date(2027, 1, 1)),
        (date(2027, 1, 31), 1, date(2027, 2, 1)),
        (date(2027, 12, 31), 1, date(2028, 1, 1)),
        (date(2027, 1, 1), -1, date(2026, 12, 1)),
        (date(2027, 3, 31), -25, date(2025, 2, 1)),
        (date(2027, 6, 15), 120, date(2037, 6, 1)),
    ],
)
def test_adding_months(month: date, count: int, expected: date) -> None:
    assert add_months(month, count) == expected


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        (datetime(2027, 1, 10, tzinfo=UTC), datetime(2027, 1, 12, tzinfo=UTC), [1]),
        (datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 1, 12, tzinfo=UTC), [12, 1]),
        (datetime(2027, 1, 20, tzinfo=UTC), datetime(2027, 1, 30, tzinfo=UTC), [1, 2]),
        (datetime(2027, 11, 30, tzinfo=UTC), datetime(2028, 2, 10, tzinfo=UTC), [11, 12, 1, 2]),
    ],
)
def test_the_months_of_a_window_and_of_the_dates_around_it(
    start: datetime, end: datetime, months: list[int]
) -> None:
    assert [month.month for month in months_of(Window(start, end))] == months


instants = st.datetimes(datetime(2000, 1, 3), datetime(2090, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC)
)


@given(instants, st.timedeltas(timedelta(), timedelta(days=400)), st.floats(0, 1))
def test_every_date_within_a_day_of_the_window_is_covered(
    start: datetime, length: timedelta, share: float
) -> None:
    months = months_of(Window(start, start + length))
    assert months == sorted(set(months))
    for shift in (-1, 0, 1):
        on = (start + length * share + timedelta(days=shift)).date()
        assert on.replace(day=1) in months
