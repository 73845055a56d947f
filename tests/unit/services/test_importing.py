"""What ImportService takes, what it refuses, and in which order it tells so."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Sequence,
)
from datetime import datetime
from types import SimpleNamespace
from typing import TypeVar, cast
from uuid import UUID

import pytest

from heyday.domain.errors import DatabaseUnavailable, InvalidInput
from heyday.domain.people_tables import PersonFields, StoredPeople
from heyday.domain.ports import Session, Store
from heyday.domain.timezone import month_day_of
from heyday.services.import_rows import ImportCounts, Row, SuspiciousDate
from heyday.services.importing import ImportService
from heyday.services.planning import Planner  # noqa: TC001 - cast() names it
from tests.fakes import FakeClock

T = TypeVar("T")

NEAR = 1210
COLUMNS = ("first_name", "last_name", "email", "timezone", "birthday_date")


class Memory:
    """Keep people by address, and remember what was asked for, in order."""

    def __init__(self) -> None:
        self.people: dict[str, PersonFields] = {}
        self.log: list[str] = []
        self.columns: Collection[str] = ()
        self.broken_after: int | None = None
        self.gate: asyncio.Event | None = None

    @property
    def users(self) -> "Memory":
        return self

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        yield cast("Session", self)

    async def in_transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        if self.gate:
            await self.gate.wait()
        if self.broken_after is not None and len(self.people) >= self.broken_after:
            raise DatabaseUnavailable("gone")
        return await work(cast("Session", self))

    async def upsert_many(
        self,
        people: Sequence[PersonFields],
        _now: datetime,
        columns: Collection[str],
        near: Collection[int],
    ) -> StoredPeople:
        """As the real one: addresses differ, and the unchanged are not in the answer."""
        self.columns = columns
        self.log.append(f"store {len(people)}")
        ids: dict[tuple[bool, bool], list[UUID]] = defaultdict(list)
        zones: dict[bool, set[str]] = defaultdict(set)
        for person in people:
            key = person.email.lower()
            if self.people.get(key) != person:
                is_new, born_on = key not in self.people, person.birthday_date
                is_near = born_on is not None and month_day_of(born_on) in near
                ids[is_new, is_near].append(UUID(int=abs(hash(key))))
                if is_near:
                    zones[is_new].add(person.timezone)
            self.people[key] = person
        return StoredPeople(
            new=ids[True, True] + ids[True, False],
            new_near=ids[True, True],
            new_zones=zones[True],
            changed_near=ids[False, True],
            changed_zones=zones[False],
            changed_others=ids[False, False],
        )


class Plans:
    """Remember for how many people plans were asked."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    async def prepare(self, _store: object, _now: datetime) -> None:
        pass

    def month_days_near(self, _now: datetime) -> frozenset[int]:
        return frozenset({NEAR})

    async def plan_new(
        self, _session: object, ids: Sequence[UUID], zones: Iterable[str], _now: datetime
    ) -> None:
        self.memory.log.append(f"plan {len(ids)} in {','.join(sorted(zones))}")

    async def replan(
        self, _session: object, ids: Sequence[UUID], zones: Iterable[str], _now: datetime
    ) -> None:
        self.memory.log.append(f"replan {len(ids)} in {','.join(sorted(zones))}")

    async def cancel(self, _session: object, ids: Sequence[UUID], _now: datetime) -> None:
        self.memory.log.append(f"cancel {len(ids)}")


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def rejected() -> list[tuple[int, str]]:
    return []


def row(line: int, **fields: str) -> Row:
    person = {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": f"ada{line}@example.com",
        "timezone": "Europe/London",
        "birthday_date": "1985-12-10",
        **fields,
    }
    return Row(line, [person[name] for name in COLUMNS])


def one_by_one(rows: Iterable[Row]) -> Iterator[list[Row]]:
    return ([row] for row in rows)


async def run(
    memory: Memory,
    rows: Iterable[Row],
    rejected: list[tuple[int, str]] | None = None,
    chunk_rows: int = 2,
    told: list[ImportCounts] | None = None,
) -> list[ImportCounts]:
    """Import, and return what was told after each chunk."""
    told = [] if told is None else told

    def reject(row: Row, reason: str) -> None:
        memory.log.append(f"reject {row.line}")
        if rejected is not None:
            rejected.append((row.line, reason))

    planner = cast("Planner", Plans(memory))
    service = ImportService(cast("Store", memory), planner, FakeClock(), chunk_rows)
    async for counts in service.run(COLUMNS, one_by_one(rows), reject):
        told.append(counts)
    return told


async def test_rows_become_people_with_their_plans_chunk_by_chunk(memory: Memory):
    told = await run(memory, [row(2), row(3, timezone="Asia/Tokyo"), row(4)])
    assert told == [ImportCounts(imported=2), ImportCounts(imported=3)]
    assert memory.log == [
        "store 2",
        "plan 2 in Asia/Tokyo,Europe/London",
        "store 1",
        "plan 1 in Europe/London",
    ]
    assert memory.people["ada3@example.com"].timezone == "Asia/Tokyo"
    assert memory.columns == COLUMNS


async def test_who_is_there_counts_as_updated_and_is_replanned_only_if_changed(memory: Memory):
    await run(memory, [row(2), row(3)])
    memory.log.clear()
    told = await run(memory, [row(2), row(3, birthday_date="1990-12-10", timezone="Asia/Tokyo")])
    assert told == [ImportCounts(updated=2, unchanged=1)]
    assert memory.log == ["store 2", "replan 1 in Asia/Tokyo"]


async def test_whose_day_is_not_near_is_not_planned_and_loses_what_was(memory: Memory):
    far = {"birthday_date": "1990-07-01", "timezone": "Asia/Tokyo"}
    await run(memory, [row(2, **far), row(3)])
    assert memory.log == ["store 2", "plan 1 in Europe/London"]
    memory.log.clear()
    await run(memory, [row(2, first_name="Eda", **far), row(3, **far)])
    assert memory.log == ["store 2", "cancel 2"]


async def test_a_wrong_row_is_told_with_every_field_and_costs_no_other(
    memory: Memory, rejected: list[tuple[int, str]]
):
    told = await run(memory, [row(2), row(3, first_name="", timezone="Mars/Base")], rejected)
    assert told == [ImportCounts(imported=1, rejected=1)]
    ((line, reason),) = rejected
    assert line == 3
    assert "first_name: is required" in reason
    assert "timezone: is not an IANA time zone" in reason


async def test_the_fault_of_a_row_that_cannot_be_read_is_its_reason(
    memory: Memory, rejected: list[tuple[int, str]]
):
    told = await run(memory, [Row(2, ["half a row"], "has 1 field")], rejected)
    assert told == [ImportCounts(rejected=1)]
    assert rejected == [(2, "has 1 field")]
    assert memory.people == {}


async def test_of_two_rows_with_one_address_the_later_is_refused_naming_the_first(
    memory: Memory, rejected: list[tuple[int, str]]
):
    rows = [row(2, email="Ada@example.com"), row(3), row(4, email="ada@EXAMPLE.com")]
    assert (await run(memory, rows, rejected))[-1] == ImportCounts(imported=2, rejected=1)
    ((line, reason),) = rejected
    assert line == 4
    assert "email: is the address of line 2" in reason


async def test_a_refused_row_does_not_keep_its_address_from_a_right_one(memory: Memory):
    rows = [row(2, email="ada@example.com", first_name=""), row(3, email="ada@example.com")]
    assert (await run(memory, rows))[-1] == ImportCounts(imported=1, rejected=1)


async def test_rejections_are_told_before_the_rows_of_their_chunk_are_stored(memory: Memory):
    await run(memory, [row(2), row(3, first_name=""), row(4), row(5, first_name="")])
    told = memory.log
    assert told.index("reject 3") < told.index("store 1")
    assert told.index("reject 5") < len(told) - 1 - told[::-1].index("store 1")


async def test_suspicious_dates_are_stored_counted_and_named(memory: Memory):
    rows = [
        row(2, birthday_date="1900-01-01"),
        row(3),
        row(4, birthday_date="1970-01-01", first_name=""),
        row(5, birthday_date="1970-01-01"),
    ]
    told = await run(memory, rows)
    first, second = SuspiciousDate(2, "birthday_date"), SuspiciousDate(5, "birthday_date")
    assert told == [
        ImportCounts(imported=2, suspicious=1, suspicious_dates=(first,)),
        ImportCounts(imported=3, rejected=1, suspicious=2, suspicious_dates=(first, second)),
    ]
    assert str(memory.people["ada5@example.com"].birthday_date) == "1970-01-01"


async def test_of_many_suspicious_dates_only_the_first_are_kept(memory: Memory):
    rows = (row(line, birthday_date="1970-01-01") for line in range(2, 202))
    told = await run(memory, rows, chunk_rows=7)
    assert told[-1].suspicious == 200
    assert [found.line for found in told[-1].suspicious_dates] == list(range(2, 12))
    assert all(len(counts.suspicious_dates) <= 10 for counts in told)


async def test_nothing_to_store_is_no_transaction(memory: Memory):
    memory.broken_after = 0
    assert await run(memory, [row(2, first_name=""), row(3, first_name="")]) == [
        ImportCounts(rejected=2)
    ]
    assert await run(memory, []) == []


async def test_what_was_stored_when_the_database_went_away_was_told(memory: Memory):
    memory.broken_after = 4
    told: list[ImportCounts] = []
    with pytest.raises(DatabaseUnavailable):
        await run(memory, map(row, range(2, 20)), told=told)
    assert told == [ImportCounts(imported=2), ImportCounts(imported=4)]
    assert len(memory.people) == 4


async def test_leaving_early_leaves_no_chunk_behind(memory: Memory):
    memory.gate = asyncio.Event()
    planner = cast("Planner", Plans(memory))
    service = ImportService(cast("Store", memory), planner, FakeClock(), 1)
    chunks = service.run(COLUMNS, one_by_one(map(row, range(2, 9))), lambda *_: None)
    waiting = asyncio.ensure_future(anext(chunks))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    await chunks.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert memory.people == {}


async def test_rows_are_read_as_they_are_needed(memory: Memory):
    """A million rows must not be in memory at once: only what is checked and being stored."""
    memory.gate = asyncio.Event()
    lines = iter(range(2, 102))
    importing_all = asyncio.ensure_future(run(memory, map(row, lines), chunk_rows=10))
    for _ in range(1000):
        await asyncio.sleep(0)
    assert next(lines) == 2 + 30
    memory.gate.set()
    assert (await importing_all)[-1] == ImportCounts(imported=99)


async def test_wrong_columns_are_refused_before_any_row_is_read(memory: Memory):
    service = ImportService(cast("Store", memory), cast("Planner", SimpleNamespace()), FakeClock())
    with pytest.raises(InvalidInput):
        await anext(service.run(["email"], one_by_one([row(2)]), lambda *_: None))
    assert memory.log == []
