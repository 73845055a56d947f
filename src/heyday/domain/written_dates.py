"""Read dates as the people of a country write them, and find out how those of a file are written.

31/12/1990 and 12/31/1990 are the same day to different readers. Which it is has to be said once
for a file; a date that begins with its year is taken in any.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from heyday.domain.dates import YEAR_UNKNOWN, ReadDate, WrongDate, parse_date

# Spreadsheets and databases write midnight after a date.
_MIDNIGHT = re.compile(r"[ T]0{1,2}:00(?::00(?:\.0+)?)?(?:Z|\+00:?00)?$", re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4})([./-])(\d{1,2})\2(\d{1,2})", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_YEAR_LAST = re.compile(r"(\d{1,2})([./-]) ?(\d{1,2})(?:\2 ?(\d{4})?)?", re.ASCII)
_MONTHS = 12


class DateOrder(StrEnum):
    """Name the order in which day, month and year are written."""

    YEAR_FIRST = "year_first"
    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


_EXPECTED = {
    DateOrder.YEAR_FIRST: "YYYY-MM-DD, or --MM-DD without a year",
    DateOrder.DAY_FIRST: "DD/MM/YYYY, the day first, or DD/MM without a year",
    DateOrder.MONTH_FIRST: "MM/DD/YYYY, the month first, or MM/DD without a year",
}


def reader_of(order: DateOrder) -> ReadDate:
    """Return what reads dates that are written in an order; a year of two digits is none."""
    form = _EXPECTED[order]

    def read(given: object) -> date:
        written = _MIDNIGHT.sub("", given) if isinstance(given, str) else given
        if isinstance(written, str) and (parts := _split(written, order)):
            year, month, day = parts
            written = f"{year:04}-{month:02}-{day:02}"
        elif not isinstance(written, str) or not written.startswith("--"):
            raise WrongDate(f"must be a date written {form}")
        try:
            return parse_date(written)
        except WrongDate:
            raise WrongDate(f"is not a day of the calendar; expected a real date, {form}") from None

    return read


def _split(written: str, order: DateOrder) -> tuple[int, int, int] | None:
    """Return year, month and day."""
    if found := _YEAR_FIRST.fullmatch(written):
        return int(found[1]), int(found[3]), int(found[4])
    if found := _COMPACT.fullmatch(written):
        return int(found[1]), int(found[2]), int(found[3])
    found = _YEAR_LAST.fullmatch(written) if order is not DateOrder.YEAR_FIRST else None
    if not found:
        return None
    first, second = int(found[1]), int(found[3])
    year = int(found[4]) if found[4] else YEAR_UNKNOWN
    return (year, second, first) if order is DateOrder.DAY_FIRST else (year, first, second)


@dataclass(frozen=True, slots=True)
class OrderGuess:
    """Say in which order dates seem to be written. doubtful: one that fits both ways, if all do."""

    order: DateOrder
    doubtful: str | None = None


def guess_order(written: Iterable[str]) -> OrderGuess:
    """Return the order that most of these texts fit: none but dates that end in a year decide."""
    day_first = month_first = year_last = 0
    doubtful: str | None = None
    has_points = False
    for text in written:
        found = _YEAR_LAST.fullmatch(_MIDNIGHT.sub("", text.strip()))
        if not found:
            continue
        year_last += 1
        first, second = int(found[1]), int(found[3])
        day_first += first > _MONTHS >= second
        month_first += second > _MONTHS >= first
        if first <= _MONTHS and second <= _MONTHS and first != second:
            doubtful = doubtful or text.strip()
            has_points = has_points or found[2] == "."
    if month_first > day_first:
        return OrderGuess(DateOrder.MONTH_FIRST)
    if day_first or has_points:
        # Nobody writes the month first and points between.
        return OrderGuess(DateOrder.DAY_FIRST)
    return OrderGuess(DateOrder.DAY_FIRST if year_last else DateOrder.YEAR_FIRST, doubtful)
