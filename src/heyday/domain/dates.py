"""Read and write the dates of people, some of which have no year.

A date without a year is a date of YEAR_UNKNOWN (docs/adr/0009): one column holds both kinds.
"""

import re
from collections.abc import Callable, Mapping
from datetime import MAXYEAR, MINYEAR, date

YEAR_UNKNOWN = 1604
"""The year that stands for none. It had a 29 February, and nobody alive was born in it."""

PLACEHOLDERS = frozenset({date(1900, 1, 1), date(1970, 1, 1)})
"""Real days that programs also write for "not known": the first of SQL Server and of Unix.

Those of others (0001-01-01, 1753-01-01, 1899-12-30, 1899-12-31) lie before any birthday we take.
"""

ReadDate = Callable[[object], date]
"""Returns the date that was given. Raises WrongDate."""

_WRITTEN = re.compile(r"(?:\d{4}|-)-\d{2}-\d{2}", re.ASCII)
_PARTS = frozenset({"year", "month", "day"})
_MONTHS, _LONGEST_MONTH = 12, 31
_ODD_PART = "must hold month, day and year, and nothing else"
_NO_NUMBER = "must be a whole number; a year that is not known is null, or left out"
_NO_DAY = "is not a day of the calendar; expected a real date, YYYY-MM-DD or --MM-DD"


class WrongDate(ValueError):
    """Say why something is no date. parts: which of its parts are wrong, where it has parts."""

    def __init__(self, detail: str, parts: tuple[str, ...] = ()) -> None:
        self.parts = parts
        super().__init__(detail)


def has_year(on: date) -> bool:
    """Tell whether the year of a date is known."""
    return on.year != YEAR_UNKNOWN


def parse_date(given: object) -> date:
    """Return the date that a company wrote: YYYY-MM-DD, --MM-DD, or an object of its parts.

    given: a text, or a mapping of year (None or absent: not known), month and day.
    Raises WrongDate that says what was expected, and does not repeat what was given.
    Source: ISO 8601:2000 5.2.1.3 d, RFC 6350 section 4.3.1.
    """
    # Texts come first, as by far the most are: imports have two a row.
    if isinstance(given, str) and _WRITTEN.fullmatch(given):
        written = f"{YEAR_UNKNOWN}{given[1:]}" if given[0] == "-" else given
    elif isinstance(given, Mapping):
        return _from_parts(given)
    else:
        raise WrongDate("must be a date written YYYY-MM-DD, or --MM-DD without a year")
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise WrongDate(_NO_DAY) from None


def format_date(on: date) -> str:
    """Return YYYY-MM-DD, or --MM-DD if the year is not known."""
    written = on.isoformat()
    return written if has_year(on) else f"-{written[4:]}"


def _from_parts(parts: Mapping[str, object]) -> date:
    year = parts.get("year")
    if year is None:
        year = YEAR_UNKNOWN
    month, day = parts.get("month"), parts.get("day")
    if not parts.keys() <= _PARTS:
        raise WrongDate(_ODD_PART)
    # `type`, as true and false would pass for 1 and 0 with isinstance.
    if type(year) is not int or type(month) is not int or type(day) is not int:
        given = {"year": year, "month": month, "day": day}
        raise WrongDate(_NO_NUMBER, tuple(n for n, part in given.items() if type(part) is not int))
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        raise WrongDate(_NO_DAY, _out_of_range(year, month, day)) from None


def _out_of_range(year: int, month: int, day: int) -> tuple[str, ...]:
    """Return the parts that no date has; none if each is possible and all together are not."""
    possible = {
        "year": MINYEAR <= year <= MAXYEAR,
        "month": 1 <= month <= _MONTHS,
        "day": 1 <= day <= _LONGEST_MONTH,
    }
    return tuple(name for name, is_possible in possible.items() if not is_possible)
