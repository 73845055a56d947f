"""Say what is known of people in words: their dates, their clocks, and how many they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from heyday.domain.dates import has_year
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.models import User
from heyday.domain.profile_ports import Headcount
from heyday.domain.tzdb import PINNED
from heyday.domain.wall_clock import WallClock
from heyday.web.zone_choices import place_of

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_MILLION, _THOUSAND = 1_000_000, 1_000
# Of an estimate, no more is told than it is worth.
_TOLD_DIGITS = 2


@dataclass(frozen=True, slots=True)
class ZoneShown:
    """Show a zone: its name, where it is, and what its clock shows now. clock: None: unknown."""

    name: str
    place: str
    clock: str | None
    offset: str | None
    successor: str | None = None


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Show a person on a list. left: what they want no more; all message types for everything."""

    id: UUID
    name: str
    email: str
    birthday: str | None
    anniversary: str | None
    zone: ZoneShown
    left: Sequence[str]
    has_left: bool
    is_deleted: bool


def row_of(user: User, now: datetime) -> PersonRow:
    """Return a person as a row of a list."""
    return PersonRow(
        id=user.id,
        name=name_of(user),
        email=user.email,
        birthday=write_day(user.birthday_date),
        anniversary=write_day(user.anniversary_date),
        zone=show_zone(user.timezone, now),
        left=[kind_of(name) for name in user.unsubscribed_types],
        has_left=user.unsubscribed_at is not None,
        is_deleted=user.deleted_at is not None,
    )


def name_of(user: User) -> str:
    """Return how a person is called."""
    return f"{user.first_name} {user.last_name}"


def show_zone(zone: str, now: datetime) -> ZoneShown:
    """Return a zone with its place and its clock, as far as they are known."""
    if zone not in PINNED.served:
        return ZoneShown(zone, zone, None, None)
    clock = WallClock.read(PINNED, zone, now)
    successor = PINNED.vanished.get(zone)
    return ZoneShown(zone, place_of(zone), f"{clock.shown:%a %H:%M}", clock.offset, successor)


def write_day(on: date | None) -> str | None:
    """Return a date as people say it, without a year where none is known: 14 March 1990."""
    if on is None:
        return None
    day = f"{on.day} {MONTHS[on.month - 1]}"
    return f"{day} {on.year}" if has_year(on) else day


def kind_of(message_type: str) -> str:
    """Return how a person calls a message type: birthday for BIRTHDAY."""
    return message_type.lower().replace("_", " ")


KINDS: Final = tuple((t.name, kind_of(t.name)) for t in MESSAGE_TYPES)
"""Each message type with what people call it."""


def about(headcount: Headcount) -> str:
    """Return how many people there are: 812, or of an estimate "about 10 million"."""
    if not headcount.is_estimate:
        return f"{headcount.people:,}"
    digits = len(str(headcount.people))
    rounded = round(headcount.people, min(_TOLD_DIGITS - digits, 0))
    if rounded >= _MILLION:
        return f"about {rounded / _MILLION:g} million"
    return f"about {rounded:,}"
