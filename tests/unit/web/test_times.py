"""Instants and durations are written as people read them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from heyday.web import times

AT = datetime(2027, 1, 4, 0, 0, tzinfo=UTC)


def test_a_wall_clock_is_that_of_the_zone() -> None:
    assert times.wall(AT, "Asia/Kathmandu") == "Mon 4 Jan 2027, 05:45:00"
    assert times.wall(AT, "America/New_York") == "Sun 3 Jan 2027, 19:00:00"


@pytest.mark.parametrize("zone", [None, "Mars/Olympus"])
def test_a_zone_that_there_is_not_is_shown_as_utc(zone: str | None) -> None:
    assert times.wall(AT, zone) == "Mon 4 Jan 2027, 00:00:00"


def test_dates_instants_and_numbers() -> None:
    assert times.day(date(2028, 2, 29)) == "Tue 29 Feb 2028"
    assert times.iso(AT) == "2027-01-04T00:00:00Z"
    assert times.count(1014322) == "1,014,322"


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(0), "0 ms"),
        (timedelta(milliseconds=340), "340 ms"),
        (timedelta(seconds=1.5), "1.5 s"),
        (timedelta(minutes=2), "2 min"),
        (timedelta(minutes=2, seconds=5), "2 min 5 s"),
        (timedelta(hours=3, minutes=20, seconds=9), "3 h 20 min"),
        (timedelta(days=2, hours=1), "2 d 1 h"),
        (timedelta(seconds=-90), "-1 min 30 s"),
    ],
)
def test_a_length_has_its_two_largest_units(span: timedelta, text: str) -> None:
    assert times.length(span) == text
