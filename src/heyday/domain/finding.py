"""Read whom a caller looks for: what a list is to hold, and what a search is to begin with."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TypeVar
from uuid import UUID

from heyday.domain.countries import countries
from heyday.domain.dates import YEAR_UNKNOWN
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.locales import NO_TAG, normalize_locale
from heyday.domain.people import EMAIL_LENGTH
from heyday.domain.tzdb import PINNED

T = TypeVar("T")

LONGEST_PAGE = 200
USUAL_PAGE = 50
MOST_FORMS = 4

_MONTH_DAY = re.compile(r"(?:--)?(\d{2})-(\d{2})", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})", re.ASCII
)
# Dates without a year are of the year 1604, and in no range.
_FIRST_WITH_YEAR = date(YEAR_UNKNOWN + 1, 1, 1)
_NO_DAY = "is not a day of the year; expected --MM-DD or MM-DD, such as --02-29"
_NO_DATE = "is not a date; expected YYYY-MM-DD"
_NO_INSTANT = (
    "is not an instant; expected one with its offset, 2027-01-14T00:00:00Z (a + is written %2B)"
)
_RANGES = ("birthday", "anniversary", "created", "updated")
_SEARCH_FIELDS = ("query", "limit", "after")


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """Say who is to be on a list; None: whoever it be.

    birthday, anniversary: month * 100 + day.   The dates of a range are both in it; of instants
    the last is not, so that one range may begin where another ends.   zones: all those of a
    country.
    """

    timezone: str | None = None
    birthday: int | None = None
    anniversary: int | None = None
    birthday_from: date | None = None
    birthday_to: date | None = None
    anniversary_from: date | None = None
    anniversary_to: date | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None
    is_deleted: bool = False
    is_unsubscribed: bool | None = None
    locale: str | None = None
    zones: tuple[str, ...] | None = None


EVERYBODY = PeopleFilter()


@dataclass(frozen=True, slots=True)
class PeopleSearch:
    """Say with what a first name, "first last", a last name or an address is to begin.

    forms: what was asked for, and where it holds letters beyond ASCII, the same in other cases.
    Which of those letters PostgreSQL takes for one is a matter of its locale.
    """

    forms: tuple[str, ...]
    limit: int = USUAL_PAGE
    after: UUID | None = None


def parse_filter(
    given: Mapping[str, str | None], *, deleted: bool = False, unsubscribed: bool | None = None
) -> PeopleFilter:
    """Return the filter that a query string asks for. Raises InvalidInput naming what is wrong."""
    problems: list[FieldProblem] = []

    def read(name: str, parse: Callable[[str], T]) -> T | None:
        value = given.get(name)
        if value is None:
            return None
        try:
            return parse(value)
        except ValueError as error:
            problems.append(FieldProblem(name, str(error)))
            return None

    found = PeopleFilter(
        timezone=read("timezone", _zone),
        birthday=read("birthday", _month_day),
        anniversary=read("anniversary", _month_day),
        birthday_from=read("birthday_from", _date),
        birthday_to=read("birthday_to", _date),
        anniversary_from=read("anniversary_from", _date),
        anniversary_to=read("anniversary_to", _date),
        created_from=read("created_from", _instant),
        created_to=read("created_to", _instant),
        updated_from=read("updated_from", _instant),
        updated_to=read("updated_to", _instant),
        is_deleted=deleted,
        is_unsubscribed=unsubscribed,
        locale=read("locale", _locale),
        zones=read("country", _zones_of),
    )
    if problems := problems + _find_reversed(found):
        raise InvalidInput(problems)
    return replace(
        found,
        birthday_from=_with_year(found.birthday_from, found.birthday_to),
        anniversary_from=_with_year(found.anniversary_from, found.anniversary_to),
    )


def _find_reversed(found: PeopleFilter) -> list[FieldProblem]:
    """Return the ranges that end before they begin."""
    problems = []
    for name in _RANGES:
        first, last = getattr(found, f"{name}_from"), getattr(found, f"{name}_to")
        if first and last and first > last:
            problems.append(FieldProblem(f"{name}_from", f"lies after {name}_to"))
    return problems


def parse_search(given: Mapping[str, object]) -> PeopleSearch:
    """Return the search that a JSON object asks for. Raises InvalidInput naming what is wrong."""
    problems = [
        FieldProblem(name, f"is not a field of a search; known: {', '.join(_SEARCH_FIELDS)}")
        for name in given
        if name not in _SEARCH_FIELDS
    ]
    query, limit, after = given.get("query"), given.get("limit", USUAL_PAGE), given.get("after")
    if fault := _find_fault_of_query(query):
        problems.append(FieldProblem("query", fault))
    # `type`, as true would pass for 1 with isinstance.
    if type(limit) is not int or not 1 <= limit <= LONGEST_PAGE:
        problems.append(FieldProblem("limit", f"must be a number from 1 to {LONGEST_PAGE}"))
    last: UUID | None = None
    try:
        last = None if after is None else UUID(str(after))
    except ValueError:
        problems.append(FieldProblem("after", "must be the id that was `next` of a page, or null"))
    if problems:
        raise InvalidInput(problems)
    return PeopleSearch(_forms(str(query).strip()), int(str(limit)), last)


def _find_fault_of_query(query: object) -> str | None:
    if not isinstance(query, str) or not query.strip():
        return "must be a text: how a name or an address begins"
    if len(query) > EMAIL_LENGTH:
        return f"has {len(query)} characters; at most {EMAIL_LENGTH} are allowed"
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in query.strip()):
        return "holds a control character or half a surrogate pair; remove it"
    return None


def _forms(query: str) -> tuple[str, ...]:
    """Return a text as it may be written, if PostgreSQL's locale knows the case of ASCII alone."""
    if query.isascii():
        return (query,)
    return tuple(dict.fromkeys((query, query.lower(), query.upper(), query.title())))


def _zone(value: str) -> str:
    # People may be stored in a zone that the tz database has dropped since.
    if value not in PINNED.names and value not in PINNED.vanished:
        raise ValueError("is not an IANA time zone; expected a name such as Europe/Berlin or UTC")
    return value


def _zones_of(value: str) -> tuple[str, ...]:
    country = countries().get(value)
    if country is None:
        raise ValueError("is no country; expected a code of two letters, such as JP")
    return country.all_zones


def _locale(value: str) -> str:
    tag = normalize_locale(value)
    if tag is None:
        raise ValueError(NO_TAG)
    return tag


def _month_day(value: str) -> int:
    found = _MONTH_DAY.fullmatch(value)
    if not found:
        raise ValueError(_NO_DAY)
    month, day = int(found[1]), int(found[2])
    try:
        date(YEAR_UNKNOWN, month, day)
    except ValueError:
        raise ValueError(_NO_DAY) from None
    return month * 100 + day


def _date(value: str) -> date:
    if not _DATE.fullmatch(value):
        raise ValueError(_NO_DATE)
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(_NO_DATE) from None


def _with_year(first: date | None, last: date | None) -> date | None:
    """Return where a range begins, so that it leaves out dates without a year."""
    if first is None and last is None:
        return None
    return max(first or _FIRST_WITH_YEAR, _FIRST_WITH_YEAR)


def _instant(value: str) -> datetime:
    if not _INSTANT.fullmatch(value):
        raise ValueError(_NO_INSTANT)
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(_NO_INSTANT) from None
