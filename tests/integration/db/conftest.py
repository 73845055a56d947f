"""A plain connection, and workers' pools, to a migrated database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from heyday.db.connection import Database, PoolConfig
from heyday.db.types import AnyConnection

WORKERS = 4


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
