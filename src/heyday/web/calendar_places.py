"""Group the zones of a day by their countries, and name where it is nine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heyday.domain.calendar_day import CountedDay, DayInstant
from heyday.domain.countries import Country, country_of, with_country

_NAMED = 3


@dataclass(frozen=True, slots=True)
class ZoneCount:
    """Show a zone: its name, alone and with its country, and how many greetings it has."""

    name: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class CountryCount:
    """Show a country with its zones. country: None for zones of no country, such as UTC."""

    country: Country | None
    zones: Sequence[ZoneCount]

    @property
    def total(self) -> int:
        """Return how many greetings its zones have."""
        return sum(zone.count for zone in self.zones)


@dataclass(frozen=True, slots=True)
class InstantRow:
    """Show an instant of a day: where greetings leave then. more: zones that are not named.

    shares: of the fullest instant's greetings, for each message type, in percent.
    """

    instant: DayInstant
    zones: Sequence[ZoneCount]
    more: int
    shares: Sequence[tuple[str, float, float]]

    @property
    def name(self) -> str:
        """Return the instant in UTC, such as Thu 14 Jan, 09:00: of one day no year need be said."""
        at = self.instant.at
        return f"{at:%a} {at.day} {at:%b, %H:%M}"


def group_by_country(by_zone: Mapping[str, int]) -> list[CountryCount]:
    """Return the countries by name, each with its zones, the fullest first; UTC and such last."""
    found: dict[Country | None, dict[str, int]] = {}
    for zone, count in by_zone.items():
        found.setdefault(country_of(zone), {})[zone] = count
    groups = [CountryCount(country, _counts(zones)) for country, zones in found.items()]
    return sorted(groups, key=lambda g: (g.country is None, g.country.name if g.country else ""))


def list_instants(day: CountedDay, types: Sequence[str]) -> list[InstantRow]:
    """Return the instants of a day in order, each with the zones that have most."""
    instants = day.by_instant
    most = max((instant.total for instant in instants), default=1)
    return [
        InstantRow(
            instant,
            _counts(instant.zones)[:_NAMED],
            max(len(instant.zones) - _NAMED, 0),
            _shares(instant, types, most),
        )
        for instant in instants
    ]


def _shares(instant: DayInstant, types: Sequence[str], most: int) -> list[tuple[str, float, float]]:
    """Return for each type where its bar begins, and how long it is."""
    shares, begin = [], 0.0
    for name in types:
        length = 100 * instant.counts.get(name, 0) / most
        shares.append((name, round(begin, 2), round(length, 2)))
        begin += length
    return shares


def _counts(zones: Mapping[str, int]) -> list[ZoneCount]:
    ordered = sorted(zones.items(), key=lambda item: (-item[1], item[0]))
    return [ZoneCount(zone, with_country(zone), count) for zone, count in ordered]
