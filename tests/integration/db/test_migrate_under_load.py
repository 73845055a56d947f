"""Migrating while others use the tables: nobody waits long, and who is in the way is named."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from alembic import command
from sqlalchemy import Connection
from structlog.testing import capture_logs
from structlog.typing import EventDict

from heyday.db import alembic_runner, migrate
from heyday.db.locking import Patience
from heyday.db.types import AnyConnection
from heyday.domain.audit import Actor, ActorKind, Deed, doing
from heyday.domain.errors import SchemaBusy
from tests.chaos.waiting import wait_until

NOW = datetime(2027, 1, 31, 12, tzinfo=UTC)
OLD = "0018"
HASTY = Patience(
    lock=timedelta(milliseconds=400),
    pause=timedelta(milliseconds=20),
    longest_pause=timedelta(milliseconds=50),
    total=timedelta(seconds=2),
)
PATIENT = Patience(lock=HASTY.lock, pause=HASTY.pause, longest_pause=HASTY.longest_pause)
SECRET = "nobody's business"
READ = "SELECT $$nobody's business$$ FROM message_logs"


@pytest.fixture
async def old_url(empty_database_url: str) -> str:
    """The URL of a database as an older release has left it."""

    def go(connection: Connection) -> None:
        command.upgrade(alembic_runner.config_for(connection), OLD)

    await alembic_runner.with_connection(empty_database_url, go)
    return empty_database_url


@pytest.fixture
async def other(old_url: str) -> AsyncIterator[AnyConnection]:
    """Somebody else's connection, with a name."""
    connection = await asyncpg.connect(old_url, server_settings={"application_name": "a report"})
    yield connection
    await connection.close()


async def told_of(logs: list[EventDict], what: str) -> bool:
    """Tell whether something is said to wait."""
    return any(each.get("what") == what for each in logs)


async def revision(connection: AnyConnection) -> str:
    return str(await connection.fetchval("SELECT version_num FROM alembic_version"))


async def test_what_waits_for_a_lock_keeps_nobody_waiting_and_gives_up_kindly(
    old_url: str, other: AnyConnection
) -> None:
    reader = await asyncpg.connect(old_url)
    async with other.transaction(), asyncio.timeout(30):
        pid = await other.fetchval("SELECT pg_backend_pid()")
        await other.execute(READ)
        with capture_logs() as logs:
            upgrading = asyncio.create_task(migrate.upgrade(old_url, NOW, HASTY))
            reads = 0
            while not upgrading.done():
                # Each would wait for as long as the other one does, behind one that waits with it.
                await reader.execute("SELECT FROM message_logs")
                reads += 1
        with pytest.raises(SchemaBusy) as told:
            await upgrading
    assert reads > 10
    assert "migration 0019 got no lock within 2 s, and changed nothing" in str(told.value)
    assert f"pid {pid} (a report, in a transaction for " in str(told.value)
    (waits,) = [each for each in logs if each["event"] == "migration_waits"]
    assert f"pid {pid} (a report" in waits["behind"][0]
    assert SECRET not in str(told.value) + str(logs)
    assert await revision(reader) == OLD
    await reader.close()


async def test_it_goes_on_as_soon_as_nobody_is_in_the_way(
    old_url: str, other: AnyConnection
) -> None:
    async with asyncio.timeout(30):
        with capture_logs() as logs:
            async with other.transaction():
                await other.execute("SELECT FROM message_logs")
                upgrading = asyncio.create_task(migrate.upgrade(old_url, NOW, PATIENT))
                await wait_until(lambda: told_of(logs, "migration 0019"), 20, "a line of it")
            await upgrading
    assert await migrate.is_current(old_url)
    done = [each["revision"] for each in logs if each["event"] == "migrated"]
    assert done[0] == "0019"
    assert done[-1] == migrate.newest_revision()


async def test_what_was_done_before_stays_done(old_url: str, other: AnyConnection) -> None:
    async with asyncio.timeout(30):
        async with other.transaction():
            await other.execute("SELECT FROM import_jobs")
            with pytest.raises(SchemaBusy, match="migration 0021 "):
                await migrate.upgrade(old_url, NOW, HASTY)
        assert await revision(other) == "0020"
        await migrate.upgrade(old_url, NOW, HASTY)
    assert await migrate.is_current(old_url)


async def test_partitions_wait_no_longer_either(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    later = NOW + timedelta(days=70)
    async with asyncio.timeout(30):
        async with connection.transaction():
            await connection.execute("LOCK TABLE audit_log_default IN ACCESS SHARE MODE")
            with pytest.raises(SchemaBusy, match="the creation of partitions "):
                await migrate.upgrade(database_url, later, HASTY)
        await connection.close()
        assert await migrate.upgrade(database_url, later, HASTY)


async def test_who_has_the_turn_is_told_to_who_waits_for_it(
    old_url: str, other: AnyConnection
) -> None:
    async with other.transaction(), asyncio.timeout(30):
        await other.execute("SELECT FROM message_logs")
        with capture_logs() as logs:
            both = [asyncio.create_task(migrate.upgrade(old_url, NOW, PATIENT)) for _ in range(2)]
            await wait_until(lambda: told_of(logs, "this upgrade"), 20, "a line of it")
        await other.execute("COMMIT; BEGIN")
        made = await asyncio.gather(*both)
    assert min(made) == 0 < max(made)
    (waits,) = [each for each in logs if each.get("what") == "this upgrade"]
    assert "heyday db migrate" in waits["behind"][0]


async def test_an_upgrade_is_noted_once_in_the_audit_log_also_where_that_is_new(
    empty_database_url: str,
) -> None:
    deed = Deed(Actor(ActorKind.CLI, "ada"), "database.migrate", is_write=True)
    with doing(deed):
        await asyncio.gather(*(migrate.upgrade(empty_database_url, NOW) for _ in range(2)))
    connection = await asyncpg.connect(empty_database_url)
    lines = await connection.fetch("SELECT actor_name, action FROM audit_log")
    await connection.close()
    assert [tuple(line) for line in lines] == [("ada", "database.migrate")]


async def test_a_plan_tells_what_is_missing_and_changes_nothing(
    old_url: str, other: AnyConnection
) -> None:
    # While somebody reads it, no lock that a migration needs could be had.
    async with other.transaction(), asyncio.timeout(30):
        await other.execute("SELECT FROM message_logs")
        plan = await migrate.plan(old_url)
    assert (plan.revision, plan.newest) == (OLD, migrate.newest_revision())
    assert [step.migration.revision for step in plan.steps][:2] == ["0019", "0020"]
    step = plan.steps[0]
    assert step.migration.title.startswith("Note over how many seconds")
    assert step.migration.locks == {"message_logs": "ACCESS EXCLUSIVE"}
    assert step.sizes["message_logs"] is not None
    assert step.is_safe
    assert await revision(other) == OLD
