"""On which day a date is greeted, in one year or next."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.message_types import ANNIVERSARY, BIRTHDAY, MessageType
from heyday.domain.occasions import Occasion
from heyday.domain.policies import SkipPolicy, TimePolicies
from heyday.domain.timezone import TimezoneService
from heyday.domain.tzdb import PINNED

NOW = datetime(2027, 1, 14, tzinfo=UTC)
LEAP = date(1988, 2, 29)


def occasion(
    given_on: date,
    zone: str = "UTC",
    message_type: MessageType = BIRTHDAY,
    policies: TimePolicies | None = None,
) -> Occasion:
    return Occasion(message_type, TimezoneService(policies), zone, given_on)


@pytest.mark.parametrize(
    ("leap_day", "year", "on"),
    [
        (SkipPolicy.BACKWARD, 2027, date(2027, 2, 28)),
        (SkipPolicy.FORWARD, 2027, date(2027, 3, 1)),
        (SkipPolicy.OMIT, 2027, None),
        (SkipPolicy.OMIT, 2028, date(2028, 2, 29)),
        (SkipPolicy.BACKWARD, 2100, date(2100, 2, 28)),
    ],
)
def test_29_february(leap_day: SkipPolicy, year: int, on: date | None):
    day = occasion(LEAP, policies=TimePolicies(leap_day=leap_day)).find_in(year, NOW)
    assert (day and day.delivery_on) == on


@pytest.mark.parametrize(
    ("now", "on"),
    [
        (datetime(2027, 1, 14, 23, tzinfo=UTC), date(2027, 1, 14)),
        (datetime(2027, 1, 15, tzinfo=UTC), date(2028, 1, 14)),
    ],
)
def test_the_next_is_today_until_today_is_over(now: datetime, on: date):
    day = occasion(date(1990, 1, 14)).find_next(now)
    assert day
    assert day.delivery_on == on


def test_today_is_that_of_the_zone():
    day = occasion(date(1990, 1, 15), "Pacific/Kiritimati").find_next(NOW.replace(hour=11))
    assert day
    assert (day.delivery_on, day.is_today) == (date(2027, 1, 15), True)


def test_the_next_is_old_enough():
    day = occasion(date(2027, 1, 20), message_type=ANNIVERSARY).find_next(NOW)
    assert day
    assert day.delivery_on == date(2028, 1, 20)


def test_the_next_29_february_may_be_eight_years_away():
    policies = TimePolicies(leap_day=SkipPolicy.OMIT)
    day = occasion(LEAP, policies=policies).find_next(datetime(2096, 3, 1, tzinfo=UTC))
    assert day
    assert day.delivery_on == date(2104, 2, 29)


def test_a_date_that_was_left_out_is_found_where_the_policy_put_it():
    new = occasion(date(1980, 12, 30), "Pacific/Apia")
    assert new.find_on(date(2011, 12, 30), NOW) is None
    day = new.find_on(date(2011, 12, 31), NOW)
    assert day
    assert day.month_day == 1230


def test_a_date_carried_into_another_year_is_found():
    # Kiritimati left out 31 December 1994.
    day = occasion(date(1980, 12, 31), "Pacific/Kiritimati").find_on(date(1995, 1, 1), NOW)
    assert day
    assert day.month_day == 1231


@given(
    zone=st.sampled_from(sorted(PINNED.names)),
    given_on=st.dates(date(1950, 1, 1), date(2020, 12, 31)),
    year=st.integers(2021, 2090),
)
def test_what_is_found_in_a_year_is_found_on_its_date(zone: str, given_on: date, year: int):
    one = occasion(given_on, zone)
    day = one.find_in(year, NOW)
    assert day
    assert one.find_on(day.delivery_on, NOW) == day
    assert abs(day.delivery_on - one.nominal_in(year)).days <= 1
