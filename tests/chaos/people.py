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
_JOINED = (2000, 2016, 2024)


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

    @property
    def stored(self) -> tuple[object, ...]:
        """Return them as a row of the table, in the order of COLUMNS."""
        names = (self.first_name, self.last_name, self.email, self.timezone)
        return (*names, self.birthday_on, self.anniversary_on)


@dataclass(frozen=True, slots=True)
class Due:
    """Hold an instant at which clocks of a zone show a time of day, and the date there."""

    zone: str
    on: date
    at: datetime


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

    def due(self, name: str, on: date, wall: int) -> Due:
        """Return when clocks first show a time of day on a date."""
        at = self.zone(name).shows(wall, on, on)[on][0]
        return Due(name, on, datetime.fromtimestamp(at, UTC))

    def due_between(self, wall: int, start: datetime, end: datetime) -> list[Due]:
        """Return each zone and date where clocks show a time of day within a window."""
        dates = [(start + timedelta(days=n)).date() for n in range(-1, (end - start).days + 3)]
        every = (self.due(name, on, wall) for name in self.names for on in dates)
        return [due for due in every if start <= due.at < end]

    def where_nine_has_passed(self, at: datetime) -> list[str]:
        """Return zones where it is well past nine, and the day has hours left."""
        return [n for n in self.names if self._is_between(n, at, 9.3 * _HOUR, 22 * _HOUR)]

    def where_nine_is_to_come(self, at: datetime) -> list[str]:
        """Return zones where it is long before nine."""
        return [n for n in self.names if self._is_between(n, at, 0.5 * _HOUR, 7 * _HOUR)]

    def _is_between(self, name: str, at: datetime, first: float, last: float) -> bool:
        local = self.local(name, at)
        return first <= local.hour * _HOUR + local.minute * 60 <= last


Made = tuple[Person, list[Expected]]


class Maker:
    """Make one person after another, the same ones for one seed.

    mark: tells people of one scenario from others in an address.
    """

    def __init__(self, atlas: Atlas, chance: random.Random, mark: str) -> None:
        self._atlas = atlas
        self._chance = chance
        self._mark = mark
        self._made = 0

    def late_joiners(self, count: int, at: datetime) -> list[Made]:
        """Make people whose birthday is today and who come after nine: due at once."""
        zones = self._atlas.where_nine_has_passed(at)
        chosen = [self._chance.choice(zones) for _ in range(count)]
        return [
            self.born_on(self._atlas.due(zone, self._atlas.local(zone, at).date(), NINE))
            for zone in chosen
        ]

    def born_on(self, due: Due) -> Made:
        """Make a person whose birthday is on a date, with the greeting of that date."""
        person = self._person(due.zone, birthday_on=_in_year(self._chance.choice(_BORN), due.on))
        text = f"Hey, {person.first_name} {person.last_name} it's your birthday"
        return person, [Expected(person.email, "BIRTHDAY", due.on, due.at, text)]

    def joined_on(self, due: Due) -> Made:
        """Make a person whose work anniversary is on a date, with the greeting of that date."""
        year = self._chance.choice(_JOINED)
        person = self._person(due.zone, anniversary_on=_in_year(year, due.on))
        n = due.on.year - year
        text = (
            f"Hey, {person.first_name} {person.last_name} it's your work anniversary! "
            f"{n} year{'s' * (n > 1)} with us!"
        )
        return person, [Expected(person.email, "ANNIVERSARY", due.on, due.at, text)]

    def _person(
        self, zone: str, *, birthday_on: date | None = None, anniversary_on: date | None = None
    ) -> Person:
        self._made += 1
        first = self._chance.choice(("Ada", "Zoë", "Jean-Luc", "O'Hara", "Łukasz", "美咲"))
        last = f"{self._mark} {self._made}"
        email = f"{self._mark}.{self._made}@example.com"
        return Person(first, last, email, zone, birthday_on, anniversary_on)


def wall_of(text: str) -> int:
    """Return seconds after midnight for HH:MM:SS."""
    hours, minutes, seconds = map(int, text.split(":"))
    return hours * _HOUR + minutes * 60 + seconds


def _in_year(year: int, on: date) -> date:
    return on.replace(year=year)
