"""Bring a population into `users` by COPY, in one transaction."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from asyncpg import Record

from heyday.db import queries
from heyday.db.seeding.population import COLUMNS, Population
from heyday.db.types import AnyConnection

_SQL = queries.load("seeding")
# Of COPY's binary form: signature, flags and length of an extension; the end.
_FIRST = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_LAST = b"\xff\xff"

Progress = Callable[[str, int], None]
"""Is told what is being done, and how many people were sent since the last time."""


@dataclass(frozen=True, slots=True)
class CopyReport:
    """Count the people added, and those of the same seed number who were there already."""

    added: int
    present: int


async def copy_population(
    connection: AnyConnection, population: Population, count: int, progress: Progress
) -> CopyReport:
    """Add `count` people, unless some of the population are there already.

    All or nothing. In an empty table the indexes are dropped first and made again at the end,
    which takes a third of the time; no transaction sees the table without them, and a crash
    undoes everything. Nobody else can use the table meanwhile.
    """
    async with connection.transaction():
        present = await connection.fetchval(
            _SQL["count_population"].text, *population.first_and_last_id
        )
        if present:
            return CopyReport(0, present)
        indexes = await _drop_indexes(connection)
        await connection.copy_to_table(
            "users", source=_rows(population, count, progress), columns=COLUMNS, format="binary"
        )
        await connection.execute(_SQL["sort_in_memory"].text)
        for index in indexes:
            progress(f"building {index['name']}", 0)
            await connection.execute(index["make"])
        progress("analysing", 0)
        await connection.execute(_SQL["analyze_users"].text)
    progress("vacuuming", 0)
    await connection.execute(_SQL["vacuum_users"].text)
    return CopyReport(count, 0)


async def _rows(population: Population, count: int, progress: Progress) -> AsyncGenerator[bytes]:
    yield _FIRST
    for size, rows in population.chunks(count):
        yield rows
        progress("copying people", size)
    yield _LAST


async def _drop_indexes(connection: AnyConnection) -> list[Record]:
    """Drop the indexes of an empty table; return how to make them again."""
    if await connection.fetchval(_SQL["any_users"].text):
        return []
    await connection.execute(_SQL["lock_users"].text)
    if await connection.fetchval(_SQL["any_users"].text):
        return []
    indexes = await connection.fetch(_SQL["list_indexes"].text)
    for index in indexes:
        await connection.execute(index["drop"])
    return indexes
