"""A database with nothing in it, and a plain connection to a migrated one."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import asyncpg
import pytest

from heyday.db.types import AnyConnection
from tests.postgres import Administrator, database_at


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
