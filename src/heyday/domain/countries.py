"""Say in which country a zone lies, by the tables of the tz database.

They are an aid to those who look for a zone or for people, and decide nothing about a greeting.
Source: zone.tab and iso3166.tab of the tz project.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from heyday.domain.tzdb import PINNED, TzDatabase


@dataclass(frozen=True, slots=True)
class Country:
    """Name a country or territory, and the zones of its people.

    code: of ISO 3166, such as JP.   zones: those that the database lists for it.   older: other
    names for them, such as Japan.
    """

    code: str
    name: str
    zones: tuple[str, ...]
    older: tuple[str, ...] = ()

    @property
    def all_zones(self) -> tuple[str, ...]:
        """Return every zone by which people of this country may be stored."""
        return self.zones + self.older


@cache
def countries(tzdb: TzDatabase = PINNED) -> Mapping[str, Country]:
    """Return every country that has a zone, by its code, in order of their names."""
    listed: defaultdict[str, list[str]] = defaultdict(list)
    for code, _, zone, *_ in tzdb.rows("zone.tab"):
        listed[code].append(zone)
    older = _older_names(listed, tzdb)
    found = [
        Country(code, name, tuple(listed[code]), tuple(older[code]))
        for code, name in tzdb.rows("iso3166.tab")
        if code in listed
    ]
    found.sort(key=lambda country: country.name)
    return {country.code: country for country in found}


def country_of(zone: str, tzdb: TzDatabase = PINNED) -> Country | None:
    """Return the country of a zone; None for one of no country, such as UTC."""
    code = _codes_by_zone(tzdb).get(tzdb.vanished.get(zone, zone))
    return countries(tzdb)[code] if code else None


def with_country(zone: str) -> str:
    """Return a zone with its country, such as Japan (Asia/Tokyo); the zone where none is."""
    country = country_of(zone)
    if country is None:
        return zone
    # Some names end in brackets of their own: Korea (South).
    return f"{country.name}, {zone}" if country.name[-1] == ")" else f"{country.name} ({zone})"


@cache
def _codes_by_zone(tzdb: TzDatabase) -> Mapping[str, str]:
    return {
        zone: country.code for country in countries(tzdb).values() for zone in country.all_zones
    }


def _older_names(
    listed: Mapping[str, Sequence[str]], tzdb: TzDatabase
) -> Mapping[str, Sequence[str]]:
    """Return the names that lead to zones of each country, by its code."""
    code_of = {zone: code for code, zones in listed.items() for zone in zones}
    # A clock that several countries share says nothing of the country: Iceland and Atlantic/
    # Reykjavik lead to Africa/Abidjan. There, only a name that is the country's own does.
    shared = Counter(tzdb.links.get(zone, zone) for zone in code_of)
    own = {word: code for code, name in tzdb.rows("iso3166.tab") for word in (code, name)}
    older: defaultdict[str, list[str]] = defaultdict(list)
    for link, zone in sorted(tzdb.links.items()):
        code = own.get(link) or (code_of.get(zone) if shared[zone] == 1 else None)
        if link not in code_of and code:
            older[code].append(link)
    return older
