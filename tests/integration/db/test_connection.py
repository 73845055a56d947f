"""The pool outlives the server's bad days, and leaves nothing behind on a connection."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
import structlog
from asyncpg.pool import PoolConnectionProxy

from heyday.db import connection as connections
from heyday.db.connection import Database, PoolConfig
from heyday.db.types import AnyConnection
from heyday.domain.errors import DatabaseError, DatabaseUnavailable
from heyday.domain.ports import Session
from tests.factories import person

SOON = timedelta(seconds=0.2)
TERMINATE_ALL = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
STATE = "SELECT string_agg(name || '=' || setting, ', ' ORDER BY name) FROM pg_settings"
LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(PoolConfig(database_url, min_size=2, max_size=4))
    await database.open()
    yield database
    await database.close()


async def count_users(session: Session) -> int:
    return await session.users.count()


async def test_the_pool_serves_again_after_every_backend_was_ended(
    database: Database, connection: AnyConnection
) -> None:
    async with database.session() as one, database.session() as two:
        assert await one.users.count() == await two.users.count() == 0
    assert await connection.fetchval(TERMINATE_ALL) == 2
    # The pool may learn of it from the statement itself, and then says so; never twice.
    async with asyncio.timeout(5):
        for _ in range(3):
            try:
                assert await database.in_transaction(count_users) == 0
            except DatabaseUnavailable:
                continue
            break
        else:
            pytest.fail("the pool did not recover")
    async with database.session() as one, database.session() as two:
        assert await one.users.count() == await two.users.count() == 0


async def test_a_connection_that_breaks_in_use_is_explained(
    database: Database, connection: AnyConnection
) -> None:
    async def use() -> None:
        async with database.session() as session:
            await session.users.count()
            await connection.fetchval(TERMINATE_ALL)
            await session.users.count()

    with pytest.raises(DatabaseUnavailable, match="broke"):
        await use()


async def test_a_connection_known_to_be_broken_is_explained_too(
    database: Database, connection: AnyConnection
) -> None:
    async def use() -> None:
        async with database.connection() as lent:
            await connection.fetchval(TERMINATE_ALL)
            async with asyncio.timeout(5):
                while "released" not in repr(lent):
                    await connection.fetchval("SELECT 1")
            await lent.fetchval("SELECT 1")

    with pytest.raises(DatabaseUnavailable, match="broke"):
        await use()


async def test_a_transaction_whose_connection_breaks_is_not_run_again(
    database: Database, connection: AnyConnection
) -> None:
    runs = 0

    async def work(session: Session) -> None:
        nonlocal runs
        runs += 1
        await connection.fetchval(TERMINATE_ALL)
        await session.users.count()

    with pytest.raises(DatabaseUnavailable):
        await database.in_transaction(work)
    assert runs == 1


async def test_a_refusal_of_postgresql_is_an_error_of_ours(database: Database) -> None:
    with pytest.raises(DatabaseError) as caught:
        async with database.connection() as lent:
            await lent.execute("SELECT 1 / 0")
    assert not isinstance(caught.value, DatabaseUnavailable)
    assert "DivisionByZeroError" in str(caught.value)


async def test_a_refusal_does_not_tell_what_the_rows_hold(
    database: Database, connection: AnyConnection
) -> None:
    await connection.execute("CREATE TABLE secret (name text UNIQUE)")
    await connection.execute("INSERT INTO secret VALUES ('Lovelace')")
    with pytest.raises(DatabaseError) as caught:
        async with database.connection() as lent:
            await lent.execute("INSERT INTO secret VALUES ('Lovelace')")
    assert "Lovelace" not in str(caught.value)


async def test_a_server_that_is_away_is_named_with_the_kind_of_fault() -> None:
    database = Database(PoolConfig("postgresql://heyday@127.0.0.1:1/heyday", patience=SOON))
    with pytest.raises(DatabaseUnavailable) as caught:
        await database.open()
    assert str(caught.value) == (
        "no connection to PostgreSQL within 0.2 s (ConnectionRefusedError); "
        "check DATABASE_URL and that the server runs"
    )
    await database.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://heyday@host.invalid/heyday",
        "postgresql://heyday@127.0.0.1:notaport/heyday",
        "mysql://heyday@127.0.0.1/heyday",
    ],
)
async def test_an_address_that_leads_nowhere_is_explained(url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="check DATABASE_URL"):
        await connections.connect(url, SOON)


async def test_a_database_that_is_not_there_is_explained(database_url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="InvalidCatalogNameError"):
        await connections.connect(database_url + "_not", SOON)


async def test_the_address_in_an_error_holds_no_password() -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        await connections.connect("postgresql://heyday:secret@127.0.0.1:1/heyday", SOON)
    assert "secret" not in str(caught.value)


async def test_a_database_that_was_never_opened_says_so(database_url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="before it was opened"):
        async with Database(PoolConfig(database_url)).connection():
            pass


async def test_transactions_that_deadlock_both_succeed(
    database: Database, connection: AnyConnection
) -> None:
    await connection.execute("CREATE TABLE pair (id integer PRIMARY KEY, n integer DEFAULT 0)")
    await connection.execute("INSERT INTO pair (id) VALUES (1), (2)")
    first_lock = {1: asyncio.Event(), 2: asyncio.Event()}
    runs = 0

    async def transfer(session: Session, mine: int, other: int) -> None:
        nonlocal runs
        runs += 1
        add = "UPDATE pair SET n = n + 1 WHERE id = $1"
        lent = session.users._connection  # type: ignore[attr-defined]  # noqa: SLF001
        await lent.execute("SET LOCAL deadlock_timeout = '50ms'")
        await lent.execute(add, mine)
        first_lock[mine].set()
        await first_lock[other].wait()
        await lent.execute(add, other)

    async with asyncio.timeout(10):
        await asyncio.gather(
            database.in_transaction(lambda s: transfer(s, 1, 2)),
            database.in_transaction(lambda s: transfer(s, 2, 1)),
        )
    assert [row["n"] for row in await connection.fetch("SELECT n FROM pair")] == [2, 2]
    assert runs == 3


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    async def work(session: Session) -> None:
        lent = session.users._connection  # type: ignore[attr-defined]  # noqa: SLF001
        await lent.execute(
            "INSERT INTO users (first_name, last_name, email, timezone) VALUES ($1, $2, $3, $4)",
            *person().values(),
        )
        raise LookupError

    with pytest.raises(LookupError):
        await database.in_transaction(work)
    assert await database.in_transaction(count_users) == 0


@pytest.fixture
async def single(database_url: str) -> AsyncIterator[Database]:
    """A pool of one connection, so that every use gets the same."""
    database = Database(PoolConfig(database_url, min_size=1, max_size=1))
    await database.open()
    yield database
    await database.close()


async def test_the_pool_leaves_no_state_on_a_connection(single: Database) -> None:
    async with single.connection() as lent:
        before = await lent.fetchrow(f"SELECT pg_backend_pid(), ({STATE}), ({LOCKS})")

    async def planning(session: Session) -> None:
        await session.plans._plan_for_these_values()  # type: ignore[attr-defined]  # noqa: SLF001
        await session.plans.announce_due()
        lent = session.users._connection  # type: ignore[attr-defined]  # noqa: SLF001
        assert await lent.fetchval("SHOW plan_cache_mode") == "force_custom_plan"
        await lent.execute("SELECT pg_advisory_xact_lock(1)")

    await single.in_transaction(planning)
    async with single.connection() as lent:
        assert await lent.fetchrow(f"SELECT pg_backend_pid(), ({STATE}), ({LOCKS})") == before


async def test_a_task_that_is_cancelled_in_a_transaction_leaves_the_connection_clean(
    single: Database, connection: AnyConnection
) -> None:
    started = asyncio.Event()

    async def work(session: Session) -> None:
        lent = session.users._connection  # type: ignore[attr-defined]  # noqa: SLF001
        await lent.execute("CREATE TABLE half_done (id integer)")
        started.set()
        await lent.execute("SELECT pg_sleep(60)")

    task = asyncio.create_task(single.in_transaction(work))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with single.connection() as lent:
        assert isinstance(lent, PoolConnectionProxy)
        assert not lent.is_in_transaction()
        assert await lent.fetchval("SELECT to_regclass('half_done')") is None
    idle = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
    assert await connection.fetchval(idle) == 0


async def test_sessions_are_in_utc_without_jit_and_named(single: Database) -> None:
    async with single.connection() as lent:
        assert await lent.fetchval("SHOW timezone") == "UTC"
        assert await lent.fetchval("SHOW jit") == "off"
        assert await lent.fetchval("SHOW plan_cache_mode") == "force_custom_plan"
        assert await lent.fetchval("SHOW application_name") == "heyday"


async def test_statements_are_logged_without_values_if_asked(database_url: str) -> None:
    database = Database(PoolConfig(database_url, min_size=1, log_statements=True))
    await database.open()
    with structlog.testing.capture_logs() as logs:
        async with database.session() as session:
            await session.users.find(uuid4())
    await database.close()
    (entry,) = [entry for entry in logs if entry["event"] == "statement"]
    assert "WHERE id = $1" in entry["sql"]
    assert entry["seconds"] >= 0


async def test_an_old_name_for_the_same_server_is_taken(database_url: str) -> None:
    url = database_url.replace("postgresql://", "postgres://")
    lent = await asyncpg.connect(url)
    assert await lent.fetchval("SELECT 1") == 1
    await lent.close()


@pytest.mark.parametrize("way", ["database_url", "pooled_url"])
async def test_who_stands_still_within_a_transaction_lets_its_locks_go(
    request: pytest.FixtureRequest, database_url: str, way: str
) -> None:
    config = PoolConfig(
        request.getfixturevalue(way),
        min_size=1,
        max_size=1,
        stand_still=timedelta(milliseconds=100),
        keeps_session=way == "database_url",
    )
    database = Database(config)
    await database.open()
    looking = await asyncpg.connect(database_url)
    standing = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
    )

    was_ended = asyncio.Event()

    async def work(session: Session) -> None:
        await session.users.count()
        async with asyncio.timeout(10):
            while await looking.fetchval(standing):
                pass
        was_ended.set()
        await session.users.count()

    try:
        with pytest.raises(DatabaseUnavailable):
            await database.in_transaction(work)
        # The test's own patience would be the same error.
        assert was_ended.is_set()
        async with database.session() as session:
            assert await session.users.count() == 0
    finally:
        await looking.close()
        await database.close()
