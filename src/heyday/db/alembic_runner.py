"""Run Alembic, on connections of ours. Imported by db/migrate.py alone, and late."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from heyday.db.connection import connect
from heyday.db.locking import UNDONE, Blocked, Patience
from heyday.db.migration import Migration
from heyday.db.schema import metadata
from heyday.domain.errors import DatabaseError
from heyday.domain.transactions import apart

T = TypeVar("T")

MIGRATIONS = Path(__file__).parent / "migrations"

_PARTITION = re.compile(r".+_y\d{4}m\d{2}(_.+)?|.+_default(_.+)?")
_UNDONE = {each.sqlstate for each in UNDONE}


def is_ours(_object: object, name: str | None, _kind: str, *_rest: object) -> bool:
    """Tell Alembic to leave partitions alone: db/partitions.py makes them."""
    return not (name and _PARTITION.fullmatch(name))


async def read_schema(url: str) -> tuple[str | None, Sequence[Migration]]:
    """Return the revision of a database, and what it lacks, in order.

    Nothing, where a newer release has migrated it: its revision is none of ours.
    Raises DatabaseError where it has a revision that no release has.
    """

    def look(connection: Connection) -> tuple[str | None, Sequence[Migration]]:
        revision = MigrationContext.configure(connection).get_current_revision()
        script = ScriptDirectory.from_config(config_for(connection))
        newest = script.get_current_head()
        if revision and newest and revision > newest:
            return revision, []
        try:
            missing = list(script.iterate_revisions("head", revision or "base"))
        except RevisionError:
            raise DatabaseError(
                f"the database says that it has revision {revision!r}, which no release of Heyday "
                "has; look at its table alembic_version"
            ) from None
        return revision, [Migration.of(each.revision, each.module) for each in reversed(missing)]

    # Where nothing was migrated there is no audit log to note this in, and nothing to note.
    with apart():
        return await with_connection(url, look)


async def run(
    url: str, migration: Migration, patience: Patience, begin: Callable[[int], None]
) -> None:
    """Run the next migration, and note that it was.

    begin: is told the session's process.   Raises Blocked where it got no lock; in a transaction,
    nothing is changed then.
    """

    def go(connection: Connection) -> None:
        if migration.is_transaction:
            connection.execute(text(patience.statement))
        begin(connection.scalars(text("SELECT pg_backend_pid()")).one())
        command.upgrade(config_for(connection), migration.revision)

    # Until all are done there may be no audit log: the whole is noted, by whoever has the turn.
    with apart():
        await with_connection(url, go, is_transaction=migration.is_transaction)


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


async def with_connection(
    url: str, work: Callable[[Connection], T], *, is_transaction: bool = True
) -> T:
    """Call `work` in one transaction on a connection of its own; else each statement by itself.

    SQLAlchemy gets the connection ready-made: it reads URLs otherwise than asyncpg does.
    Raises DatabaseUnavailable, DatabaseError; Blocked.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: connect(url), poolclass=NullPool
    )
    try:
        if is_transaction:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            return await connection.run_sync(work)
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state in _UNDONE:
            raise Blocked from None
        raise DatabaseError(
            f"PostgreSQL refused a statement (SQLSTATE {state}); its own log says more"
        ) from None
    finally:
        await engine.dispose()
