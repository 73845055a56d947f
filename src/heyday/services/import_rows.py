"""Check the rows of a file of people, and gather them into chunks to be stored."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from heyday.domain.addresses import fold_address
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.models import PersonDraft
from heyday.domain.people import FIELDS, REQUIRED, find_suspicious, parse_person
from heyday.domain.ports import Clock

# How many rows are checked before replies of PostgreSQL are looked at: about a millisecond.
_BREATH_ROWS = 100
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

    people: list[PersonDraft] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    suspicious: int = 0
    suspicious_dates: list[SuspiciousDate] = field(default_factory=list)
    last_row: int = 0
    _rejected_characters: int = 0

    @property
    def is_full(self) -> bool:
        """Tell whether what it rejects takes more memory than it should."""
        return self._rejected_characters > _MOST_REJECTED

    def take(self, person: PersonDraft, line: int) -> None:
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


async def breathing(rows: Iterable[Row]) -> AsyncGenerator[Row]:
    """Yield rows, and let others run every now and then."""
    for number, row in enumerate(rows, start=1):
        yield row
        if number % _BREATH_ROWS == 0:
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
        self._seen = SeenAddresses()

    async def chunks(self, rows: AsyncIterable[Row]) -> AsyncGenerator[Chunk]:
        """Yield the chunks in order."""
        chunk, number = Chunk(), 0
        async for row in rows:
            number += 1
            self._check(row, chunk if number > self._skip else Chunk())
            chunk.last_row = number
            if number > self._skip and (number % self._chunk_rows == 0 or chunk.is_full):
                yield chunk
                chunk = Chunk()
        if chunk.people or chunk.rejections:
            yield chunk

    def _check(self, row: Row, chunk: Chunk) -> None:
        """Add a row to a chunk, to be stored or to be reported."""
        reason = row.fault
        if reason is None:
            try:
                chunk.take(self._parse(row), row.line)
            except InvalidInput as error:
                reason = str(error)
        if reason is not None:
            chunk.reject(row, reason)

    def _parse(self, row: Row) -> PersonDraft:
        """Return the person in a row. Raises InvalidInput."""
        fields = dict(zip(self._columns, row.cells, strict=True))
        person = parse_person(fields, self._clock.now())
        first = self._seen.add(person.email, row.line)
        if first is not None:
            detail = f"is the address of line {first} as well, which was taken"
            raise InvalidInput([FieldProblem("email", detail)])
        return person


class SeenAddresses:
    """Remember the line of each address in some 25 bytes, so that a million rows fit anywhere.

    Digests of 16 bytes stand for the addresses: two that differ never share one.
    """

    _BUCKETS = 1 << 16
    _DIGEST = 16
    _LINE = 5

    def __init__(self) -> None:
        self._buckets = [bytearray() for _ in range(self._BUCKETS)]

    def add(self, address: str, line: int) -> int | None:
        """Remember an address; return the line of the same one, in any case, if there was one."""
        digest = blake2b(fold_address(address).encode(), digest_size=self._DIGEST).digest()
        bucket = self._buckets[int.from_bytes(digest[:2], "big")]
        at = bucket.find(digest)
        if at >= 0:
            end = at + self._DIGEST
            return int.from_bytes(bucket[end : end + self._LINE], "big")
        bucket += digest + line.to_bytes(self._LINE, "big")
        return None
