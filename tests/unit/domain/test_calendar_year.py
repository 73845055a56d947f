"""A year is counted by the date where people are, with leap years and dates left out."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.calendar_year import CalendarDay, CalendarYear, count_year
from heyday.domain.forecast import PeopleByDay
from heyday.domain.message_types import ANNIVERSARY, BIRTHDAY, MessageType
from heyday.domain.policies import SkipPolicy, TimePolicies
from heyday.domain.timezone import TimezoneService

DAY = timedelta(days=1)
NOW = datetime(2027, 1, 14, tzinfo=UTC)
# One that left 30 December 2011 out, one with summer time, and one that there is not.
ZONES = ["Pacific/Apia", "Europe/London", "UTC", "Mars/Olympus"]
NOBODY = PeopleByDay({}, {})


def everybody(each: int = 1) -> PeopleByDay:
    """As many in each zone on each day of the year."""
    first_on = date(2028, 1, 1)
    dates = [first_on + n * DAY for n in range(366)]
    days = {on.month * 100 + on.day: each for on in dates}
    return PeopleByDay(dict.fromkeys(ZONES, days), {})


def rules_of(
    leap_day: SkipPolicy = SkipPolicy.BACKWARD, missing: SkipPolicy = SkipPolicy.FORWARD
) -> Mapping[str, TimezoneService]:
    rules = TimezoneService(TimePolicies(leap_day=leap_day, missing_date=missing))
    return {BIRTHDAY.name: rules, ANNIVERSARY.name: rules}


def counted(
    people: Mapping[MessageType, PeopleByDay],
    rules: Mapping[str, TimezoneService],
    first_on: date,
    days: int,
) -> dict[date, Mapping[str, int]]:
    return {day.on: day.counts for day in count_year(people, rules, first_on, days).days}


@pytest.mark.parametrize(
    ("leap_day", "before", "after"),
    [
        (SkipPolicy.BACKWARD, 6, 3),
        (SkipPolicy.FORWARD, 3, 6),
        (SkipPolicy.OMIT, 3, 3),
    ],
)
def test_29_february_goes_where_its_policy_says(leap_day: SkipPolicy, before: int, after: int):
    people = {BIRTHDAY: everybody()}
    found = counted(people, rules_of(leap_day), date(2027, 2, 27), 4)
    assert [day["BIRTHDAY"] for day in found.values()] == [3, before, after, 3]
    leap_year = counted(people, rules_of(leap_day), date(2028, 2, 28), 3)
    assert [day["BIRTHDAY"] for day in leap_year.values()] == [3, 3, 3]
    assert date(2028, 2, 29) in leap_year


@pytest.mark.parametrize(
    ("leap_day", "greeted_on"),
    [
        (SkipPolicy.BACKWARD, date(2027, 2, 28)),
        (SkipPolicy.FORWARD, date(2027, 3, 1)),
        (SkipPolicy.OMIT, None),
    ],
)
def test_a_common_year_says_what_becomes_of_29_february(
    leap_day: SkipPolicy, greeted_on: date | None
):
    year = count_year({BIRTHDAY: everybody(7)}, rules_of(leap_day), date(2026, 11, 26), 400)
    common = year.leap_days[1]
    assert (common.year, common.policy, common.greeted_on) == (2027, leap_day, greeted_on)
    assert common.people == 21
    # Of the three years that it touches, those whose end of February is shown.
    assert [leap.year for leap in year.from_day(date(2026, 11, 26), 366).leap_days] == [2027]


def test_a_leap_year_needs_no_policy():
    year = count_year({BIRTHDAY: everybody()}, rules_of(), date(2027, 12, 1), 366)
    (leap,) = year.from_day(date(2027, 12, 1)).leap_days
    assert (leap.year, leap.policy, leap.greeted_on) == (2028, None, date(2028, 2, 29))


def test_who_is_too_recent_is_not_counted():
    people = PeopleByDay({"UTC": {115: 10, 229: 4}}, {"UTC": {115: [(2026, 3), (2027, 2)]}})
    found = counted({ANNIVERSARY: people, BIRTHDAY: people}, rules_of(), date(2027, 1, 15), 366)
    assert found[date(2027, 1, 15)] == {"ANNIVERSARY": 8, "BIRTHDAY": 10}
    assert found[date(2028, 1, 15)] == {"ANNIVERSARY": 10, "BIRTHDAY": 10}


@pytest.mark.parametrize("missing", list(SkipPolicy))
def test_a_zone_that_leaves_a_date_out_moves_its_people_alone(missing: SkipPolicy):
    people = {BIRTHDAY: everybody()}
    found = counted(people, rules_of(missing=missing), date(2011, 12, 28), 5)
    greeted = [day["BIRTHDAY"] for day in found.values()]
    back, forth = missing is SkipPolicy.BACKWARD, missing is SkipPolicy.FORWARD
    assert greeted == [3, 3 + back, 2, 3 + forth, 3]


@given(
    first_on=st.dates(date(2008, 1, 1), date(2032, 1, 1)),
    leap_day=st.sampled_from(SkipPolicy),
    missing=st.sampled_from(SkipPolicy),
)
def test_a_year_is_the_sum_of_its_zones_days(
    first_on: date, leap_day: SkipPolicy, missing: SkipPolicy
):
    rules = rules_of(leap_day, missing)
    people = everybody()
    found = counted({BIRTHDAY: people}, rules, first_on, 30)
    for on, counts in found.items():
        days = rules["BIRTHDAY"].days_on(ZONES[:3], on, NOW)
        assert counts["BIRTHDAY"] == sum(people.count(day, 0) for day in days)


def test_a_year_that_was_kept_overnight_begins_with_the_new_day():
    year = count_year({BIRTHDAY: everybody()}, rules_of(), date(2027, 1, 14), 368)
    shown = year.from_day(date(2027, 1, 15))
    assert [shown.days[0].on, shown.days[-1].on] == [date(2027, 1, 15), date(2028, 1, 15)]
    assert len(shown.days) == 366
    # In a common year, 28 February has those of 29 February as well.
    assert shown.totals == {"BIRTHDAY": 367 * 3}


def test_the_fullest_day_is_the_first_of_equals_and_a_usual_one_lies_in_the_middle():
    first_on = date(2027, 1, 1)
    totals = [0, 9, 2, 9, 4, 3]
    days = [CalendarDay(first_on + n * DAY, {"A": total}) for n, total in enumerate(totals)]
    year = CalendarYear(days, [])
    assert year.busiest
    assert year.busiest.on == date(2027, 1, 2)
    assert year.usual == 4
    assert CalendarYear(days[:3], []).usual == 5.5
    assert CalendarYear(days[:1], []).busiest is None
    assert CalendarYear(days[:1], []).usual == 0


def test_without_people_every_day_is_there_and_empty():
    year = count_year({BIRTHDAY: NOBODY, ANNIVERSARY: NOBODY}, rules_of(), date(2027, 1, 14), 366)
    assert len(year.days) == 366
    assert year.totals == {"BIRTHDAY": 0, "ANNIVERSARY": 0}
