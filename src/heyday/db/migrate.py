"""Bring a database to the schema of this version: migrations, then partitions.

Alembic and SQLAlchemy take half a second to import, and most commands have no need of them: they
stand in db/alembic_runner.py, which is imported where a migration is run.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg

from heyday.db import partitions
from heyday.db.connection import PATIENCE, connect, explained
from heyday.db.types import AnyConnection
from heyday.domain.errors import ConfigurationError

MONTHS_AHEAD = 12
UNMIGRATED = "the database has not the schema of this version; run: heyday db migrate"

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


async def upgrade(url: str, now: datetime) -> int:
    """Run all migrations that are missing and create partitions; return how many of those.

    Several processes may call it at once: the second waits, and finds nothing to do.
    """
    from heyday.db import alembic_runner  # noqa: PLC0415 - see above

    await alembic_runner.upgrade(url)
    return await create_partitions(url, now, MONTHS_AHEAD)


async def generate(url: str, message: str) -> None:
    """Write a migration that takes the database to db/schema.py."""
    from heyday.db import alembic_runner  # noqa: PLC0415 - see above

    await alembic_runner.generate(url, message)


async def push(url: str) -> None:
    """Create missing tables without a migration. For development only."""
    from heyday.db import alembic_runner  # noqa: PLC0415 - see above

    await alembic_runner.push(url)


async def reset(url: str, now: datetime) -> None:
    """Throw all data away and migrate anew."""
    async with _connected(url) as connection:
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await upgrade(url, now)


async def is_current(url: str, patience: timedelta = PATIENCE) -> bool:
    """Tell whether the database has the schema of this version. Raises DatabaseUnavailable."""
    async with _connected(url, patience) as connection:
        try:
            version = await connection.fetchval("SELECT version_num FROM alembic_version")
        except asyncpg.UndefinedTableError:
            return False
        return bool(version == newest_revision())


def newest_revision() -> str:
    """Return the newest revision: files are named by it, in order."""
    return max(path.name.partition("_")[0] for path in _VERSIONS.glob("*_*.py"))


async def create_partitions(url: str, now: datetime, months: int) -> int:
    """Create the partitions of this month and of `months` ahead; return how many were missing."""
    async with _migrated(url) as connection:
        return await partitions.create_ahead(connection, now, months)


async def list_droppable(url: str, now: datetime, months: int) -> list[str]:
    """Return the partitions that ended at least `months` whole months ago."""
    async with _migrated(url) as connection:
        return await partitions.list_older(connection, now, months)


async def drop_partitions(url: str, now: datetime, months: int) -> list[str]:
    """Drop those partitions; return their names."""
    async with _migrated(url) as connection:
        return await partitions.drop_older(connection, now, months)


@asynccontextmanager
async def _connected(url: str, patience: timedelta = PATIENCE) -> AsyncIterator[AnyConnection]:
    """Lend a connection of its own. Raises DatabaseUnavailable, DatabaseError."""
    with explained():
        connection = await connect(url, patience)
        try:
            yield connection
        finally:
            await connection.close()


@asynccontextmanager
async def _migrated(url: str) -> AsyncIterator[AnyConnection]:
    """Lend a connection. Raises ConfigurationError where the tables are missing."""
    async with _connected(url) as connection:
        try:
            yield connection
        except asyncpg.UndefinedTableError:
            raise ConfigurationError(UNMIGRATED) from None
