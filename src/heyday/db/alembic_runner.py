"""Run Alembic, on connections of ours. Imported by db/migrate.py alone, and late."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from heyday.db.connection import connect
from heyday.db.schema import metadata
from heyday.domain.errors import DatabaseError

T = TypeVar("T")

MIGRATIONS = Path(__file__).parent / "migrations"

_PARTITION = re.compile(r".+_y\d{4}m\d{2}(_.+)?|.+_default(_.+)?")
# Any number serves, as long as every process that migrates takes the same one.
_LOCK = 7_393_002


def is_ours(_object: object, name: str | None, _kind: str, *_rest: object) -> bool:
    """Tell Alembic to leave partitions alone: db/partitions.py makes them."""
    return not (name and _PARTITION.fullmatch(name))


async def upgrade(url: str) -> None:
    """Run all migrations that are missing, in one transaction, one process after another."""

    def run(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        command.upgrade(config_for(connection), "head")

    await with_connection(url, run)


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

    return await with_connection(url, run)


async def generate(url: str, message: str) -> None:
    """Write a migration that takes the database to db/schema.py."""

    def run(connection: Connection) -> None:
        command.revision(config_for(connection), message, autogenerate=True)

    await with_connection(url, run)


async def push(url: str) -> None:
    """Create missing tables without a migration. For development only."""
    await with_connection(url, metadata.create_all)


def config_for(connection: Connection) -> Config:
    """Return Alembic's settings for a connection that is open."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


async def with_connection(url: str, run: Callable[[Connection], T]) -> T:
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
