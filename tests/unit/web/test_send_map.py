"""Where zones are on the map, and what is said of where it is nine."""

from datetime import UTC, date, datetime, time

import pytest

from heyday.domain.day_figures import DayFigures, Fate, Tally
from heyday.domain.send_line import Passing, find_turns
from heyday.domain.timezone import TimezoneService
from heyday.web.send_map import HEIGHT, WIDTH, SendMap, draw_map

ON = date(2026, 11, 26)
NINE = time(9)
PEOPLE = {"Asia/Tokyo": 400, "Europe/Berlin": 100, "America/New_York": 4, "UTC": 7}


def at(hour: int, minute: int = 0, on: int = 26) -> datetime:
    return datetime(2026, 11, on, hour, minute, tzinfo=UTC)


def draw(now: datetime, *tallies: Tally, people: dict[str, int] | None = None) -> SendMap:
    people = PEOPLE if people is None else people
    figures = DayFigures(ON, tallies, {})
    zones = people.keys() | figures.by_zone.keys()
    return draw_map(find_turns(TimezoneService(), zones, ON), people, figures, now, NINE)


def test_each_zone_of_people_is_a_dot_where_it_is_and_as_large_as_they_are_many() -> None:
    drawn = draw(at(8, 5))
    assert [dot.city for dot in drawn.dots] == ["Tokyo", "Berlin", "New York"]
    tokyo, berlin, york = drawn.dots
    assert (tokyo.x, tokyo.y) == pytest.approx((639.5, 96.7), abs=0.1)
    assert tokyo.radius > berlin.radius > york.radius >= 2.5
    assert [dot.row.passing for dot in drawn.dots] == [Passing.DONE, Passing.NOW, Passing.TO_COME]


def test_a_zone_that_is_nowhere_is_in_the_table_alone() -> None:
    assert "UTC" in {zone for row in draw(at(8)).rows for zone in row.turn.timezones}


def test_what_is_next_is_told_and_where_it_was() -> None:
    drawn = draw(at(8, 5))
    assert drawn.now
    assert (drawn.now.offset, drawn.now.cities) == ("UTC+01:00", ["Berlin"])
    assert drawn.next
    assert (drawn.next.offset, drawn.next.cities) == ("UTC+00:00", ["UTC"])
    assert draw(at(15)).next is None
    assert draw(at(0), people={"Europe/Berlin": 1}).now is None


def test_offsets_west_and_of_part_of_an_hour_are_written_out() -> None:
    zones = {"America/St_Johns": 1, "Asia/Kathmandu": 1}
    assert [row.offset for row in draw(at(0), people=zones).rows] == ["UTC+05:45", "UTC-03:30"]


def test_greetings_of_zones_where_nobody_is_left_are_there_too() -> None:
    tallies = [
        Tally(at(8), "Europe/Paris", "BIRTHDAY", Fate.SENT, 3),
        Tally(at(8), "Europe/Paris", "BIRTHDAY", Fate.CANCELLED, 9),
    ]
    drawn = draw(at(12), *tallies, people={})
    assert [(dot.city, dot.people, dot.greetings) for dot in drawn.dots] == [("Paris", 0, 3)]
    assert [(row.people, row.greetings) for row in drawn.rows] == [(0, 3)]


def test_a_map_of_nobody_is_empty() -> None:
    drawn = draw(at(12), people={})
    assert (list(drawn.dots), list(drawn.rows), drawn.now, drawn.next) == ([], [], None, None)


def test_the_meridian_goes_around_the_earth() -> None:
    assert list(draw(at(9)).lines) == [WIDTH / 2]
    # At the edge it is drawn on both sides, so that its glow is whole.
    assert list(draw(at(21)).lines) == [0, WIDTH]
    assert list(draw(at(0, on=27)).lines) == []


@pytest.mark.parametrize("zone", ["Antarctica/Troll", "Arctic/Longyearbyen", "Pacific/Chatham"])
def test_whoever_lives_far_off_is_on_the_map_or_beyond_its_edge(zone: str) -> None:
    (dot,) = draw(at(12), people={zone: 1}).dots
    assert 0 <= dot.x <= WIDTH
    assert dot.y <= HEIGHT or zone.startswith("Antarctica")
