"""The second way to find nine o'clock, held against the first and against known days."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from heyday.domain.policies import GapPolicy, OverlapPolicy, SkipPolicy, TimePolicies
from heyday.domain.spreading import offset_of
from heyday.domain.timezone import TimezoneService
from heyday.domain.tzdb import PINNED
from heyday.simulation.expectations import Calendar, Due
from heyday.simulation.scenario import Outage, Scenario

YEAR = Scenario(date(2027, 1, 1), date(2027, 12, 31))
BERLIN_DAY = date(2027, 6, 1)
BERLIN_NINE = datetime(2027, 6, 1, 7, tzinfo=UTC)


def calendar(scenario: Scenario = YEAR, policies: TimePolicies | None = None) -> Calendar:
    return Calendar(scenario, policies or TimePolicies(), PINNED, PINNED)


def at(due: Due | None) -> datetime | None:
    return due.at if due else None


def test_both_ways_agree_on_every_day_of_zones_with_odd_changes() -> None:
    timezones, second = TimezoneService(), calendar()
    for zone in ("Australia/Lord_Howe", "Antarctica/Troll", "Pacific/Chatham", "Africa/Casablanca"):
        for n in range(365):
            on = date(2027, 1, 1) + timedelta(days=n)
            assert at(second.due(zone, on)) == timezones.send_at(zone, on), (zone, on)


@pytest.mark.parametrize("gap", GapPolicy)
@pytest.mark.parametrize("overlap", OverlapPolicy)
@pytest.mark.parametrize("send_time", [time(1, 30), time(2, 30)])
def test_both_ways_agree_where_clocks_change(
    gap: GapPolicy, overlap: OverlapPolicy, send_time: time
) -> None:
    policies = TimePolicies(send_time=send_time, gap=gap, overlap=overlap)
    for on in (date(2027, 3, 14), date(2027, 11, 7)):
        expected = TimezoneService(policies).send_at("America/New_York", on)
        assert at(calendar(policies=policies).due("America/New_York", on)) == expected


@pytest.mark.parametrize("policy", SkipPolicy)
def test_both_ways_agree_on_a_date_that_a_zone_left_out(policy: SkipPolicy) -> None:
    scenario = Scenario(date(2011, 12, 25), date(2012, 1, 5))
    policies = TimePolicies(missing_date=policy)
    on = date(2011, 12, 30)
    expected = TimezoneService(policies).find_send_at("Pacific/Apia", on)
    assert at(calendar(scenario, policies).due("Pacific/Apia", on)) == expected


@pytest.mark.parametrize(
    ("policy", "days"),
    [
        (SkipPolicy.BACKWARD, [date(2027, 2, 28)]),
        (SkipPolicy.FORWARD, [date(2027, 3, 1)]),
        (SkipPolicy.OMIT, []),
    ],
)
def test_29_february_in_a_common_year(policy: SkipPolicy, days: list[date]) -> None:
    found = calendar(policies=TimePolicies(leap_day=policy)).days_of(date(1988, 2, 29))
    assert list(found) == days


def test_29_february_in_a_leap_year() -> None:
    leap = Scenario(date(2028, 1, 1), date(2028, 12, 31))
    assert list(calendar(leap).days_of(date(1988, 2, 29))) == [date(2028, 2, 29)]


def outage(hours: int) -> Scenario:
    span = Outage(BERLIN_NINE, BERLIN_NINE + timedelta(hours=hours))
    return Scenario(YEAR.first_on, YEAR.last_on, outage=span)


def test_what_an_outage_holds_up_is_due_when_it_ends() -> None:
    due = calendar(outage(24)).due("Europe/Berlin", BERLIN_DAY)
    assert due
    assert (due.at, due.is_lost, due.is_nine) == (BERLIN_NINE + timedelta(hours=24), False, False)


def test_what_an_outage_holds_up_for_too_long_is_lost() -> None:
    due = calendar(outage(25)).due("Europe/Berlin", BERLIN_DAY)
    assert due
    assert due.is_lost


def test_the_rest_of_the_year_knows_of_no_outage() -> None:
    due = calendar(outage(24)).due("Europe/Berlin", BERLIN_DAY + timedelta(days=2))
    assert due
    assert (due.at, due.is_nine) == (BERLIN_NINE + timedelta(days=2), True)


@pytest.mark.parametrize(
    ("zone", "on", "send_time"),
    [
        ("America/New_York", date(2027, 11, 7), time(1, 30)),
        ("America/New_York", date(2027, 3, 14), time(1, 30)),
        ("America/Nuuk", date(2027, 3, 27), time(20, 30)),
        ("Asia/Kathmandu", date(2027, 6, 1), time(9)),
    ],
)
def test_both_ways_agree_on_the_second_of_a_spread(zone: str, on: date, send_time: time) -> None:
    policies = TimePolicies(send_time=send_time, spread=timedelta(hours=3))
    timezones, second = TimezoneService(policies), calendar(policies=policies)
    send_at = timezones.send_at(zone, on)
    for n in range(50):
        key = f"{n}:BIRTHDAY:{on}"
        due = second.due(zone, on, key)
        assert due
        assert due.at == send_at + offset_of(key, timezones.spread_from(zone, send_at))
