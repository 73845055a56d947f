"""Where zones are, by the tables of the pinned tz database."""

from importlib.resources import files

import pytest

from heyday.domain.places import city_of, place_of, read_places
from heyday.domain.tzdb import PINNED


@pytest.mark.parametrize(
    ("zone", "north", "east", "country"),
    [
        ("Asia/Tokyo", 35.65, 139.74, "Japan"),
        ("America/Argentina/Buenos_Aires", -34.6, -58.45, "Argentina"),
        ("Pacific/Kiritimati", 1.87, -157.33, "Kiribati"),
        ("Asia/Kathmandu", 27.72, 85.32, "Nepal"),
        # A link to it, as systems of old write it.
        ("Asia/Katmandu", 27.72, 85.32, "Nepal"),
        ("US/Pacific", 34.05, -118.24, "United States"),
    ],
)
def test_a_zone_is_where_its_city_is(zone: str, north: float, east: float, country: str) -> None:
    place = place_of(zone)
    assert place
    assert place.latitude == pytest.approx(north, abs=0.01)
    assert place.longitude == pytest.approx(east, abs=0.01)
    assert place.country == country


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT+5", "GMT", "Nowhere/Land"])
def test_some_zones_are_nowhere(zone: str) -> None:
    assert place_of(zone) is None


def test_every_place_is_on_earth_and_of_a_zone_that_there_is() -> None:
    places = read_places(files("tzdata"))
    assert places.keys() <= PINNED.names
    assert all(abs(p.latitude) <= 90 and abs(p.longitude) <= 180 for p in places.values())
    # Those without one are zones of no place, as UTC and EST are.
    named = {name for name in PINNED.names if "/" in name and not name.startswith("Etc/")}
    assert {name for name in named - places.keys() if not name.startswith("US/")} <= {
        "Canada/Saskatchewan",
        "America/Coral_Harbour",
        "Asia/Hanoi",
    }


def test_cities_are_written_as_people_do() -> None:
    assert city_of("America/Port-au-Prince") == "Port-au-Prince"
    assert city_of("America/Argentina/Buenos_Aires") == "Buenos Aires"
    assert city_of("UTC") == "UTC"
