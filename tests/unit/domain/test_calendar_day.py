"""A day's greetings, where they are read from, and places in their list."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest

from heyday.domain.calendar_day import (
    CountedDay,
    DayFilter,
    DayPlace,
    DaySlice,
    DaySource,
    day_window,
    find_source,
)
from heyday.domain.errors import InvalidInput
from heyday.domain.timezone import TimezoneService
from heyday.domain.transitions import Status
from heyday.domain.tzdb import PINNED

ON = date(2027, 1, 15)
HOUR = timedelta(hours=1)
MIDNIGHT = datetime(2027, 1, 15, tzinfo=UTC)
PLACE = DayPlace(MIDNIGHT, "America/Argentina/Buenos_Aires", "BIRTHDAY", 115, UUID(int=7))


@pytest.mark.parametrize(
    ("hours", "planned", "source"),
    [
        # Nine o'clock at UTC-12, the last of the day, is 21 h after midnight UTC.
        (21.5, None, DaySource.RECORDS),
        (20.5, 22, DaySource.PLANS),
        (-10, 22, DaySource.PLANS),
        (-10, 21, DaySource.FORECAST),
        (-10, None, DaySource.FORECAST),
        (20.5, None, DaySource.FORECAST),
    ],
)
def test_a_day_is_read_from_rows_once_all_its_zones_are_planned(
    hours: float, planned: float | None, source: DaySource
):
    now = MIDNIGHT + hours * HOUR
    until = None if planned is None else MIDNIGHT + planned * HOUR
    assert find_source(ON, [time(9)], now, until) is source


def test_the_type_that_leaves_last_counts():
    now, until = MIDNIGHT - 10 * HOUR, MIDNIGHT + 22 * HOUR
    assert find_source(ON, [time(9), time(18)], now, until) is DaySource.FORECAST


@pytest.mark.parametrize("send_time", [time(0), time(9), time(23, 59, 59)])
def test_the_window_holds_each_instant_of_the_date(send_time: time):
    window = day_window(ON)
    for zone in PINNED.served:
        local = datetime.combine(ON, send_time, PINNED.load(zone))
        assert local.astimezone(UTC) in window


def test_the_instants_of_the_window_are_those_of_a_day_of_all_zones():
    days = list(TimezoneService().days_on(PINNED.served, ON, MIDNIGHT))
    assert min(day.send_at for day in days) == MIDNIGHT - 5 * HOUR
    assert max(day.send_at for day in days) == MIDNIGHT + 21 * HOUR


DAY = CountedDay(
    ON,
    DaySource.PLANS,
    [
        DaySlice("Asia/Tokyo", MIDNIGHT, "BIRTHDAY", 3, Status.SCHEDULED),
        DaySlice("Asia/Seoul", MIDNIGHT, "BIRTHDAY", 2, Status.CANCELLED),
        DaySlice("UTC", MIDNIGHT + 9 * HOUR, "BIRTHDAY", 4, Status.SCHEDULED),
        DaySlice("UTC", MIDNIGHT + 9 * HOUR, "ANNIVERSARY", 1, Status.SCHEDULED),
    ],
)


def test_a_day_is_added_up_by_what_one_asks_for():
    assert DAY.total == 10
    assert DAY.by_type == {"BIRTHDAY": 9, "ANNIVERSARY": 1}
    assert DAY.by_status == {Status.SCHEDULED: 8, Status.CANCELLED: 2}
    assert DAY.by_zone == {"Asia/Tokyo": 3, "Asia/Seoul": 2, "UTC": 5}
    first, last = DAY.by_instant
    assert (first.at, first.total, first.zones) == (MIDNIGHT, 5, {"Asia/Tokyo": 3, "Asia/Seoul": 2})
    assert (last.at, last.counts) == (MIDNIGHT + 9 * HOUR, {"BIRTHDAY": 4, "ANNIVERSARY": 1})


def test_a_filter_leaves_zones_and_a_type():
    assert DAY.narrowed(DayFilter()) == DAY
    assert DAY.narrowed(DayFilter(frozenset({"Asia/Tokyo"}))).total == 3
    assert DAY.narrowed(DayFilter(message_type="ANNIVERSARY")).total == 1
    nothing = DAY.narrowed(DayFilter(frozenset({"Asia/Tokyo"}), "ANNIVERSARY"))
    assert nothing.total == 0
    assert nothing.span is None


def test_the_span_holds_its_instants_and_not_more():
    span = DAY.span
    assert span
    assert MIDNIGHT in span
    assert MIDNIGHT + 9 * HOUR in span
    assert MIDNIGHT + 9 * HOUR + timedelta(microseconds=1) not in span


def test_a_forecast_has_no_statuses():
    part = DaySlice("UTC", MIDNIGHT, "BIRTHDAY", 4, None, 115)
    assert CountedDay(ON, DaySource.FORECAST, [part]).by_status == {}


def test_a_place_comes_back_as_it_was_written():
    assert DayPlace.parse(PLACE.write()) == PLACE
    row = DayPlace(MIDNIGHT + timedelta(microseconds=1), "", "", 0, UUID(int=1))
    assert DayPlace.parse(row.write()) == row


@pytest.mark.parametrize(
    "text",
    [
        "",
        "~~~~",
        "2027-01-15T00:00:00Z",
        PLACE.write() + "~",
        PLACE.write()[:-1],
        PLACE.write().replace("Z~", "~"),
        PLACE.write().replace("~115~", "~x~"),
        PLACE.write().replace("2027-01", "2027-13"),
    ],
)
def test_what_is_no_place_is_refused_kindly(text: str):
    with pytest.raises(InvalidInput, match="go back to its beginning"):
        DayPlace.parse(text)
