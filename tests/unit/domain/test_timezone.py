from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heyday.domain.errors import InvalidInput, UnknownTimezone
from heyday.domain.timezone import (
    TZDB_VERSION,
    LeapDayPolicy,
    TimezoneService,
    Window,
    ZoneDay,
    load_zone,
    zone_names,
)

NINE = TimezoneService()
DAY = timedelta(days=1)
NOW = datetime(2027, 1, 14, tzinfo=UTC)

zones = st.sampled_from(sorted(zone_names()))
dates = st.dates(date(1900, 1, 1), date(2150, 1, 1))
send_times = st.times().map(lambda at: at.replace(microsecond=0))
instants = st.datetimes(datetime(1900, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds the zone


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- The tz database --------------------------------------------------------------------------


def test_the_version_is_the_release_of_the_pinned_package():
    assert NINE.tzdb_version == TZDB_VERSION
    assert TZDB_VERSION[:4].isdecimal()
    assert TZDB_VERSION[4:].isalpha()


@pytest.mark.parametrize(
    "name", ["America/Argentina/Buenos_Aires", "America/Port-au-Prince", "Etc/GMT+5", "UTC", "CET"]
)
def test_rare_names_are_known(name: str):
    assert NINE.is_known(name)
    assert load_zone(name).key == name


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "europe/berlin", "UTC+1", "../zones", "Europe", "Europe/", "\x00"]
)
def test_what_is_no_zone_is_refused(name: str):
    assert not NINE.is_known(name)
    with pytest.raises(UnknownTimezone, match="timezone: is not an IANA time zone"):
        NINE.send_at(name, date(2027, 1, 14))


def test_neither_the_system_nor_the_environment_supplies_zones(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONTZPATH", "/nowhere")
    load_zone.cache_clear()
    # Permanently 7 h behind UTC since 2026; older files, such as 2025b, say 8 in winter.
    assert NINE.send_at("America/Vancouver", date(2027, 1, 14)) == utc("2027-01-14T16:00")


def test_every_zone_can_be_loaded():
    assert len(zone_names()) > 590
    for name in zone_names():
        assert NINE.local_date(name, NOW) in {NOW.date(), NOW.date() - DAY}


# --- One instant for a zone and a date ---------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "on", "send_at"),
    [
        ("UTC", "2027-01-14", "2027-01-14T09:00"),
        ("Pacific/Kiritimati", "2027-01-14", "2027-01-13T19:00"),
        ("Etc/GMT-14", "2027-01-14", "2027-01-13T19:00"),
        ("Etc/GMT+12", "2027-01-14", "2027-01-14T21:00"),
        ("Pacific/Pago_Pago", "2027-01-14", "2027-01-14T20:00"),
        ("Pacific/Chatham", "2027-01-14", "2027-01-13T19:15"),
        ("Pacific/Chatham", "2027-07-14", "2027-07-13T20:15"),
        ("Australia/Lord_Howe", "2027-01-14", "2027-01-13T22:00"),
        ("Australia/Lord_Howe", "2027-07-14", "2027-07-13T22:30"),
        ("Australia/Eucla", "2027-01-14", "2027-01-14T00:15"),
        ("Asia/Kathmandu", "2027-01-14", "2027-01-14T03:15"),
        ("Pacific/Marquesas", "2027-01-14", "2027-01-14T18:30"),
        ("America/St_Johns", "2027-01-14", "2027-01-14T12:30"),
        ("America/St_Johns", "2027-07-14", "2027-07-14T11:30"),
        ("Antarctica/Troll", "2027-01-14", "2027-01-14T09:00"),
        ("Antarctica/Troll", "2027-07-14", "2027-07-14T07:00"),
        # Morocco sets its clocks back for Ramadan, here until 22 March.
        ("Africa/Casablanca", "2026-03-01", "2026-03-01T09:00"),
        ("Africa/Casablanca", "2026-04-01", "2026-04-01T08:00"),
        # Samoa and Kwajalein crossed the date line and left a day out: the next date's instant.
        ("Pacific/Apia", "2011-12-29", "2011-12-29T19:00"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T19:00"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T19:00"),
        ("Pacific/Kwajalein", "1993-08-20", "1993-08-20T21:00"),
        ("Pacific/Kwajalein", "1993-08-21", "1993-08-21T21:00"),
        ("Pacific/Kwajalein", "1993-08-22", "1993-08-21T21:00"),
    ],
)
def test_nine_o_clock_in_rare_zones(zone: str, on: str, send_at: str):
    assert NINE.send_at(zone, date.fromisoformat(on)) == utc(send_at)


@pytest.mark.parametrize(
    ("send_time", "on", "send_at"),
    [
        ("01:59:59", "2027-03-14", "2027-03-14T06:59:59"),
        ("02:00", "2027-03-14", "2027-03-14T07:00"),  # jumped over: 03:00
        ("02:30", "2027-03-14", "2027-03-14T07:30"),  # jumped over: 03:30
        ("03:00", "2027-03-14", "2027-03-14T07:00"),
        ("00:59:59", "2027-11-07", "2027-11-07T04:59:59"),
        ("01:30", "2027-11-07", "2027-11-07T05:30"),  # comes twice: the first
        ("02:00", "2027-11-07", "2027-11-07T07:00"),
    ],
)
def test_gap_and_overlap_in_new_york(send_time: str, on: str, send_at: str):
    service = TimezoneService(time.fromisoformat(send_time))
    assert service.send_at("America/New_York", date.fromisoformat(on)) == utc(send_at)


@given(zones, dates, send_times)
def test_never_before_the_wall_time_and_not_after_it_without_a_gap(
    zone: str, on: date, send_time: time
):
    send_at = TimezoneService(send_time).send_at(zone, on)
    wanted = datetime.combine(on, send_time)
    on_the_wall = send_at.astimezone(load_zone(zone)).replace(tzinfo=None, fold=0)
    assert on_the_wall >= wanted
    if on_the_wall != wanted:  # then no instant at all has the wanted time on the wall
        nearby = [send_at + timedelta(minutes=15 * n) for n in range(-104, 105)]
        assert wanted not in {at.astimezone(load_zone(zone)).replace(tzinfo=None) for at in nearby}


@given(zones, dates)
@example("Pacific/Apia", date(2011, 12, 30))
@example("Pacific/Kwajalein", date(1969, 9, 30))
def test_a_later_date_is_never_greeted_earlier(zone: str, on: date):
    assert NINE.send_at(zone, on) <= NINE.send_at(zone, on + DAY)


@given(zones, instants)
def test_the_local_date_is_that_of_the_wall(zone: str, at: datetime):
    assert NINE.local_date(zone, at) == at.astimezone(load_zone(zone)).date()


# --- Zone days --------------------------------------------------------------------------------


def zone_days(
    window: Window, names: list[str], leap_day: LeapDayPolicy = LeapDayPolicy.BACKWARD
) -> list[ZoneDay]:
    return list(TimezoneService(leap_day=leap_day).zone_days(names, window, NOW))


def test_a_zone_day_says_whom_when_and_whether_it_is_today():
    window = Window(NOW, NOW + DAY)
    assert zone_days(window, ["UTC", "Pacific/Kiritimati"]) == [
        ZoneDay("Pacific/Kiritimati", 115, date(2027, 1, 15), utc("2027-01-14T19:00"), False),  # noqa: FBT003 - is_today
        ZoneDay("UTC", 114, date(2027, 1, 14), utc("2027-01-14T09:00"), True),  # noqa: FBT003 - is_today
    ]


def test_a_window_holds_its_start_and_not_its_end():
    at = utc("2027-01-14T09:00")
    assert len(zone_days(Window(at, at + DAY), ["UTC"])) == 1
    assert zone_days(Window(at, at + DAY), ["UTC"])[0].send_at == at
    assert zone_days(Window(at, at), ["UTC"]) == []


def test_a_date_that_was_left_out_is_greeted_with_the_next():
    window = Window(utc("2011-12-29T12:00"), utc("2011-12-31T12:00"))
    days = zone_days(window, ["Pacific/Apia"])
    assert [(day.month_day, day.delivery_on, day.send_at) for day in days] == [
        (1229, date(2011, 12, 29), utc("2011-12-29T19:00")),
        (1230, date(2011, 12, 31), utc("2011-12-30T19:00")),
        (1231, date(2011, 12, 31), utc("2011-12-30T19:00")),
    ]


@pytest.mark.parametrize(
    ("leap_day", "year", "expected"),
    [
        (LeapDayPolicy.BACKWARD, 2027, [(228, "02-28"), (229, "02-28"), (301, "03-01")]),
        (LeapDayPolicy.FORWARD, 2027, [(228, "02-28"), (301, "03-01"), (229, "03-01")]),
        (LeapDayPolicy.OMIT, 2027, [(228, "02-28"), (301, "03-01")]),
        (LeapDayPolicy.BACKWARD, 2028, [(228, "02-28"), (229, "02-29"), (301, "03-01")]),
        (LeapDayPolicy.FORWARD, 2028, [(228, "02-28"), (229, "02-29"), (301, "03-01")]),
        (LeapDayPolicy.OMIT, 2028, [(228, "02-28"), (229, "02-29"), (301, "03-01")]),
        (LeapDayPolicy.BACKWARD, 2100, [(228, "02-28"), (229, "02-28"), (301, "03-01")]),
    ],
)
def test_29_february(leap_day: LeapDayPolicy, year: int, expected: list[tuple[int, str]]):
    window = Window(utc(f"{year}-02-28"), utc(f"{year}-03-02"))
    days = zone_days(window, ["UTC"], leap_day)
    assert [(day.month_day, f"{day.delivery_on:%m-%d}") for day in days] == expected


def month_days(year: int) -> Iterator[int]:
    on = date(year, 1, 1)
    while on.year == year:
        yield on.month * 100 + on.day
        on += DAY


@pytest.mark.parametrize("year", [2027, 2028])
def test_in_every_zone_each_day_of_the_year_comes_once(year: int):
    window = Window(utc(f"{year - 1}-12-30"), utc(f"{year + 1}-01-03"))
    found = {name: Counter[int]() for name in zone_names()}
    for day in NINE.zone_days(zone_names(), window, NOW):
        if day.delivery_on.year == year:
            found[day.timezone][day.month_day] += 1
    expected = Counter([*month_days(year), *([229] if year == 2027 else [])])
    assert [name for name, days in found.items() if days != expected] == []


@given(
    st.lists(zones, max_size=4, unique=True),
    instants,
    st.timedeltas(timedelta(), timedelta(days=5)),
    st.timedeltas(timedelta(), timedelta(days=5)),
    st.sampled_from(LeapDayPolicy),
)
def test_parts_of_a_window_give_what_the_whole_gives(
    names: list[str],
    start_at: datetime,
    first: timedelta,
    second: timedelta,
    leap_day: LeapDayPolicy,
):
    parts = Window(start_at, start_at + first), Window(start_at + first, start_at + first + second)
    whole = zone_days(Window(start_at, start_at + first + second), names, leap_day)
    split = [day for part in parts for day in zone_days(part, names, leap_day)]
    assert Counter(whole) == Counter(split)
    assert len(set(whole)) == len(whole)


@given(zones, instants)
def test_a_zone_day_lies_in_its_window_and_knows_its_instant(zone: str, start_at: datetime):
    window = Window(start_at, start_at + 2 * DAY)
    for day in NINE.zone_days([zone], window, start_at):
        assert day.send_at in window
        assert day.delivery_on == NINE.local_date(zone, day.send_at)
        assert day.is_today == (day.delivery_on == NINE.local_date(zone, start_at))


# --- Windows and the ends of the calendar -----------------------------------------------------


def test_a_window_refuses_naive_and_reversed_bounds():
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(ValueError, match="aware"):
        Window(naive, NOW)
    with pytest.raises(ValueError, match="aware"):
        Window(NOW, naive)
    with pytest.raises(ValueError, match="cannot end at"):
        Window(NOW, NOW - timedelta(microseconds=1))


def test_a_window_tells_what_lies_in_it():
    window = Window(NOW, NOW + DAY)
    assert NOW in window
    assert NOW + DAY not in window
    assert NOW - timedelta(microseconds=1) not in window


FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
EAST, WEST = timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))


@pytest.mark.parametrize(
    "window", [Window(FIRST, FIRST + 9 * DAY), Window(LAST - 9 * DAY, LAST), Window(FIRST, FIRST)]
)
def test_a_plan_at_the_end_of_the_calendar_works(window: Window):
    for send_time in (time.min, time(9), time.max):
        days = list(TimezoneService(send_time).zone_days(zone_names(), window, NOW))
        assert all(day.send_at in window for day in days)


def test_all_but_two_dates_at_each_end_of_the_calendar_are_greeted():
    first = [day.delivery_on for day in zone_days(Window(FIRST, FIRST + 5 * DAY), ["UTC"])]
    last = [day.delivery_on for day in zone_days(Window(LAST - 5 * DAY, LAST), ["UTC"])]
    assert first == [date(1, 1, day) for day in (3, 4, 5)]
    assert last == [date(9999, 12, day) for day in (27, 28, 29)]


@pytest.mark.parametrize("at", [FIRST, LAST, FIRST.replace(tzinfo=EAST), LAST.replace(tzinfo=WEST)])
def test_an_instant_off_the_calendar_is_refused_kindly(at: datetime):
    zone = "America/New_York" if at.year == 1 else "Pacific/Kiritimati"
    with pytest.raises(InvalidInput, match=r"at: .* expected a year from 2 to 9998"):
        NINE.local_date(zone, at)


@pytest.mark.parametrize(
    "window",
    [
        Window(FIRST.replace(tzinfo=EAST), NOW - 700_000 * DAY),
        Window(NOW + 2_900_000 * DAY, LAST.replace(tzinfo=WEST)),
    ],
)
def test_a_window_off_the_calendar_is_refused_kindly(window: Window):
    with pytest.raises(InvalidInput, match="calendar ends"):
        list(NINE.zone_days([], window, NOW))


@pytest.mark.parametrize("on", [date.min, date.min + DAY, date.max - DAY, date.max])
def test_a_date_at_the_end_of_the_calendar_is_refused_kindly(on: date):
    with pytest.raises(InvalidInput, match="calendar ends"):
        NINE.send_at("Pacific/Kiritimati", on)


@given(zones, send_times)
def test_the_first_and_last_dates_that_are_taken_work(zone: str, send_time: time):
    service = TimezoneService(send_time)
    for on in (date.min + 2 * DAY, date.max - 2 * DAY):
        assert service.send_at(zone, on).utcoffset() == timedelta()
