"""Read what a form says of how a file is to be read, and name its choices."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, TypeVar

from heyday.domain.dates import WrongDate, has_year
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.people import FIELDS
from heyday.domain.readings import Delimiter, Encoding, Reading
from heyday.domain.written_dates import DateOrder, reader_of


def _(name: str) -> str:
    """Mark a text for translation; templates translate it."""
    return name


LABELS: Final = {
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "email": _("Email address"),
    "timezone": _("Time zone"),
    "birthday_date": _("Birthday"),
    "anniversary_date": _("First day at work"),
    "location_city": _("City"),
    "location_country": _("Country"),
    "locale": _("Language"),
}
"""What the fields of a person are called on pages."""

DELIMITERS: Final = (
    ("comma", _("Commas ( , )"), Delimiter.COMMA),
    ("semicolon", _("Semicolons ( ; )"), Delimiter.SEMICOLON),
    ("tab", _("Tabs"), Delimiter.TAB),
    ("bar", _("Bars ( | )"), Delimiter.BAR),
)
ENCODINGS: Final = (
    ("utf-8", _("UTF-8"), Encoding.UTF_8),
    ("cp1252", _("Windows-1252 (Western Europe)"), Encoding.WINDOWS_1252),
)
HEADERS: Final = (
    ("yes", _("The names of the columns"), True),
    ("no", _("The first person"), False),
)
ORDERS: Final = (
    (DateOrder.YEAR_FIRST.value, _("Year first: 1990-12-31"), DateOrder.YEAR_FIRST),
    (DateOrder.DAY_FIRST.value, _("Day first: 31/12/1990"), DateOrder.DAY_FIRST),
    (DateOrder.MONTH_FIRST.value, _("Month first: 12/31/1990"), DateOrder.MONTH_FIRST),
)
_T = TypeVar("_T")


def reading_of(form: Mapping[str, object]) -> Reading:
    """Return how a form says that a file is to be read. Raises InvalidInput if it says nothing."""
    columns = {name: _place(form.get(f"column-{name}")) for name in FIELDS}
    return Reading(
        columns={name: place for name, place in columns.items() if place is not None},
        encoding=_chosen(form, "encoding", ENCODINGS),
        delimiter=_chosen(form, "delimiter", DELIMITERS),
        has_header=_chosen(form, "header", HEADERS),
        dates=_chosen(form, "dates", ORDERS),
        zone=str(form.get("zone", "")).strip() or None,
    )


def chosen_in(reading: Reading) -> Mapping[str, str]:
    """Return what the form's selections are at, for a reading."""
    at: Mapping[str, tuple[Sequence[tuple[str, str, object]], object]] = {
        "delimiter": (DELIMITERS, reading.delimiter),
        "encoding": (ENCODINGS, reading.encoding),
        "header": (HEADERS, reading.has_header),
        "dates": (ORDERS, reading.dates),
    }
    return {
        name: next(key for key, _label, value in choices if value == meant)
        for name, (choices, meant) in at.items()
    }


def meanings(written: str) -> Sequence[tuple[str, date]]:
    """Return what a date stands for that may be read in two ways, each by its choice."""
    found = []
    for _key, label, order in ORDERS:
        with contextlib.suppress(WrongDate):
            found.append((label, reader_of(order)(written)))
    return found


def in_words(on: date) -> str:
    """Write a date so that nobody takes its day for its month: "31 Dec 1990", "29 Feb"."""
    return f"{on.day} {on:%b}" + (f" {on.year}" if has_year(on) else "")


def _place(given: object) -> int | None:
    return int(given) if isinstance(given, str) and given.isascii() and given.isdigit() else None


def _chosen(form: Mapping[str, object], name: str, choices: Sequence[tuple[str, str, _T]]) -> _T:
    given = form.get(name)
    for key, _label, value in choices:
        if key == given:
            return value
    known = ", ".join(key for key, _label, _value in choices)
    raise InvalidInput([FieldProblem(name, f"must be one of {known}")])
