"""List the zones that a form offers, each with its place, its country and the clock there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from heyday.domain.countries import countries, country_of
from heyday.domain.tzdb import PINNED
from heyday.domain.wall_clock import WallClock


@dataclass(frozen=True, slots=True)
class ZoneChoice:
    """Offer one zone. label: as people call it, such as Tokyo, Japan (UTC+09:00)."""

    zone: str
    label: str


def zone_choices(now: datetime) -> Sequence[ZoneChoice]:
    """Return the zones in use today in order of their countries, and UTC at the end.

    Names that stand for one of them already, such as Japan, may be typed all the same.
    """
    listed = [zone for country in countries().values() for zone in country.zones]
    return [ZoneChoice(zone, f"{place_of(zone)} ({offset(zone, now)})") for zone in listed] + [
        ZoneChoice("UTC", "UTC")
    ]


def place_of(zone: str) -> str:
    """Return where a zone is, such as "Tokyo, Japan"; its name where it is nowhere."""
    country = country_of(zone)
    if country is None:
        return zone
    city = zone.rpartition("/")[2].replace("_", " ")
    return city if city == country.name else f"{city}, {country.name}"


def offset(zone: str, now: datetime) -> str:
    """Return how far a zone's clock is from UTC at an instant."""
    return WallClock.read(PINNED, zone, now).offset
