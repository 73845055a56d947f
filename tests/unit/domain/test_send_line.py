"""When nine o'clock comes to which zones on a day in UTC."""

from datetime import UTC, date, datetime, timedelta

import pytest

from heyday.domain.policies import TimePolicies
from heyday.domain.send_line import Passing, find_turns, longitude_of
from heyday.domain.timezone import TimezoneService
from heyday.domain.tzdb import PINNED

ON = date(2026, 11, 26)
NINE = TimezoneService()


def at(text: str, on: date = ON) -> datetime:
    return datetime.fromisoformat(f"{on}T{text}:00+00:00")


def test_it_comes_to_each_zone_once_in_the_order_of_the_sun() -> None:
    zones = ["America/New_York", "Asia/Tokyo", "Asia/Kathmandu", "Europe/Berlin", "Africa/Lagos"]
    turns = find_turns(NINE, zones, ON)
    assert [(turn.send_at, turn.timezones) for turn in turns] == [
        (at("00:00"), ["Asia/Tokyo"]),
        (at("03:15"), ["Asia/Kathmandu"]),
        (at("08:00"), ["Africa/Lagos", "Europe/Berlin"]),
        (at("14:00"), ["America/New_York"]),
    ]
    assert turns[1].offset == timedelta(hours=5, minutes=45)


def test_the_far_east_is_a_day_ahead_by_then() -> None:
    (kiritimati, chatham) = find_turns(NINE, ["Pacific/Kiritimati", "Pacific/Chatham"], ON)
    assert (kiritimati.send_at, kiritimati.local_on) == (at("19:00"), date(2026, 11, 27))
    assert (chatham.send_at, chatham.offset) == (at("19:15"), timedelta(hours=13, minutes=45))


def test_zones_without_a_nine_oclock_on_the_day_are_not_there_and_none_twice() -> None:
    # Clocks go back by an hour: from nine to nine, 25 hours pass.
    before = find_turns(NINE, ["America/New_York"], date(2026, 10, 31))
    after = find_turns(NINE, ["America/New_York"], date(2026, 11, 1))
    assert [before[0].send_at.hour, after[0].send_at.hour] == [13, 14]


def test_names_that_are_no_zones_are_left_out() -> None:
    assert find_turns(NINE, ["Nowhere/Land"], ON) == []


def test_every_zone_there_is_has_one_turn_or_two_of_the_day() -> None:
    turns = find_turns(NINE, PINNED.names, ON)
    counted = [name for turn in turns for name in turn.timezones]
    assert sorted(counted) == sorted(PINNED.names)
    assert all(at("00:00") <= turn.send_at < at("00:00") + timedelta(days=1) for turn in turns)


def test_it_is_there_for_a_quarter_of_an_hour() -> None:
    (turn,) = find_turns(NINE, ["Europe/Berlin"], ON)
    assert turn.passing(at("07:59")) is Passing.TO_COME
    assert turn.passing(at("08:00")) is Passing.NOW
    assert turn.passing(at("08:14")) is Passing.NOW
    assert turn.passing(at("08:15")) is Passing.DONE


def test_another_send_time_comes_at_another_time() -> None:
    service = TimezoneService(TimePolicies(send_time=datetime(2026, 1, 1, 8, 30).time()))  # noqa: DTZ001 - a time of day
    assert find_turns(service, ["UTC"], ON)[0].send_at == at("08:30")


@pytest.mark.parametrize(
    ("now", "longitude"),
    [("09:00", 0), ("08:00", 15), ("00:00", 135), ("21:00", -180), ("12:00", -45), ("22:00", 165)],
)
def test_the_sun_has_it_fifteen_degrees_further_west_each_hour(now: str, longitude: float) -> None:
    assert longitude_of(timedelta(hours=9), at(now).astimezone(UTC)) == pytest.approx(longitude)
