"""Take people in from the rows of a file: what is right is stored, what is wrong is named.

Rows stream through in chunks. A chunk is one transaction: its people and their plans. Whatever
stops an import, what was stored is whole, and importing the same rows again does the rest.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.models import PersonDraft
from heyday.domain.people import FIELDS, REQUIRED, find_suspicious, parse_person
from heyday.domain.ports import Clock, Session, Store
from heyday.services.planning import Planner

CHUNK_ROWS = 5_000
# Two chunks on their way to PostgreSQL keep it busy while the next one is checked.
_STORED_AT_ONCE = 2
# How many rows are checked before replies of PostgreSQL are looked at: about a millisecond.
_BREATH_ROWS = 100
# How many suspicious dates are named; the rest are counted.
_NAMED = 10


class Row(NamedTuple):
    """Hold one row as it came: its line in the file, its cells, and why it cannot be read."""

    line: int
    cells: Sequence[str]
    fault: str | None = None


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


Reject = Callable[[Row, str], None]
"""Is told of each rejected row and the reason, before the rows of its chunk are stored."""


@dataclass(slots=True)
class _Chunk:
    """Gather rows until there are enough to store them."""

    people: list[PersonDraft] = field(default_factory=list)
    rejected: int = 0
    suspicious: int = 0
    suspicious_dates: list[SuspiciousDate] = field(default_factory=list)

    def take(self, person: PersonDraft, line: int) -> None:
        self.people.append(person)
        for name in find_suspicious(person):
            self.suspicious += 1
            if len(self.suspicious_dates) < _NAMED:
                self.suspicious_dates.append(SuspiciousDate(line, name))

    def counts(self, imported: int) -> ImportCounts:
        return ImportCounts(
            imported,
            len(self.people) - imported,
            self.rejected,
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


class ImportService:
    """Import people chunk by chunk."""

    def __init__(
        self, store: Store, planner: Planner, clock: Clock, chunk_rows: int = CHUNK_ROWS
    ) -> None:
        self._store = store
        self._planner = planner
        self._clock = clock
        self._chunk_rows = chunk_rows

    async def run(
        self, columns: Sequence[str], rows: Iterable[Row], reject: Reject
    ) -> AsyncGenerator[ImportCounts]:
        """Import the rows; yield the counts so far after each chunk that was stored.

        A person is known by address. Columns that the file does not have stay as they are.
        Close the generator (contextlib.aclosing) if you may leave it early.
        Raises InvalidInput for columns that are wrong, before anything is stored.
        """
        check_columns(columns)
        counts = ImportCounts()
        storing: deque[asyncio.Task[ImportCounts]] = deque()
        try:
            async with aclosing(self._check(columns, rows, reject)) as chunks:
                async for chunk in chunks:
                    if len(storing) == _STORED_AT_ONCE:
                        counts += await storing.popleft()
                        yield counts
                    storing.append(asyncio.create_task(self._store_chunk(columns, chunk)))
            while storing:
                counts += await storing.popleft()
                yield counts
        finally:
            for task in storing:
                task.cancel()
            await asyncio.gather(*storing, return_exceptions=True)

    async def _check(
        self, columns: Sequence[str], rows: Iterable[Row], reject: Reject
    ) -> AsyncGenerator[_Chunk]:
        """Yield the people of each chunk, and tell `reject` of the others."""
        seen = _SeenAddresses()
        chunk = _Chunk()
        for number, row in enumerate(rows, start=1):
            reason = row.fault
            if reason is None:
                try:
                    chunk.take(self._parse(columns, row, seen), row.line)
                except InvalidInput as error:
                    reason = str(error)
            if reason is not None:
                reject(row, reason)
                chunk.rejected += 1
            if number % _BREATH_ROWS == 0:
                await asyncio.sleep(0)
            if number % self._chunk_rows == 0:
                yield chunk
                chunk = _Chunk()
        if chunk.people or chunk.rejected:
            yield chunk

    def _parse(self, columns: Sequence[str], row: Row, seen: "_SeenAddresses") -> PersonDraft:
        """Return the person in a row. Raises InvalidInput."""
        person = parse_person(dict(zip(columns, row.cells, strict=True)), self._clock.now())
        first = seen.add(person.email, row.line)
        if first is not None:
            detail = f"is the address of line {first} as well, which was taken"
            raise InvalidInput([FieldProblem("email", detail)])
        return person

    async def _store_chunk(self, columns: Sequence[str], chunk: _Chunk) -> ImportCounts:
        now = self._clock.now()
        await self._planner.prepare(self._store, now)
        zones = {person.timezone for person in chunk.people}

        async def work(session: Session) -> int:
            changes = await session.users.upsert_many(chunk.people, now, columns)
            new = [user_id for user_id, is_new in changes if is_new]
            changed = [user_id for user_id, is_new in changes if not is_new]
            if new:
                await self._planner.plan_new(session, new, zones, now)
            if changed:
                await self._planner.replan(session, changed, zones, now)
            return len(new)

        imported = await self._store.in_transaction(work) if chunk.people else 0
        return chunk.counts(imported)


class _SeenAddresses:
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
        digest = blake2b(_folded(address).encode(), digest_size=self._DIGEST).digest()
        bucket = self._buckets[int.from_bytes(digest[:2], "big")]
        at = bucket.find(digest)
        if at >= 0:
            end = at + self._DIGEST
            return int.from_bytes(bucket[end : end + self._LINE], "big")
        bucket += digest + line.to_bytes(self._LINE, "big")
        return None


def _folded(address: str) -> str:
    """Return what two addresses share if any PostgreSQL, in any locale, may take them for one.

    Were one chunk to hold both, the statement would fail; so letters that only some locales take
    for the same (the Turkish i with and without its dot, the two small sigmas) count as the same.
    """
    if address.isascii():
        return address.lower()
    return address.casefold().replace("\u0131", "i").replace("\u0307", "")
