"""Tell in which country a time zone is kept, by the tables that come with the tz database.

They name places that share a clock, and are no statement about borders.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable

from heyday.domain.tzdb import PINNED, TzDatabase

# CET and its like: what many countries' clocks are called, whichever of them the link leads to.
_SHARED = re.compile(r"[A-Z]{2}T")


@dataclass(frozen=True, slots=True, order=True)
class Country:
    """Name a country. code: of ISO 3166, such as JP.   name: as the tz database writes it."""

    name: str
    code: str


class CountryTable:
    """Hold the countries of one release of the tz database, from a `tzdata` package."""

    def __init__(self, package: Traversable, tzdb: TzDatabase) -> None:
        self._folder = package.joinpath("zoneinfo")
        self._tzdb = tzdb

    def find(self, zone: str) -> Country | None:
        """Return the country of a zone; None for one of none, such as UTC, and for no zone."""
        return self._by_zone.get(self._tzdb.vanished.get(zone, zone))

    def get(self, code: str) -> Country | None:
        """Return the country of an ISO code, if some zone is kept there."""
        return self._by_code.get(code)

    def zones(self, code: str) -> frozenset[str]:
        """Return all zones of a country, by whatever name."""
        return self._zones_by_code.get(code, frozenset())

    def write(self, zone: str) -> str:
        """Return a zone with its country, such as Japan (Asia/Tokyo); the zone where none is."""
        country = self.find(zone)
        if country is None:
            return zone
        # Some names end in brackets of their own: Korea (South).
        return f"{country.name}, {zone}" if country.name[-1] == ")" else f"{country.name} ({zone})"

    @cached_property
    def _by_code(self) -> Mapping[str, Country]:
        return {country.code: country for country in self._by_zone.values()}

    @cached_property
    def _zones_by_code(self) -> Mapping[str, frozenset[str]]:
        zones: dict[str, set[str]] = {}
        for name in self._tzdb.served:
            if country := self.find(name):
                zones.setdefault(country.code, set()).add(name)
        return {code: frozenset(names) for code, names in zones.items()}

    @cached_property
    def _by_zone(self) -> Mapping[str, Country]:
        names = dict(self._rows("iso3166.tab"))
        places = {row[2]: Country(names[row[0]], row[0]) for row in self._rows("zone.tab")}
        # Other names of the same clock: US/Pacific is America/Los_Angeles. zone.tab comes first,
        # for Europe/Stockholm is a name of Europe/Berlin, and not in Germany.
        for target, name in self._links():
            if name not in places and target in places and not _SHARED.fullmatch(name):
                places[name] = places[target]
        return places

    def _rows(self, table: str) -> Iterator[list[str]]:
        text = self._folder.joinpath(table).read_text(encoding="utf-8")
        return (line.split("\t") for line in text.splitlines() if line and line[0] != "#")

    def _links(self) -> Iterator[tuple[str, str]]:
        """Yield the zone and its other name, of each link of the release."""
        with self._folder.joinpath("tzdata.zi").open("r", encoding="utf-8") as source:
            for line in source:
                if line.startswith("L "):
                    _, target, name = line.split()
                    yield target, name


COUNTRIES = CountryTable(files("tzdata"), PINNED)
"""The countries of the release that comes with this Heyday."""
