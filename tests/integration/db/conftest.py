"""A database with nothing in it; a plain connection, and workers' pools, to a migrated one."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from uuid import uuid4

import asyncpg
import pytest

from heyday.db.connection import Database, PoolConfig
from heyday.db.types import AnyConnection
from tests.postgres import Administrator, database_at

WORKERS = 4


@pytest.fixture
def empty_database_url(postgres_url: str, administrator: Administrator) -> Iterator[str]:
    """The URL of a database without any table."""
    name = f"heyday_empty_{uuid4().hex[:8]}"
    administrator.execute(f"CREATE DATABASE {name}")
    yield database_at(postgres_url, name)
    administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[AnyConnection]:
    """A connection to the test's own migrated database, as psql would open it."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def databases(database_url: str) -> AsyncIterator[list[Database]]:
    """The pools of as many workers."""
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(WORKERS):
            database = Database(PoolConfig(database_url, min_size=1, max_size=3))
            await database.open()
            stack.push_async_callback(database.close)
            found.append(database)
        yield found
