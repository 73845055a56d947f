"""Check what a company says about a person, and name every field that is wrong."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime

from heyday.domain.addresses import normalize_address
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.models import PersonDraft
from heyday.domain.timezone import load_zone, zone_names

NAME_LENGTH = 100
EMAIL_LENGTH = 255
EARLIEST_ON = date(1900, 1, 1)

REQUIRED = ("first_name", "last_name", "email", "timezone")
OPTIONAL = ("birthday_date", "anniversary_date", "location_city", "location_country")
FIELDS = REQUIRED + OPTIONAL

# Where a date begins first: it bounds the dates of a person whose zone is not known.
_EASTERNMOST = "Pacific/Kiritimati"
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# Controls break logs and headers, lone surrogates have no UTF-8; neither is part of a name.
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs"})


class _FieldReader:
    """Read raw fields one by one, and keep what is wrong with them."""

    def __init__(self, given: Mapping[str, object], now: datetime) -> None:
        self._given = given
        self._now = now
        self.problems: list[FieldProblem] = []

    def refuse(self, name: str, detail: str) -> None:
        self.problems.append(FieldProblem(name, detail))

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
        if value is None or value in zone_names():
            return value
        detail = "is not an IANA time zone; expected a name such as Europe/Berlin or UTC"
        self.refuse(name, detail)
        return None

    def date(self, name: str, zone: str | None) -> date | None:
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, str) or not _ISO_DATE.fullmatch(value):
            self.refuse(name, "must be a date written YYYY-MM-DD")
            return None
        try:
            on = date.fromisoformat(value)
        except ValueError:
            self.refuse(name, "is not a day of the calendar; expected a real date, YYYY-MM-DD")
            return None
        today_on = self._now.astimezone(load_zone(zone or _EASTERNMOST)).date()
        if not EARLIEST_ON <= on <= today_on:
            self.refuse(name, f"must lie between {EARLIEST_ON} and today, the person's own date")
            return None
        return on


def _is_forbidden(value: str) -> bool:
    return any(unicodedata.category(c) in _FORBIDDEN_CATEGORIES for c in value)


def _json_kind(value: object) -> str:
    """Name the kind of a value as JSON would."""
    kinds = {bool: "a boolean", int: "a number", float: "a number", list: "a list"}
    return kinds.get(type(value), "an object")


def parse_person(given: Mapping[str, object], now: datetime) -> PersonDraft:
    """Return a valid person from raw fields, such as a JSON object or a CSV row.

    An absent optional field, None and "" mean the same.   now: bounds the dates, each read on
    the person's own calendar.   Raises InvalidInput naming every field that is wrong.
    """
    reader = _FieldReader(given, now)
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
    )
    if reader.problems:
        raise InvalidInput(reader.problems)
    return draft
