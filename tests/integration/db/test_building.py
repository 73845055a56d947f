"""Building indexes beside those who write, also where an attempt before was broken off."""

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection

from heyday.db import alembic_runner, migrate, partitions
from heyday.db.building import build_index
from heyday.db.locking import Blocked
from heyday.db.types import AnyConnection
from tests.chaos.waiting import wait_until
from tests.postgres import MIGRATED_AT

INDEX = """
SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)
"""
# Partitions of message_logs, and those whose index hangs on the one of all.
HANGING = """
SELECT (SELECT count(*) FROM pg_inherits WHERE inhparent = 'message_logs'::regclass),
       (SELECT count(*) FROM pg_inherits WHERE inhparent = 'idx_message_logs_x'::regclass)
"""
PERSON = """
INSERT INTO users (first_name, last_name, email, timezone)
VALUES ('Ada', 'Lovelace', $1, 'UTC')
"""


async def build(url: str, name: str, table: str, definition: str) -> None:
    """Build as a migration does that is no transaction."""

    def go(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            build_index(name, table, definition)

    await alembic_runner.with_connection(url, go, is_transaction=False)


async def is_begun(connection: AnyConnection) -> bool:
    return await connection.fetchval(INDEX, "idx_x") is not None


async def test_writers_do_not_wait_for_an_index(
    database_url: str, connection: AnyConnection
) -> None:
    # A transaction that has written, and lasts: the index waits for its end, and others write on.
    other = await asyncpg.connect(database_url)
    async with asyncio.timeout(20):
        async with other.transaction():
            await other.execute(PERSON, "first@example.com")
            building = asyncio.create_task(build(database_url, "idx_x", "users", "(last_name)"))
            await wait_until(lambda: is_begun(connection), 15, "the beginning of the index")
            await connection.execute(PERSON, "second@example.com")
            assert not building.done()
        await building
    await other.close()
    assert await connection.fetchval(INDEX, "idx_x")


async def test_what_an_attempt_left_behind_is_built_anew(
    database_url: str, connection: AnyConnection
) -> None:
    for email in ("ada@example.com", "ada@example.net"):
        await connection.execute(PERSON, email)
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("CREATE UNIQUE INDEX CONCURRENTLY idx_x ON users (last_name)")
    assert await connection.fetchval(INDEX, "idx_x") is False
    for _ in range(2):
        await build(database_url, "idx_x", "users", "(last_name)")
        assert await connection.fetchval(INDEX, "idx_x")


async def test_each_partition_has_it_also_one_that_comes_later(
    database_url: str, connection: AnyConnection
) -> None:
    # One that was built and not handed over, as after a kill in between.
    await connection.execute("CREATE INDEX idx_message_logs_x ON ONLY message_logs (language)")
    await connection.execute(
        "CREATE INDEX idx_message_logs_x_y2027m02 ON message_logs_y2027m02 (language)"
    )
    await partitions.create_ahead(connection, datetime(2029, 1, 1, tzinfo=UTC), 0)
    for _ in range(2):
        await build(database_url, "idx_message_logs_x", "message_logs", "(language)")
        has, hanging = await connection.fetchrow(HANGING) or (0, 1)
        assert has == hanging > 14
        assert await connection.fetchval(INDEX, "idx_message_logs_x")


async def test_handing_an_index_over_waits_for_nobody_for_long(
    database_url: str, connection: AnyConnection
) -> None:
    months = "message_logs_y2027m02"
    await connection.execute("CREATE INDEX idx_message_logs_x ON ONLY message_logs (language)")
    await connection.execute(f"CREATE INDEX idx_message_logs_x_y2027m02 ON {months} (language)")
    async with asyncio.timeout(20):
        # Who has read the partition keeps its indexes as they are, for as long as it takes.
        async with connection.transaction():
            await connection.execute(f"SELECT FROM {months}")
            with pytest.raises(Blocked):
                await build(database_url, "idx_message_logs_x", "message_logs", "(language)")
        await build(database_url, "idx_message_logs_x", "message_logs", "(language)")
    assert await connection.fetchval(INDEX, "idx_message_logs_x")


MIGRATION = '''"""Find people by their city."""

from heyday.db.building import build_index

revision = "9998"
down_revision = "{newest}"
is_transaction = False


def upgrade():
    build_index("idx_x", "users", "(location_city)")
'''


async def test_a_migration_that_is_no_transaction_goes_on_where_it_was_broken_off(
    database_url: str,
    connection: AnyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scripts = tmp_path / "migrations"
    shutil.copytree(alembic_runner.MIGRATIONS, scripts)
    text = MIGRATION.format(newest=migrate.newest_revision())
    (scripts / "versions" / "9998_cities.py").write_text(text, "utf-8")
    monkeypatch.setattr(alembic_runner, "MIGRATIONS", scripts)
    other = await asyncpg.connect(database_url)
    async with asyncio.timeout(30):
        async with other.transaction():
            await other.execute(PERSON, "first@example.com")
            upgrading = asyncio.create_task(migrate.upgrade(database_url, MIGRATED_AT))
            await wait_until(lambda: is_begun(connection), 20, "the beginning of the index")
            upgrading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await upgrading
        await other.close()
        assert await connection.fetchval("SELECT version_num FROM alembic_version") != "9998"
        await migrate.upgrade(database_url, MIGRATED_AT)
    assert await connection.fetchval(INDEX, "idx_x")
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == "9998"
