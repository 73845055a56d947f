"""Check the rows of a file of people, and gather them into chunks to be stored."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.people import FIELDS, REQUIRED, find_suspicious, parse_person
from heyday.domain.people_tables import PeopleReader, PersonFields
from heyday.domain.ports import Clock
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
class ImportCounts:
    """Count what became of the rows. A person who was there already counts as updated.

    suspicious: dates of stored people that may be placeholders (domain/dates.py).
    suspicious_dates: the first of them.
    """

    imported: int = 0
    updated: int = 0
    rejected: int = 0
    suspicious: int = 0
    suspicious_dates: tuple[SuspiciousDate, ...] = ()

    def __add__(self, other: "ImportCounts") -> "ImportCounts":
        """Return the sums, field by field, and the first suspicious dates."""
        return ImportCounts(
            self.imported + other.imported,
            self.updated + other.updated,
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

    def counts(self, imported: int) -> ImportCounts:
        """Return what became of its rows, of which so many are new people."""
        return ImportCounts(
            imported,
            len(self.people) - imported,
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

    def __init__(
        self, columns: Sequence[str], clock: Clock, chunk_rows: int, skip: int = 0
    ) -> None:
        self._columns = columns
        self._clock = clock
        self._chunk_rows = chunk_rows
        self._skip = skip
        self._reader = PeopleReader(columns)
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
        now, seen = self._clock.now(), self._seen
        people = iter(self._reader.read([row.cells for row in rows if row.fault is None], now))
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
        fields = dict(zip(self._columns, row.cells, strict=True))
        return PersonFields.of(parse_person(fields, now))
