"""Bring a database to the schema of this version: migrations, then partitions."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from heyday.db import partitions
from heyday.db.connection import PATIENCE, connect, explained
from heyday.db.schema import metadata
from heyday.db.types import AnyConnection
from heyday.domain.errors import ConfigurationError, DatabaseError

T = TypeVar("T")

MONTHS_AHEAD = 12
UNMIGRATED = "the database has not the schema of this version; run: heyday db migrate"

_MIGRATIONS = Path(__file__).parent / "migrations"
_PARTITION = re.compile(r".+_y\d{4}m\d{2}(_.+)?")
# Any number serves, as long as every process that migrates takes the same one.
_LOCK = 7_393_002


def is_ours(_object: object, name: str | None, _kind: str, *_rest: object) -> bool:
    """Tell Alembic to leave partitions alone: db/partitions.py makes them."""
    return not (name and _PARTITION.fullmatch(name))


async def upgrade(url: str, now: datetime) -> int:
    """Run all migrations that are missing and create partitions; return how many of those.

    Several processes may call it at once: the second waits, and finds nothing to do.
    """

    def run(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        command.upgrade(_config(connection), "head")

    await _with_connection(url, run)
    return await create_partitions(url, now, MONTHS_AHEAD)


async def is_current(url: str, patience: timedelta = PATIENCE) -> bool:
    """Tell whether the database has the schema of this version. Raises DatabaseUnavailable."""
    async with _connected(url, patience) as connection:
        try:
            version = await connection.fetchval("SELECT version_num FROM alembic_version")
        except asyncpg.UndefinedTableError:
            return False
        return bool(version == _newest())


def _newest() -> str:
    """Return the newest revision: files are named by it, in order."""
    return max(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("*_*.py"))


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


async def find_drift(url: str) -> list[Any]:
    """Return what separates the database from db/schema.py, as Alembic's operations."""

    def run(connection: Connection) -> list[Any]:
        options = {
            "include_object": is_ours,
            "compare_type": True,
            "compare_server_default": True,
        }
        return list(
            compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        )

    return await _with_connection(url, run)


async def generate(url: str, message: str) -> None:
    """Write a migration that takes the database to db/schema.py."""

    def run(connection: Connection) -> None:
        command.revision(_config(connection), message, autogenerate=True)

    await _with_connection(url, run)


async def push(url: str) -> None:
    """Create missing tables without a migration. For development only."""
    await _with_connection(url, metadata.create_all)


async def reset(url: str, now: datetime) -> None:
    """Throw all data away and migrate anew."""

    def run(connection: Connection) -> None:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))

    await _with_connection(url, run)
    await upgrade(url, now)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


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


async def _with_connection(url: str, run: Callable[[Connection], T]) -> T:
    """Call `run` in one transaction on a connection of its own.

    SQLAlchemy gets the connection ready-made: it reads URLs otherwise than asyncpg does.
    Raises DatabaseUnavailable, DatabaseError.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: connect(url), poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(run)
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        raise DatabaseError(
            f"PostgreSQL refused a statement (SQLSTATE {state}); its own log says more"
        ) from None
    finally:
        await engine.dispose()
