"""What each choice about time does: to the second, where it matters, and as a law everywhere."""

from calendar import isleap
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heyday.domain.errors import InvalidInput
from heyday.domain.policies import GapPolicy, OverlapPolicy, SkipPolicy, TimePolicies
from heyday.domain.timezone import TimezoneService, Window, ZoneDay, month_days
from heyday.domain.tzdb import PINNED
from tests.acceptance import oracle

DAY = timedelta(days=1)
SHIFT, EDGE = GapPolicy.SHIFT, GapPolicy.EDGE
FIRST, SECOND = OverlapPolicy.FIRST, OverlapPolicy.SECOND
BACKWARD, FORWARD, OMIT = SkipPolicy.BACKWARD, SkipPolicy.FORWARD, SkipPolicy.OMIT


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def service(send_time: str = "09:00", **choices: SkipPolicy | GapPolicy | OverlapPolicy):
    return TimezoneService(TimePolicies(time.fromisoformat(send_time), **choices))  # type: ignore[arg-type]


@pytest.mark.parametrize("send_time", [time(9, tzinfo=UTC), time(9, fold=1)])
def test_a_send_time_is_a_plain_time_of_day(send_time: time):
    with pytest.raises(ValueError, match="a plain time of day, got"):
        TimePolicies(send_time)


# --- A time of day that the clocks jump over ---------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "on", "send_time", "shifted", "at_the_edge"),
    [
        # From 02:00 to 03:00, at 07:00 UTC.
        ("America/New_York", "2027-03-14", "01:30", "2027-03-14T06:30", "2027-03-14T06:30"),
        (
            "America/New_York",
            "2027-03-14",
            "01:59:59",
            "2027-03-14T06:59:59",
            "2027-03-14T06:59:59",
        ),
        ("America/New_York", "2027-03-14", "02:00", "2027-03-14T07:00", "2027-03-14T07:00"),
        ("America/New_York", "2027-03-14", "02:00:01", "2027-03-14T07:00:01", "2027-03-14T07:00"),
        ("America/New_York", "2027-03-14", "02:30", "2027-03-14T07:30", "2027-03-14T07:00"),
        ("America/New_York", "2027-03-14", "02:59:59", "2027-03-14T07:59:59", "2027-03-14T07:00"),
        ("America/New_York", "2027-03-14", "03:00", "2027-03-14T07:00", "2027-03-14T07:00"),
        # Half an hour only: from 02:00 to 02:30, so 02:15 is 02:45 or 02:30.
        ("Australia/Lord_Howe", "2027-10-03", "02:15", "2027-10-02T15:45", "2027-10-02T15:30"),
        ("Australia/Lord_Howe", "2027-10-03", "02:30", "2027-10-02T15:30", "2027-10-02T15:30"),
        # Two hours: from 01:00 to 03:00, so 01:30 is 03:30 or 03:00.
        ("Antarctica/Troll", "2027-03-28", "01:30", "2027-03-28T01:30", "2027-03-28T01:00"),
        ("Antarctica/Troll", "2027-03-28", "02:59", "2027-03-28T02:59", "2027-03-28T01:00"),
        # At a quarter to: from 02:45 to 03:45.
        ("Pacific/Chatham", "2027-09-26", "02:44:59", "2027-09-25T13:59:59", "2027-09-25T13:59:59"),
        ("Pacific/Chatham", "2027-09-26", "03:00", "2027-09-25T14:15", "2027-09-25T14:00"),
        # From 23:00 to midnight: half past eleven is half past midnight, or midnight.
        ("America/Nuuk", "2027-03-27", "23:30", "2027-03-28T01:30", "2027-03-28T01:00"),
        # From midnight to 01:00: the day begins an hour late.
        ("Africa/Cairo", "2027-04-30", "00:00", "2027-04-29T22:00", "2027-04-29T22:00"),
        ("Africa/Cairo", "2027-04-30", "00:30", "2027-04-29T22:30", "2027-04-29T22:00"),
        # By 44 minutes and 30 seconds, the last offset with seconds in the world.
        ("Africa/Monrovia", "1972-01-07", "00:30", "1972-01-07T01:14:30", "1972-01-07T00:44:30"),
    ],
)
def test_gap(zone: str, on: str, send_time: str, shifted: str, at_the_edge: str):
    day = date.fromisoformat(on)
    for overlap in OverlapPolicy:  # which has no say here
        assert service(send_time, gap=SHIFT, overlap=overlap).send_at(zone, day) == utc(shifted)
        assert service(send_time, gap=EDGE, overlap=overlap).send_at(zone, day) == utc(at_the_edge)


@pytest.mark.parametrize(
    ("gap", "send_at"), [(SHIFT, "2027-03-28T01:30"), (EDGE, "2027-03-28T01:00")]
)
def test_a_gap_at_midnight_moves_the_instant_and_not_the_date_that_is_meant(
    gap: GapPolicy, send_at: str
):
    """At that instant it is the 28th in Nuuk; the greeting, and its key, are those of the 27th."""
    window = Window(utc("2027-03-28T00:00"), utc("2027-03-28T12:00"))
    days = service("23:30", gap=gap).zone_days(["America/Nuuk"], window, utc("2027-03-27T12:00"))
    assert list(days) == [
        ZoneDay("America/Nuuk", 327, date(2027, 3, 27), utc(send_at), is_today=True)
    ]


# --- A time of day that comes twice -----------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "on", "send_time", "first", "second"),
    [
        # From 02:00 back to 01:00, at 06:00 UTC.
        (
            "America/New_York",
            "2027-11-07",
            "00:59:59",
            "2027-11-07T04:59:59",
            "2027-11-07T04:59:59",
        ),
        ("America/New_York", "2027-11-07", "01:00", "2027-11-07T05:00", "2027-11-07T06:00"),
        ("America/New_York", "2027-11-07", "01:30", "2027-11-07T05:30", "2027-11-07T06:30"),
        (
            "America/New_York",
            "2027-11-07",
            "01:59:59",
            "2027-11-07T05:59:59",
            "2027-11-07T06:59:59",
        ),
        ("America/New_York", "2027-11-07", "02:00", "2027-11-07T07:00", "2027-11-07T07:00"),
        ("America/New_York", "2027-11-07", "02:30", "2027-11-07T07:30", "2027-11-07T07:30"),
        # Half an hour only: from 02:00 back to 01:30.
        ("Australia/Lord_Howe", "2027-04-04", "01:45", "2027-04-03T14:45", "2027-04-03T15:15"),
        # Two hours: from 03:00 back to 01:00.
        ("Antarctica/Troll", "2027-10-31", "02:30", "2027-10-31T00:30", "2027-10-31T02:30"),
        # From midnight back to 23:00: the second time is still the date that is meant.
        ("America/Nuuk", "2027-10-30", "23:30", "2027-10-31T00:30", "2027-10-31T01:30"),
        # Over the date line eastwards: nearly all of the day came twice.
        ("Pacific/Kwajalein", "1969-09-30", "09:00", "1969-09-29T22:00", "1969-09-30T21:00"),
    ],
)
def test_overlap(zone: str, on: str, send_time: str, first: str, second: str):
    day = date.fromisoformat(on)
    for gap in GapPolicy:  # which has no say here
        assert service(send_time, overlap=FIRST, gap=gap).send_at(zone, day) == utc(first)
        assert service(send_time, overlap=SECOND, gap=gap).send_at(zone, day) == utc(second)


# --- A date that a zone left out ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "on", "forward", "backward"),
    [
        # Samoa went over the date line westwards at the end of the 29th.
        ("Pacific/Apia", "2011-12-30", "2011-12-30T19:00", "2011-12-29T19:00"),
        ("Pacific/Fakaofo", "2011-12-30", "2011-12-30T20:00", "2011-12-29T20:00"),
        ("Pacific/Kwajalein", "1993-08-21", "1993-08-21T21:00", "1993-08-20T21:00"),
        ("Pacific/Kiritimati", "1994-12-31", "1994-12-31T19:00", "1994-12-30T19:00"),
        # The Philippines left New Year's Eve of 1844 out: the day before was 15:56:08 behind UTC.
        ("Asia/Manila", "1844-12-31", "1845-01-01T00:56:08", "1844-12-31T00:56:08"),
    ],
)
def test_a_date_that_was_left_out(zone: str, on: str, forward: str, backward: str):
    day = date.fromisoformat(on)
    assert service(missing_date=FORWARD).send_at(zone, day) == utc(forward)
    assert service(missing_date=BACKWARD).send_at(zone, day) == utc(backward)
    assert service(missing_date=OMIT).find_send_at(zone, day) is None
    with pytest.raises(InvalidInput, match=f"on: {zone} left the date {on} out"):
        service(missing_date=OMIT).send_at(zone, day)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (FORWARD, [(1229, "29", "29T19:00"), (1230, "31", "30T19:00"), (1231, "31", "30T19:00")]),
        (BACKWARD, [(1229, "29", "29T19:00"), (1230, "29", "29T19:00"), (1231, "31", "30T19:00")]),
        (OMIT, [(1229, "29", "29T19:00"), (1231, "31", "30T19:00")]),
    ],
)
def test_a_plan_over_a_date_that_was_left_out(
    policy: SkipPolicy, expected: list[tuple[int, str, str]]
):
    window = Window(utc("2011-12-29T12:00"), utc("2011-12-31T12:00"))
    days = service(missing_date=policy).zone_days(["Pacific/Apia"], window, window.start_at)
    assert [(d.month_day, f"{d.delivery_on:%d}", f"{d.send_at:%dT%H:%M}") for d in days] == expected


def test_it_is_today_for_people_of_a_missing_date_when_it_is_the_date_they_are_greeted_on():
    new_year_s_eve = utc("2011-12-30T12:00")  # 31 December, 02:00, in Samoa
    window = Window(new_year_s_eve, new_year_s_eve + DAY)
    days = service().zone_days(["Pacific/Apia"], window, new_year_s_eve)
    assert [(day.month_day, day.is_today) for day in days] == [(1230, True), (1231, True)]


# --- 29 February ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("leap_day", "year", "expected"),
    [
        (BACKWARD, 2027, [(228, "02-28"), (229, "02-28"), (301, "03-01")]),
        (FORWARD, 2027, [(228, "02-28"), (301, "03-01"), (229, "03-01")]),
        (OMIT, 2027, [(228, "02-28"), (301, "03-01")]),
        (BACKWARD, 2028, [(228, "02-28"), (229, "02-29"), (301, "03-01")]),
        (FORWARD, 2028, [(228, "02-28"), (229, "02-29"), (301, "03-01")]),
        (OMIT, 2028, [(228, "02-28"), (229, "02-29"), (301, "03-01")]),
        (BACKWARD, 2100, [(228, "02-28"), (229, "02-28"), (301, "03-01")]),
    ],
)
def test_29_february(leap_day: SkipPolicy, year: int, expected: list[tuple[int, str]]):
    window = Window(utc(f"{year}-02-28"), utc(f"{year}-03-02"))
    days = service(leap_day=leap_day).zone_days(["UTC"], window, window.start_at)
    assert [(day.month_day, f"{day.delivery_on:%m-%d}") for day in days] == expected


@given(st.integers(2, 9998), st.sampled_from(SkipPolicy))
@example(2027, OMIT)
@example(2028, OMIT)
@example(2100, BACKWARD)
@example(2000, FORWARD)
def test_in_every_year_each_person_is_greeted_once(year: int, leap_day: SkipPolicy):
    first_on = date(year, 1, 1)
    dates = [first_on + n * DAY for n in range(366 if isleap(year) else 365)]
    people = {on.month * 100 + on.day for on in (date(2028, 1, 1) + n * DAY for n in range(366))}
    if leap_day is OMIT and not isleap(year):
        people -= {229}
    greeted = Counter(month_day for on in dates for month_day in month_days(on, leap_day))
    assert greeted == Counter(people)


# --- Laws -------------------------------------------------------------------------------------


@cache
def _days_of_change() -> list[tuple[str, date]]:
    """Return the dates, in UTC, of every change of every zone's clocks that is on record."""
    start = datetime(1970, 1, 1, tzinfo=UTC)
    return [
        (name, (start + timedelta(seconds=change)).date())
        for name in sorted(PINNED.names)
        for change in oracle.load(name, 2040).changes
    ]


zones = st.sampled_from(sorted(PINNED.names))
somewhen = st.tuples(zones, st.dates(date(1800, 1, 1), date(2150, 1, 1)))
near_a_change = st.tuples(
    st.deferred(lambda: st.sampled_from(_days_of_change())), st.integers(-2, 2)
).map(lambda drawn: (drawn[0][0], drawn[0][1] + drawn[1] * DAY))
zone_dates = somewhen | near_a_change
policies = st.builds(
    TimePolicies,
    send_time=st.times().map(lambda at: at.replace(microsecond=0, fold=0)),
    leap_day=st.sampled_from(SkipPolicy),
    missing_date=st.sampled_from(SkipPolicy),
    gap=st.sampled_from(GapPolicy),
    overlap=st.sampled_from(OverlapPolicy),
)


def exists(zone: str, on: date) -> bool:
    return service("12:00", missing_date=OMIT).find_send_at(zone, on) is not None


def on_the_wall(zone: str, at: datetime) -> datetime:
    return at.astimezone(PINNED.load(zone)).replace(tzinfo=None)


@given(zone_dates, policies)
def test_a_zone_and_a_date_have_one_instant_and_a_plan_has_the_same(
    zone_date: tuple[str, date], policies: TimePolicies
):
    (zone, on), timezones = zone_date, TimezoneService(policies)
    send_at = timezones.find_send_at(zone, on)
    assert send_at == TimezoneService(policies).find_send_at(zone, on)
    around = datetime.combine(on, time(), UTC)
    planned = timezones.zone_days([zone], Window(around - 4 * DAY, around + 5 * DAY), around)
    instants = [day.send_at for day in planned if day.month_day == on.month * 100 + on.day]
    assert instants == ([send_at] if send_at else [])


@given(zone_dates, policies)
def test_never_before_the_wall_time_and_late_only_by_a_gap(
    zone_date: tuple[str, date], policies: TimePolicies
):
    zone, on = zone_date
    send_at = TimezoneService(policies).find_send_at(zone, on)
    if send_at is None:
        assert policies.missing_date is OMIT
        assert not exists(zone, on)
        return
    if not exists(zone, on) and policies.missing_date is BACKWARD:
        on -= DAY
    wanted, shown = datetime.combine(on, policies.send_time), on_the_wall(zone, send_at)
    assert shown >= wanted
    if shown != wanted:  # then the wall jumps over the wanted time, at that instant or before it
        zone_of_oracle = oracle.load(zone, 2150)
        wall = int((wanted - datetime.combine(on, time())).total_seconds())
        jump = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
            seconds=zone_of_oracle.jump_over(on, wall)
        )
        assert (send_at == jump) if _is_at_the_edge(policies, zone, on) else (send_at >= jump)


def _is_at_the_edge(policies: TimePolicies, zone: str, on: date) -> bool:
    return policies.gap is EDGE and exists(zone, on)


@given(zone_dates, policies)
@example(("America/Juneau", date(1867, 10, 17)), TimePolicies())
@example(("Pacific/Kwajalein", date(1969, 9, 29)), TimePolicies(overlap=SECOND))
@example(("Pacific/Pago_Pago", date(1892, 7, 4)), TimePolicies(overlap=SECOND))
def test_each_date_that_exists_is_greeted_later_than_the_one_before(
    zone_date: tuple[str, date], policies: TimePolicies
):
    zone, on = zone_date
    timezones = TimezoneService(policies)
    dates = [day for n in range(-2, 3) if exists(zone, day := on + n * DAY)]
    assert all(
        timezones.send_at(zone, before) < timezones.send_at(zone, after)
        for before, after in pairwise(dates)
    )


@given(
    st.lists(zones, max_size=4, unique=True),
    near_a_change,
    st.lists(st.timedeltas(timedelta(), timedelta(days=5)), max_size=5),
    policies,
)
def test_any_split_of_a_window_gives_what_the_whole_gives(
    names: list[str],
    zone_date: tuple[str, date],
    cuts: list[timedelta],
    policies: TimePolicies,
):
    zone, on = zone_date
    start_at = datetime.combine(on, time(), UTC) - 2 * DAY
    timezones, all_names = TimezoneService(policies), {zone, *names}
    borders = [start_at, *(start_at + cut for cut in sorted(cuts)), start_at + 5 * DAY]
    whole = list(timezones.zone_days(all_names, Window(start_at, borders[-1]), start_at))
    parts = [
        day
        for begin, end in pairwise(borders)
        for day in timezones.zone_days(all_names, Window(begin, end), start_at)
    ]
    assert Counter(parts) == Counter(whole)
    assert len(set(whole)) == len(whole)
