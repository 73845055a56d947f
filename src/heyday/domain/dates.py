"""Read and write the dates of people, some of which have no year.

A date without a year is a date of YEAR_UNKNOWN (docs/adr/0009): one column holds both kinds.
"""

import re
from collections.abc import Mapping
from datetime import date

YEAR_UNKNOWN = 1604
"""The year that stands for none. It had a 29 February, and nobody alive was born in it."""

PLACEHOLDERS = frozenset({date(1900, 1, 1), date(1970, 1, 1)})
"""Real days that programs also write for "not known": the first of SQL Server and of Unix.

Those of others (0001-01-01, 1753-01-01, 1899-12-30, 1899-12-31) lie before any birthday we take.
"""

_WRITTEN = re.compile(r"(?:\d{4}|-)-\d{2}-\d{2}", re.ASCII)
_PARTS = frozenset({"year", "month", "day"})
_NO_DAY = "is not a day of the calendar; expected a real date, YYYY-MM-DD or --MM-DD"


def has_year(on: date) -> bool:
    """Tell whether the year of a date is known."""
    return on.year != YEAR_UNKNOWN


def parse_date(given: object) -> date:
    """Return the date that a company wrote: YYYY-MM-DD, --MM-DD, or an object of its parts.

    given: a text, or a mapping of year (None or absent: not known), month and day.
    Raises ValueError that says what was expected, and does not repeat what was given.
    Source: ISO 8601:2000 5.2.1.3 d, RFC 6350 section 4.3.1.
    """
    # Texts come first, as by far the most are: imports have two a row.
    if isinstance(given, str) and _WRITTEN.fullmatch(given):
        written = f"{YEAR_UNKNOWN}{given[1:]}" if given[0] == "-" else given
    elif isinstance(given, Mapping):
        return _from_parts(given)
    else:
        raise ValueError("must be a date written YYYY-MM-DD, or --MM-DD without a year")
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise ValueError(_NO_DAY) from None


def format_date(on: date) -> str:
    """Return YYYY-MM-DD, or --MM-DD if the year is not known."""
    written = on.isoformat()
    return written if has_year(on) else f"-{written[4:]}"


def _from_parts(parts: Mapping[str, object]) -> date:
    year, month, day = parts.get("year"), parts.get("month"), parts.get("day")
    if year is None:
        year = YEAR_UNKNOWN
    # `type`, as true and false would pass for 1 and 0 with isinstance.
    if (
        type(year) is not int
        or type(month) is not int
        or type(day) is not int
        or not parts.keys() <= _PARTS
    ):
        raise ValueError("must hold month, day and year as whole numbers; year null if not known")
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        raise ValueError(_NO_DAY) from None
