"""Make people, and say by a computation of their own what each is to get.

Nothing here knows Heyday: zones are read by tests/acceptance/oracle.py, out of the files.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from importlib.resources import files

from tests.acceptance.oracle import NINE, Zone, load

COLUMNS = ("first_name", "last_name", "email", "timezone", "birthday_date", "anniversary_date")
_HOUR = 3600
_DAY = 24 * _HOUR
# Leap years: any day of any year exists in them.
_BORN = (1952, 1976, 1988, 2000)
_JOINED = 2020


@dataclass(frozen=True, slots=True)
class Expected:
    """Say what is to happen: one message, not before an instant.

    is_sure: False where an edit raced its claim, so that none at all is right as well.
    """

    email: str
    message_type: str
    delivery_on: date
    send_at: datetime
    text: str
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class Person:
    """Hold a person as a company would give them."""

    first_name: str
    last_name: str
    email: str
    timezone: str
    birthday_on: date | None
    anniversary_on: date | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """Return them as a row of a file with COLUMNS."""
        dates = (self.birthday_on, self.anniversary_on)
        return (
            *(self.first_name, self.last_name, self.email, self.timezone),
            *("" if on is None else on.isoformat() for on in dates),
        )


@dataclass
class Atlas:
    """Hold every zone of the tz database."""

    years: int = 2100
    _zones: dict[str, Zone] = field(default_factory=dict)

    @cached_property
    def names(self) -> Sequence[str]:
        return files("tzdata").joinpath("zones").read_text("utf-8").split()

    def zone(self, name: str) -> Zone:
        if name not in self._zones:
            self._zones[name] = load(name, self.years)
        return self._zones[name]

    def local(self, name: str, at: datetime) -> datetime:
        """Return what clocks show in a zone, without an offset."""
        seconds = int(at.timestamp())
        shown = seconds + self.zone(name).offset(seconds)
        return datetime.fromtimestamp(shown, UTC).replace(tzinfo=None)

    def instant(self, name: str, on: date, wall: int) -> datetime:
        """Return the first instant at which clocks show a time of day on a date."""
        return datetime.fromtimestamp(self.zone(name).shows(wall, on, on)[on][0], UTC)

    def where_nine_has_passed(self, at: datetime) -> list[str]:
        """Return zones where it is well past nine, and the day has hours left."""
        return [n for n in self.names if self._is_between(n, at, 9.3 * _HOUR, 22 * _HOUR)]

    def where_nine_is_to_come(self, at: datetime) -> list[str]:
        """Return zones where it is long before nine."""
        return [n for n in self.names if self._is_between(n, at, 0.5 * _HOUR, 7 * _HOUR)]

    def _is_between(self, name: str, at: datetime, first: float, last: float) -> bool:
        local = self.local(name, at)
        return first <= local.hour * _HOUR + local.minute * 60 <= last


class Maker:
    """Make one person after another, the same ones for one seed.

    mark: tells people of one scenario from others in an address.
    """

    def __init__(self, atlas: Atlas, chance: random.Random, mark: str) -> None:
        self._atlas = atlas
        self._chance = chance
        self._mark = mark
        self._made = 0

    def late_joiners(self, count: int, at: datetime) -> list[tuple[Person, list[Expected]]]:
        """Make people whose birthday is today and who come after nine: due at once."""
        zones = self._atlas.where_nine_has_passed(at)
        return [self._born_today(self._chance.choice(zones), at) for _ in range(count)]

    def _born_today(self, zone: str, at: datetime) -> tuple[Person, list[Expected]]:
        return self.born_on(zone, self._atlas.local(zone, at).date())

    def born_on(self, zone: str, on: date, wall: int = NINE) -> tuple[Person, list[Expected]]:
        """Make a person whose birthday is on a date, with the greeting of that date."""
        person = self._person(zone, on.replace(year=self._chance.choice(_BORN)))
        at = self._atlas.instant(zone, on, wall)
        text = f"Hey, {person.first_name} {person.last_name} it's your birthday"
        return person, [Expected(person.email, "BIRTHDAY", on, at, text)]

    def _person(
        self, zone: str, birthday_on: date | None, anniversary_on: date | None = None
    ) -> Person:
        self._made += 1
        first = self._chance.choice(("Ada", "Zoë", "Jean-Luc", "O'Hara", "Łukasz", "美咲"))
        last = f"{self._mark} {self._made}"
        email = f"{self._mark}.{self._made}@example.com"
        return Person(first, last, email, zone, birthday_on, anniversary_on)


def days_around(at: datetime) -> list[date]:
    """Return the dates that some zone may have at an instant."""
    return [(at + timedelta(days=n)).date() for n in (-1, 0, 1)]
