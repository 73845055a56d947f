"""Check the rows of a file of people, and gather them into chunks to be stored."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from heyday.domain.dates import ReadDate, parse_date
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.people import FIELDS, REQUIRED, find_suspicious, parse_person
from heyday.domain.people_tables import PeopleReader, PersonFields
from heyday.domain.ports import Clock
from heyday.domain.readings import Pick, Reading
from heyday.domain.written_dates import reader_of
from heyday.services.seen_addresses import SeenAddresses

# How many suspicious dates are named; the rest are counted.
_NAMED = 10
# Characters of rejected rows in a chunk. No valid row comes near; a broken file must not fill the
# memory.
_MOST_REJECTED = 1 << 22


class Row(NamedTuple):
    """Hold one row as it came: its line in the file, its cells, and why it cannot be read."""

    line: int
    cells: Sequence[str]
    fault: str | None = None


class Rejection(NamedTuple):
    """Hold a row that is not taken, and why."""

    row: Row
    reason: str


@dataclass(frozen=True, slots=True)
class SuspiciousDate:
    """Say where a date stands that programs write for one they do not know."""

    line: int
    field: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Say what the cells of a row are: fields of a person, and how dates are written in them.

    pick: takes them out of a row; None: they are the row.
    """

    fields: Sequence[str]
    pick: Pick | None = None
    read_date: ReadDate = parse_date

    @classmethod
    def of(cls, columns: Sequence[str], reading: Reading | None) -> "Layout":
        """Return the layout of a file that is to be read like this, or (None) as it is.

        Raises InvalidInput for columns that are wrong.
        """
        if reading is None:
            check_columns(columns)
            return cls(columns)
        if problems := reading.problems(len(columns)):
            raise InvalidInput(problems)
        return cls(reading.fields, reading.picker(), reader_of(reading.dates))


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """Count what became of the rows. A person who was there already counts as updated.

    unchanged: those of them who were there as the file says.
    suspicious: dates of stored people that may be placeholders (domain/dates.py).
    suspicious_dates: the first of them.
    """

    imported: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    suspicious: int = 0
    suspicious_dates: tuple[SuspiciousDate, ...] = ()

    def __add__(self, other: "ImportCounts") -> "ImportCounts":
        """Return the sums, field by field, and the first suspicious dates."""
        return ImportCounts(
            self.imported + other.imported,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.rejected + other.rejected,
            self.suspicious + other.suspicious,
            (self.suspicious_dates + other.suspicious_dates)[:_NAMED],
        )


@dataclass(slots=True)
class Chunk:
    """Gather rows until there are enough to store them. last_row: counted from 1, in the file."""

    people: list[PersonFields] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    suspicious: int = 0
    suspicious_dates: list[SuspiciousDate] = field(default_factory=list)
    last_row: int = 0
    _rejected_characters: int = 0

    @property
    def is_full(self) -> bool:
        """Tell whether what it rejects takes more memory than it should."""
        return self._rejected_characters > _MOST_REJECTED

    def take(self, person: PersonFields, line: int) -> None:
        """Add a person to be stored."""
        self.people.append(person)
        for name in find_suspicious(person):
            self.suspicious += 1
            if len(self.suspicious_dates) < _NAMED:
                self.suspicious_dates.append(SuspiciousDate(line, name))

    def reject(self, row: Row, reason: str) -> None:
        """Add a row that is not to be stored."""
        self.rejections.append(Rejection(row, reason))
        self._rejected_characters += sum(map(len, row.cells))

    def counts(self, imported: int, changed: int) -> ImportCounts:
        """Return what became of its rows: so many are new people, so many were changed."""
        return ImportCounts(
            imported,
            len(self.people) - imported,
            len(self.people) - imported - changed,
            len(self.rejections),
            self.suspicious,
            tuple(self.suspicious_dates),
        )


def check_columns(columns: Sequence[str]) -> None:
    """Raise InvalidInput unless these can be the columns of a file of people."""
    known = ", ".join(FIELDS)
    problems = []
    for number, name in enumerate(columns, start=1):
        if name not in FIELDS:
            shown = name[:100] or f"column {number}"
            problems.append(FieldProblem(shown, f"is not a column of users; known: {known}"))
        elif name in columns[: number - 1]:
            problems.append(FieldProblem(name, "stands in the header twice"))
    missing = [name for name in REQUIRED if name not in columns]
    problems += [FieldProblem(name, "is required, and not in the header") for name in missing]
    if problems:
        raise InvalidInput(problems)


async def breathing(batches: Iterable[Sequence[Row]]) -> AsyncGenerator[Sequence[Row]]:
    """Yield batches of rows, and let others run in between."""
    for batch in batches:
        yield batch
        await asyncio.sleep(0)


class RowChecker:
    """Turn the rows of one file into chunks.

    skip: so many rows were dealt with before. They are read again, for their addresses alone, so
    that what follows is judged as it would have been.
    """

    def __init__(self, layout: Layout, clock: Clock, chunk_rows: int, skip: int = 0) -> None:
        self._layout = layout
        self._clock = clock
        self._chunk_rows = chunk_rows
        self._skip = skip
        self._reader = PeopleReader(layout.fields, layout.read_date)
        self._seen = SeenAddresses()

    async def chunks(self, batches: AsyncIterable[Sequence[Row]]) -> AsyncGenerator[Chunk]:
        """Yield the chunks in order."""
        chunk, number = Chunk(), 0
        with closing(self._seen):
            async for batch in batches:
                for rows in self._parts(batch, number):
                    number += len(rows)
                    self._check(rows, chunk if number > self._skip else Chunk())
                    chunk.last_row = number
                    if number > self._skip and (number % self._chunk_rows == 0 or chunk.is_full):
                        yield chunk
                        chunk = Chunk()
        if chunk.people or chunk.rejections:
            yield chunk

    def _parts(self, batch: Sequence[Row], number: int) -> Iterator[Sequence[Row]]:
        """Yield a batch, after so many rows, cut where a chunk ends and where those to skip do."""
        start = 0
        while start < len(batch):
            end = start + self._chunk_rows - (number + start) % self._chunk_rows
            if number + start < self._skip:
                end = min(end, self._skip - number)
            yield batch[start:end]
            start = end

    def _check(self, rows: Sequence[Row], chunk: Chunk) -> None:
        """Add rows to a chunk, to be stored or to be reported."""
        now, seen, pick = self._clock.now(), self._seen, self._layout.pick
        cells = [row.cells for row in rows if row.fault is None]
        people = iter(self._reader.read([pick(c) for c in cells] if pick else cells, now))
        for row in rows:
            if row.fault is not None:
                chunk.reject(row, row.fault)
                continue
            try:
                person = next(people) or self._parse(row, now)
            except InvalidInput as error:
                chunk.reject(row, str(error))
                continue
            first = seen.add(person.email, row.line)
            if first is None:
                chunk.take(person, row.line)
            else:
                detail = f"is the address of line {first} as well, which was taken"
                chunk.reject(row, str(InvalidInput([FieldProblem("email", detail)])))

    def _parse(self, row: Row, now: datetime) -> PersonFields:
        """Return the person in a row that is not like most. Raises InvalidInput."""
        layout = self._layout
        cells = layout.pick(row.cells) if layout.pick else row.cells
        fields = dict(zip(layout.fields, cells, strict=True))
        return PersonFields.of(parse_person(fields, now, layout.read_date))
