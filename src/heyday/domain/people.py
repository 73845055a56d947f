"""Check what a company says about a person, and name every field that is wrong."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Protocol

from heyday.domain.addresses import normalize_address
from heyday.domain.countries import countries
from heyday.domain.dates import PLACEHOLDERS, ReadDate, WrongDate, has_year, parse_date
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.locales import NO_TAG, normalize_locale
from heyday.domain.models import PersonDraft
from heyday.domain.tzdb import PINNED

NAME_LENGTH = 100
EMAIL_LENGTH = 255
EARLIEST_ON = date(1900, 1, 1)

REQUIRED = ("first_name", "last_name", "email", "timezone")
OPTIONAL = ("birthday_date", "anniversary_date", "location_city", "location_country", "locale")
FIELDS = REQUIRED + OPTIONAL

# Where a date begins first: it bounds the dates of a person whose zone is not known.
_EASTERNMOST = "Pacific/Kiritimati"
# Controls break logs and headers, lone surrogates have no UTF-8; neither is part of a name.
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs"})


class Dated(Protocol):
    """Have the dates of a person."""

    @property
    def birthday_date(self) -> date | None:
        """Return when they were born."""

    @property
    def anniversary_date(self) -> date | None:
        """Return when they began."""


class _FieldReader:
    """Read raw fields one by one, and keep what is wrong with them."""

    def __init__(self, given: Mapping[str, object], now: datetime, read_date: ReadDate) -> None:
        self._given = given
        self._now = now
        self._read_date = read_date
        self.problems: list[FieldProblem] = []

    def refuse(self, name: str, detail: str, part: str | None = None) -> None:
        self.problems.append(FieldProblem(name, detail, (part,) if part else ()))

    def refuse_unknown(self) -> None:
        known = ", ".join(FIELDS)
        for name in self._given:
            if name not in FIELDS:
                shown = str(name)[:NAME_LENGTH].encode("utf-8", "replace").decode("utf-8")
                self.refuse(shown, f"is not a field of a person; known: {known}")

    def raw(self, name: str) -> object:
        """Return what was given, or None where it is absent or empty and may be."""
        value = self._given.get(name)
        if isinstance(value, str):
            value = value.strip() or None
        if value is None and name in REQUIRED:
            self.refuse(name, "is required")
        return value

    def text(self, name: str, longest: int = NAME_LENGTH) -> str | None:
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self.refuse(name, f"must be a text, not {_json_kind(value)}")
        elif len(value) > longest:
            self.refuse(name, f"has {len(value)} characters; at most {longest} are allowed")
        elif not value.isprintable() and _is_forbidden(value):
            self.refuse(name, "holds a control character or half a surrogate pair; remove it")
        else:
            return value
        return None

    def email(self, name: str) -> str | None:
        value = self.text(name, EMAIL_LENGTH)
        if value is None:
            return None
        address = normalize_address(value)
        if address is None:
            self.refuse(name, "is not an email address; expected one such as ada@example.com")
        return address

    def timezone(self, name: str) -> str | None:
        value = self.text(name)
        if value is None or value in PINNED.names:
            return value
        if value in PINNED.vanished:
            return PINNED.vanished[value]
        meant = _names_by_word().get(_word(value))
        hint = f"did you mean {meant}?" if meant else "expected a name such as Europe/Berlin or UTC"
        self.refuse(name, f"is not an IANA time zone; {hint}")
        return None

    def locale(self, name: str) -> str | None:
        value = self.text(name)
        tag = normalize_locale(value) if value else None
        if value and tag is None:
            self.refuse(name, NO_TAG)
        return tag

    def date(self, name: str, zone: str | None) -> date | None:
        value = self.raw(name)
        if value is None:
            return None
        try:
            on = self._read_date(value)
        except WrongDate as error:
            # Each part that is wrong is named; of a whole that is wrong, the field.
            for part in error.parts or (None,):
                self.refuse(name, str(error), part)
            return None
        # What is long past is past in every zone, which saves imports a look at the clock there.
        if not has_year(on) or EARLIEST_ON.year <= on.year < self._now.year - 1:
            return on
        today_on = self._now.astimezone(PINNED.load(zone or _EASTERNMOST)).date()
        if not EARLIEST_ON <= on <= today_on:
            self.refuse(name, f"must lie between {EARLIEST_ON} and today, the person's own date")
            return None
        return on


@cache
def _names_by_word() -> Mapping[str, str]:
    """Return which zone may be meant by a word: its name in any case, a city, a country."""
    by_country = {_word(country.name): country.zones[0] for country in countries().values()}
    by_city = {_word(name.rpartition("/")[2]): name for name in sorted(PINNED.names)}
    own = {zone for country in countries().values() for zone in country.zones}
    by_city |= {_word(name.rpartition("/")[2]): name for name in sorted(own) if "/" in name}
    return by_city | by_country | {_word(name): name for name in PINNED.names}


def _word(text: str) -> str:
    return text.lower().replace(" ", "_")


def _is_forbidden(value: str) -> bool:
    return any(unicodedata.category(c) in _FORBIDDEN_CATEGORIES for c in value)


def _json_kind(value: object) -> str:
    """Name the kind of a value as JSON would."""
    kinds = {bool: "a boolean", int: "a number", float: "a number", list: "a list"}
    return kinds.get(type(value), "an object")


def parse_person(
    given: Mapping[str, object], now: datetime, read_date: ReadDate = parse_date
) -> PersonDraft:
    """Return a valid person from raw fields, such as a JSON object or a CSV row.

    An absent optional field, None and "" mean the same. A zone that the tz database has dropped
    becomes the one that goes on in its place.   now: bounds the dates that have a year, each read
    on the person's own calendar.   read_date: knows how they are written.
    Raises InvalidInput naming every field that is wrong.
    """
    reader = _FieldReader(given, now, read_date)
    reader.refuse_unknown()
    first_name, last_name = reader.text("first_name"), reader.text("last_name")
    email, zone = reader.email("email"), reader.timezone("timezone")
    draft = PersonDraft(
        first_name=first_name or "",
        last_name=last_name or "",
        email=email or "",
        timezone=zone or "",
        birthday_date=reader.date("birthday_date", zone),
        anniversary_date=reader.date("anniversary_date", zone),
        location_city=reader.text("location_city"),
        location_country=reader.text("location_country"),
        locale=reader.locale("locale"),
    )
    if reader.problems:
        raise InvalidInput(reader.problems)
    return draft


def find_suspicious(person: Dated) -> Sequence[str]:
    """Return the fields whose date is one that programs write for a date they do not know."""
    if person.birthday_date not in PLACEHOLDERS and person.anniversary_date not in PLACEHOLDERS:
        return ()
    dates = ("birthday_date", person.birthday_date), ("anniversary_date", person.anniversary_date)
    return [name for name, on in dates if on in PLACEHOLDERS]
