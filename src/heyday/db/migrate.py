"""Bring a database to the schema of this version: migrations, then partitions.

Alembic and SQLAlchemy take half a second to import, and most commands have no need of them: they
stand in db/alembic_runner.py, which is imported where a migration is run.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import asyncpg
import structlog
from asyncpg.transaction import Transaction

from heyday.db import partitions, queries
from heyday.db.connection import PATIENCE as CONNECT_PATIENCE
from heyday.db.connection import connect, explained
from heyday.db.locking import (
    LOOK_EVERY,
    Patience,
    Watch,
    blocked,
    list_sessions,
    shown,
    until_unlocked,
)
from heyday.db.migration_plan import Plan, Step, read_sizes
from heyday.db.types import AnyConnection
from heyday.domain.condition_ports import is_behind
from heyday.domain.errors import ConfigurationError

log = structlog.get_logger()

MONTHS_AHEAD = 12
UNMIGRATED = "the database has not the schema of this version; run: heyday db migrate"

PATIENCE = Patience()

# Any number serves, as long as every process that migrates takes the same one.
_LOCK = 7_393_002
# The turn is idle while others work, and tells those who wait whose it is.
_WHILE_IT_LASTS = """
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL application_name = 'heyday db migrate'
"""
_QUERIES = queries.load("migrations")
_VERSIONS = Path(__file__).parent / "migrations" / "versions"


async def upgrade(url: str, now: datetime, patience: Patience = PATIENCE) -> int:
    """Run all migrations that are missing and create partitions; return how many of those.

    Each migration commits by itself. Several processes may call it at once: the second waits, and
    finds nothing to do. A database that a newer release has migrated is left as it is.
    Raises SchemaBusy when a lock could not be had for so long; what was done by then stays.
    """
    from heyday.db import alembic_runner  # noqa: PLC0415 - see above

    async with _connected(url) as looking, _turn(url, looking):
        revision, missing = await alembic_runner.read_schema(url)
        for migration in missing:
            work = partial(alembic_runner.run, url, migration, patience)
            watch = Watch(looking, f"migration {migration.revision}")
            await until_unlocked(work, watch, patience)
            # Of a database that was empty there is nothing to tell.
            if revision:
                log.info("migrated", revision=migration.revision, title=migration.title)
        create = partial(_create_ahead, url, now, patience)
        return await until_unlocked(create, Watch(looking, "the creation of partitions"), patience)


async def plan(url: str) -> Plan:
    """Return what `upgrade` would run, and how large the tables are; change nothing."""
    from heyday.db import alembic_runner  # noqa: PLC0415 - see above

    revision, missing = await alembic_runner.read_schema(url)
    async with _connected(url) as connection:
        sizes = await read_sizes(connection, missing)
    return Plan(revision, newest_revision(), [Step(each, sizes, revision) for each in missing])


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


async def is_current(url: str, patience: timedelta = CONNECT_PATIENCE) -> bool:
    """Tell whether the database has the schema of this version, or a newer one, which serves both.

    Raises DatabaseUnavailable.
    """
    async with _connected(url, patience) as connection:
        try:
            revision = await connection.fetchval("SELECT version_num FROM alembic_version")
        except asyncpg.UndefinedTableError:
            return False
        return not is_behind(revision, newest_revision())


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
async def _connected(
    url: str, patience: timedelta = CONNECT_PATIENCE
) -> AsyncIterator[AnyConnection]:
    """Lend a connection of its own. Raises DatabaseUnavailable, DatabaseError."""
    with explained():
        connection = await connect(url, patience)
        try:
            yield connection
        finally:
            await connection.close()


@asynccontextmanager
async def _turn(url: str, looking: AnyConnection) -> AsyncIterator[None]:
    """Be the only one who migrates, as soon as nobody else does.

    It lasts as long as a transaction, which every pooler leaves at one server, and is asked for
    again and again: one that waited in PostgreSQL would hold a snapshot, for whose end an index
    that is built beside writers waits.
    """
    async with _connected(url) as connection:
        transaction = await _take_turn(connection, looking)
        try:
            yield
        except BaseException:
            await transaction.rollback()
            raise
        # By now there is an audit log, and this is what notes the deed there.
        await transaction.commit()


async def _take_turn(connection: AnyConnection, looking: AnyConnection) -> Transaction:
    told: set[int] = set()
    while True:
        transaction = connection.transaction()
        await transaction.start()
        if await connection.fetchval(_QUERIES["take_turn"].text, _LOCK):
            # It also closes the portal of that question, and with it the snapshot that it held.
            await connection.execute(_WHILE_IT_LASTS)
            return transaction
        await transaction.rollback()
        found = await list_sessions(looking, "turn_of", _LOCK)
        if told != (told := {each.pid for each in found}):
            log.info("migration_waits", what="this upgrade", behind=shown(found))
        await asyncio.sleep(LOOK_EVERY)


async def _create_ahead(
    url: str, now: datetime, patience: Patience, begin: Callable[[int], None]
) -> int:
    async with _connected(url) as connection:
        with blocked():
            async with connection.transaction():
                await connection.execute(patience.statement)
                begin(await connection.fetchval("SELECT pg_backend_pid()"))
                return await partitions.create_ahead(connection, now, MONTHS_AHEAD)


@asynccontextmanager
async def _migrated(url: str) -> AsyncIterator[AnyConnection]:
    """Lend a connection. Raises ConfigurationError where the tables are missing."""
    async with _connected(url) as connection:
        try:
            yield connection
        except asyncpg.UndefinedTableError:
            raise ConfigurationError(UNMIGRATED) from None
