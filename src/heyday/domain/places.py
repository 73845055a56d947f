"""Tell where on earth a time zone is: by the tables that come with the tz database."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

_COORDINATE = re.compile(r"([+-])(\d{2,3})(\d{2})(\d{2})?(?=[+-]|$)")


@dataclass(frozen=True, slots=True)
class Place:
    """Hold the place that stands for a zone: degrees north and east, and its country in English."""

    latitude: float
    longitude: float
    country: str


def place_of(timezone: str) -> Place | None:
    """Return where a zone is; None for one that is nowhere, such as UTC."""
    return _places().get(timezone)


def city_of(timezone: str) -> str:
    """Return how people call the place of a zone: "New York" for America/New_York."""
    return timezone.rsplit("/", maxsplit=1)[-1].replace("_", " ")


def read_places(package: Traversable) -> Mapping[str, Place]:
    """Return the place of each zone that has one, links included, of a `tzdata` package."""
    folder = package.joinpath("zoneinfo")
    countries = dict(_rows(folder.joinpath("iso3166.tab")))
    places = {}
    for codes, coordinates, zone, *_ in _rows(folder.joinpath("zone.tab")):
        north, east = (_degrees(match) for match in _COORDINATE.finditer(coordinates))
        places[zone] = Place(north, east, countries[codes.split(",")[0]])
    # Links of links come in whatever order.
    links = list(_links(folder.joinpath("tzdata.zi")))
    for _ in range(2):
        for target, name in links:
            if target in places:
                places.setdefault(name, places[target])
    return places


@cache
def _places() -> Mapping[str, Place]:
    return read_places(files("tzdata"))


def _rows(table: Traversable) -> list[list[str]]:
    lines = table.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def _links(rules: Traversable) -> list[tuple[str, str]]:
    """Return the lines `L target name`."""
    lines = [line.split() for line in rules.read_text(encoding="utf-8").splitlines()]
    return [(line[1], line[2]) for line in lines if len(line) == 3 and line[0] == "L"]  # noqa: PLR2004 - the parts of such a line


def _degrees(match: re.Match[str]) -> float:
    """Read +DDMM, +DDDMM, +DDMMSS or +DDDMMSS."""
    sign, degrees, minutes, seconds = match.groups()
    size = int(degrees) + int(minutes) / 60 + int(seconds or 0) / 3600
    return -size if sign == "-" else size
