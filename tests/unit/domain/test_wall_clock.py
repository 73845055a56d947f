"""What the clock on a wall shows, and how it is told."""

from datetime import UTC, date, datetime, timedelta

import pytest

from heyday.domain.errors import UnknownTimezone
from heyday.domain.tzdb import PINNED
from heyday.domain.wall_clock import WallClock, write_clock, write_date, write_instant, write_span


def clock(zone: str, at: str) -> WallClock:
    return WallClock.read(PINNED, zone, datetime.fromisoformat(at).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("zone", "at", "told"),
    [
        ("UTC", "2027-01-14T09:00", "Thursday 14 January 2027, 09:00:00 (UTC+00:00)"),
        ("Asia/Kathmandu", "2027-01-14T03:15", "Thursday 14 January 2027, 09:00:00 (UTC+05:45)"),
        # By Irish law it is the winter's clock that is put back.
        ("Europe/Dublin", "2027-01-14T09:00", "Thursday 14 January 2027, 09:00:00 (UTC+00:00)"),
        (
            "America/New_York",
            "2027-07-01T13:00",
            "Thursday 1 July 2027, 09:00:00 (UTC-04:00, daylight saving time)",
        ),
    ],
)
def test_a_clock_is_told_with_its_date_and_distance(zone: str, at: str, told: str):
    assert write_clock(clock(zone, at)) == told


@pytest.mark.parametrize(
    ("at", "is_twice"),
    [
        ("2027-11-07T05:30", True),
        ("2027-11-07T06:30", True),
        ("2027-11-07T07:30", False),
        ("2027-03-14T07:30", False),
    ],
)
def test_a_time_that_comes_twice_is_known(at: str, is_twice: bool):  # noqa: FBT001
    assert clock("America/New_York", at).comes_twice is is_twice


def test_a_change_of_the_date_is_told_by_its_ends():
    assert clock("Europe/London", "2027-03-28T08:00").change() == ("UTC+00:00", "UTC+01:00")
    assert clock("Europe/London", "2027-03-29T08:00").change() is None


def test_a_zone_that_is_not_there_has_no_clock():
    with pytest.raises(UnknownTimezone):
        clock("Mars/Olympus", "2027-01-14T09:00")


def test_dates_and_instants_are_written_alike_everywhere():
    assert write_date(date(2028, 2, 29)) == "Tuesday 29 February 2028"
    at = datetime.fromisoformat("2027-01-14T18:00:00+09:00")
    assert write_instant(at) == "2027-01-14 09:00:00 UTC"


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (timedelta(days=180), "180 days"),
        (timedelta(hours=24), "24 hours"),
        (timedelta(hours=48), "2 days"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(seconds=90), "90 seconds"),
    ],
)
def test_a_span_is_told_in_its_largest_whole_unit(span: timedelta, told: str):
    assert write_span(span) == told
