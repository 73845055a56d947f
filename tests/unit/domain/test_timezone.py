from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.errors import InvalidInput
from heyday.domain.policies import SkipPolicy, TimePolicies
from heyday.domain.timezone import TimezoneService, Window, ZoneDay
from heyday.domain.tzdb import PINNED

NINE = TimezoneService()
DAY = timedelta(days=1)
NOW = datetime(2027, 1, 14, tzinfo=UTC)

zones = st.sampled_from(sorted(PINNED.names))
send_times = st.times().map(lambda at: at.replace(microsecond=0, fold=0))
instants = st.datetimes(datetime(1900, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds the zone


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- One instant for a zone and a date ---------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "on", "send_at"),
    [
        ("UTC", "2027-01-14", "2027-01-14T09:00"),
        # The easternmost and the westernmost clocks: 26 hours lie between the two.
        ("Pacific/Kiritimati", "2027-01-14", "2027-01-13T19:00"),
        ("Etc/GMT-14", "2027-01-14", "2027-01-13T19:00"),
        ("Pacific/Pago_Pago", "2027-01-14", "2027-01-14T20:00"),
        ("Etc/GMT+12", "2027-01-14", "2027-01-14T21:00"),
        # Quarters and halves of an hour, all year round.
        ("Asia/Kathmandu", "2027-01-14", "2027-01-14T03:15"),
        ("Australia/Eucla", "2027-01-14", "2027-01-14T00:15"),
        ("Pacific/Marquesas", "2027-01-14", "2027-01-14T18:30"),
        # Newfoundland, half an hour off, the day before each change and that day.
        ("America/St_Johns", "2027-03-13", "2027-03-13T12:30"),
        ("America/St_Johns", "2027-03-14", "2027-03-14T11:30"),
        ("America/St_Johns", "2027-11-06", "2027-11-06T11:30"),
        ("America/St_Johns", "2027-11-07", "2027-11-07T12:30"),
        # Chatham, a quarter off, changes at 02:45 and at 03:45.
        ("Pacific/Chatham", "2027-04-03", "2027-04-02T19:15"),
        ("Pacific/Chatham", "2027-04-04", "2027-04-03T20:15"),
        ("Pacific/Chatham", "2027-09-25", "2027-09-24T20:15"),
        ("Pacific/Chatham", "2027-09-26", "2027-09-25T19:15"),
        # Lord Howe changes by half an hour.
        ("Australia/Lord_Howe", "2027-04-03", "2027-04-02T22:00"),
        ("Australia/Lord_Howe", "2027-04-04", "2027-04-03T22:30"),
        ("Australia/Lord_Howe", "2027-10-02", "2027-10-01T22:30"),
        ("Australia/Lord_Howe", "2027-10-03", "2027-10-02T22:00"),
        # Troll, in Antarctica, changes by two hours: Norway's time in summer, none in winter.
        ("Antarctica/Troll", "2027-03-27", "2027-03-27T09:00"),
        ("Antarctica/Troll", "2027-03-28", "2027-03-28T07:00"),
        ("Antarctica/Troll", "2027-10-30", "2027-10-30T07:00"),
        ("Antarctica/Troll", "2027-10-31", "2027-10-31T09:00"),
        # Morocco set its clocks back for Ramadan, and for good on 20 September 2026: Ramadan 2027,
        # from 8 February to 9 March, changes nothing any more.
        ("Africa/Casablanca", "2026-02-14", "2026-02-14T08:00"),
        ("Africa/Casablanca", "2026-02-15", "2026-02-15T09:00"),
        ("Africa/Casablanca", "2026-03-21", "2026-03-21T09:00"),
        ("Africa/Casablanca", "2026-03-22", "2026-03-22T08:00"),
        ("Africa/Casablanca", "2026-09-19", "2026-09-19T08:00"),
        ("Africa/Casablanca", "2026-09-20", "2026-09-20T09:00"),
        ("Africa/Casablanca", "2027-02-07", "2027-02-07T09:00"),
        ("Africa/Casablanca", "2027-02-08", "2027-02-08T09:00"),
        ("Africa/Casablanca", "2027-03-10", "2027-03-10T09:00"),
        # Samoa and Kwajalein crossed the date line and left a day out: the next date's instant.
        ("Pacific/Apia", "2011-12-29", "2011-12-29T19:00"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T19:00"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T19:00"),
        ("Pacific/Kwajalein", "1993-08-20", "1993-08-20T21:00"),
        ("Pacific/Kwajalein", "1993-08-21", "1993-08-21T21:00"),
        ("Pacific/Kwajalein", "1993-08-22", "1993-08-21T21:00"),
        # Before there were zones, towns went by their own sun, to the second.
        ("Asia/Kolkata", "1850-01-01", "1850-01-01T03:06:32"),
        ("America/New_York", "1880-01-01", "1880-01-01T13:56:02"),
        ("Europe/Paris", "1900-01-01", "1900-01-01T08:50:39"),
        ("Africa/Monrovia", "1950-01-01", "1950-01-01T09:44:30"),
    ],
)
def test_nine_o_clock_in_rare_zones(zone: str, on: str, send_at: str):
    assert NINE.send_at(zone, date.fromisoformat(on)) == utc(send_at)


def test_seconds_of_the_send_time_count():
    service = TimezoneService(TimePolicies(send_time=time(8, 15, 30)))
    assert service.send_at("Asia/Kathmandu", date(2027, 1, 14)) == utc("2027-01-14T02:30:30")


@given(zones, instants)
def test_the_local_date_is_that_of_the_wall(zone: str, at: datetime):
    assert NINE.local_date(zone, at) == at.astimezone(PINNED.load(zone)).date()


# --- Zone days --------------------------------------------------------------------------------


def zone_days(window: Window, names: list[str]) -> list[ZoneDay]:
    return list(NINE.zone_days(names, window, NOW))


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


def month_days(year: int) -> Iterator[int]:
    on = date(year, 1, 1)
    while on.year == year:
        yield on.month * 100 + on.day
        on += DAY


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12", "Antarctica/Troll"])
@pytest.mark.parametrize("year", [2027, 2028])
def test_each_day_of_the_year_comes_once(year: int, zone: str):
    window = Window(utc(f"{year - 1}-12-30"), utc(f"{year + 1}-01-03"))
    days = [day for day in zone_days(window, [zone]) if day.delivery_on.year == year]
    expected = Counter([*month_days(year), *([229] if year == 2027 else [])])
    assert Counter(day.month_day for day in days) == expected


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
        days = list(
            TimezoneService(TimePolicies(send_time=send_time)).zone_days(PINNED.names, window, NOW)
        )
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
    service = TimezoneService(TimePolicies(send_time=send_time))
    for on in (date.min + 2 * DAY, date.max - 2 * DAY):
        assert service.send_at(zone, on).utcoffset() == timedelta()


@given(zones, instants, st.integers(0, 72), st.integers(1, 12), st.integers(1, 31))
def test_the_days_of_one_month_day_are_those_of_all_with_that_day(
    zone: str, start_at: datetime, hours: int, month: int, day: int
) -> None:
    window, only = Window(start_at, start_at + timedelta(hours=hours)), month * 100 + day
    all_days = NINE.zone_days([zone], window, start_at)
    assert list(NINE.zone_days([zone], window, start_at, only)) == [
        found for found in all_days if found.month_day == only
    ]


@pytest.mark.parametrize("year", [2027, 2028])
def test_people_of_29_february_have_a_day_among_those_asked_for(year: int) -> None:
    window = Window(datetime(year, 2, 27, tzinfo=UTC), datetime(year, 3, 2, tzinfo=UTC))
    (found,) = NINE.zone_days(["UTC"], window, window.start_at, only=229)
    assert found.delivery_on == (date(2028, 2, 29) if year == 2028 else date(2027, 2, 28))


@given(
    st.sampled_from(["Pacific/Apia", "Europe/London", "Asia/Tokyo", "America/Adak"]),
    st.dates(date(2011, 12, 25), date(2012, 3, 5)) | st.dates(date(1960, 1, 1), date(2060, 1, 1)),
    st.sampled_from(SkipPolicy),
    st.sampled_from(SkipPolicy),
)
def test_the_days_on_a_date_are_those_of_all_that_are_delivered_then(
    zone: str, on: date, leap_day: SkipPolicy, missing: SkipPolicy
):
    rules = TimezoneService(TimePolicies(leap_day=leap_day, missing_date=missing))
    noon = datetime.combine(on, time(12), UTC)
    near = Window(noon - timedelta(days=4), noon + timedelta(days=4))
    expected = [day for day in rules.zone_days([zone], near, noon) if day.delivery_on == on]
    found = list(rules.days_on([zone], on, noon))
    assert sorted(found, key=lambda day: day.month_day) == sorted(
        expected, key=lambda day: day.month_day
    )


def test_only_who_crosses_the_date_line_is_found_to():
    rules = TimezoneService()
    names = rules.tzdb.served
    assert rules.find_movers(names, date(2026, 1, 1), date(2028, 1, 1)) == frozenset()
    crossed = rules.find_movers(names, date(2011, 12, 1), date(2012, 1, 31))
    assert {"Pacific/Apia", "Pacific/Fakaofo"} == crossed
