"""Describe how a file of people is to be read: its characters, its columns, its dates."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter

from heyday.domain.errors import FieldProblem
from heyday.domain.people import FIELDS, REQUIRED
from heyday.domain.tzdb import PINNED
from heyday.domain.written_dates import DateOrder

MOST_COLUMNS = 200
"""A file with more is none of people."""

_ZONE = "timezone"


class Encoding(StrEnum):
    """Name the ways in which the characters of a stored file may be written."""

    UTF_8 = "utf-8"
    WINDOWS_1252 = "cp1252"


class Delimiter(StrEnum):
    """Name what may stand between two columns."""

    COMMA = ","
    SEMICOLON = ";"
    TAB = "\t"
    BAR = "|"


Pick = Callable[[Sequence[str]], Sequence[str]]
"""Returns the cells of a row that are fields of a person, in the order of `Reading.fields`."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Hold how a file is to be read. Whether a person can be made of its rows, `problems` says.

    columns: for fields of a person, the place of the column that has them, from 0.
    zone: of those in whose row none stands.
    """

    columns: Mapping[str, int]
    encoding: Encoding = Encoding.UTF_8
    delimiter: Delimiter = Delimiter.COMMA
    has_header: bool = True
    dates: DateOrder = DateOrder.YEAR_FIRST
    zone: str | None = None

    def __post_init__(self) -> None:
        wrong = [f"{n}: {p}" for n, p in self.columns.items() if n not in FIELDS or p < 0]
        if wrong:
            raise ValueError(f"no columns for fields of a person: {', '.join(wrong)}")

    @property
    def fields(self) -> Sequence[str]:
        """Return the fields of a person that a row gives, in the order of `FIELDS`."""
        return [n for n in FIELDS if n in self.columns or (n == _ZONE and self.zone)]

    def problems(self, width: int) -> Sequence[FieldProblem]:
        """Return why no people can be made of the rows of a file with so many columns."""
        problems = [
            FieldProblem(name, "is needed of everybody: choose its column")
            for name in REQUIRED
            if name not in self.fields
        ]
        takers: dict[int, str] = {}
        for name, place in self.columns.items():
            if place >= width:
                problems.append(FieldProblem(name, f"is taken from column {place + 1} of {width}"))
            elif place in takers:
                detail = f"is taken from the same column as {takers[place]}"
                problems.append(FieldProblem(name, detail))
            takers.setdefault(place, name)
        if self.zone and self.zone not in PINNED.names:
            detail = "is not an IANA time zone; expected a name such as Europe/Berlin or UTC"
            problems.append(FieldProblem("zone", detail))
        return problems

    def picker(self) -> Pick:
        """Return what takes the fields of a person out of a row, fast."""
        zone, zone_at = self.zone or "", self.columns.get(_ZONE)
        places = [self.columns[name] for name in self.fields if name in self.columns]
        if not zone:
            # With several places it returns a tuple; people have more than one field.
            return itemgetter(*places) if len(places) > 1 else lambda c: [c[p] for p in places]
        if zone_at is None:
            at = self.fields.index(_ZONE)
            return lambda c: [*(c[p] for p in places[:at]), zone, *(c[p] for p in places[at:])]
        return lambda c: [(c[p] if p != zone_at or c[p].strip() else zone) for p in places]
