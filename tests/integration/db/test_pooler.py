"""Through a real PgBouncer that lends a server for one transaction, everything holds."""

import asyncio
import contextlib
import select
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from heyday.clock import SystemClock
from heyday.db import migrate
from heyday.db.clock import PostgresClock
from heyday.db.connection import Database, PoolConfig, connect
from heyday.db.replies import ReplyRepository
from heyday.db.types import AnyConnection
from heyday.domain.audit import Actor, ActorKind, Deed, doing
from heyday.domain.errors import ConfigurationError, DatabaseUnavailable
from heyday.domain.ports import Session
from heyday.domain.replies import KeptReply, ReplyKey
from tests.pgbouncer import pgbouncer, through
from tests.postgres import MIGRATED_AT, database_at

# What the default pool of tests/pgbouncer.py has for one database.
SERVERS = 2
CLIENTS = 12
OF_THIS_DATABASE = "FROM pg_stat_activity WHERE datname = current_database()"
# The pooler itself sees to what it knows of a client: these two names.
LEFT_BEHIND = """
SELECT (SELECT string_agg(statement, '; ') FROM pg_prepared_statements),
       (SELECT string_agg(name || '=' || setting, ', ') FROM pg_settings
        WHERE source = 'session' AND name NOT IN ('client_encoding', 'application_name')),
       (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')
"""
IGNORING = {"ignore_startup_parameters": "jit,plan_cache_mode,idle_in_transaction_session_timeout"}


@pytest.fixture
async def database(pooled_url: str) -> AsyncIterator[Database]:
    async with opened(PoolConfig(pooled_url, max_size=CLIENTS, keeps_session=False)) as database:
        yield database


@contextlib.asynccontextmanager
async def opened(config: PoolConfig) -> AsyncIterator[Database]:
    database = Database(config)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def connection_of(session: Session) -> AnyConnection:
    lent: AnyConnection = session.users._connection  # type: ignore[attr-defined]  # noqa: SLF001
    return lent


async def use_all_servers(database: Database) -> None:
    """Hold so many transactions at once: PgBouncer connects when it must, not sooner."""
    everyone_is_there = asyncio.Barrier(SERVERS)

    async def work(session: Session) -> None:
        await session.users.count()
        await everyone_is_there.wait()

    async with asyncio.timeout(10):
        await asyncio.gather(*(database.in_transaction(work) for _ in range(SERVERS)))


async def test_one_client_meets_several_servers(database: Database) -> None:
    """Else nothing on this page would show anything."""
    async with database.connection() as lent:
        await use_all_servers(database)
        servers = {await lent.fetchval("SELECT pg_backend_pid()") for _ in range(2 * SERVERS)}
    assert len(servers) == SERVERS


async def test_statements_of_many_clients_find_what_they_need(database: Database) -> None:
    await use_all_servers(database)

    async def work(number: int) -> None:
        ids = [uuid4() for _ in range(number)]
        async with database.connection() as lent:
            for _ in range(5):
                assert await lent.fetchval("SELECT $1::uuid[]", ids) == ids
                assert await lent.fetchval("SELECT $1::interval", timedelta(number))
                # Whatever the server was told last, this is another statement.
                assert await lent.fetchval("SELECT $1::text", str(number)) == str(number)

    async with asyncio.timeout(30):
        await asyncio.gather(*(work(number) for number in range(1, CLIENTS)))


async def test_many_transactions_at_once_each_keep_to_one_server(
    database: Database, connection: AnyConnection
) -> None:
    await connection.execute("CREATE TABLE counter AS SELECT 0 AS n")

    async def work(session: Session) -> int:
        lent = connection_of(session)
        pid = await lent.fetchval("SELECT pg_backend_pid()")
        async with lent.transaction():
            n: int = await lent.fetchval("UPDATE counter SET n = n + $1 RETURNING n", 1)
        assert await lent.fetchval("SELECT pg_backend_pid()") == pid
        return n

    async with asyncio.timeout(30):
        counted = await asyncio.gather(*(database.in_transaction(work) for _ in range(50)))
    assert sorted(counted) == list(range(1, 51))
    assert await connection.fetchval("SELECT n FROM counter") == 50


async def test_whoever_is_cancelled_between_parsing_and_running_gives_the_server_back(
    database: Database,
) -> None:
    async with database.connection() as lent:
        running = asyncio.create_task(lent.fetchval("SELECT 1"))
        await asyncio.sleep(0)  # it asks
        await is_answered(lent)
        await asyncio.sleep(0)  # the answer is taken in
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await use_all_servers(database)
    assert await database.in_transaction(lambda session: session.users.count()) == 0


async def is_answered(connection: AnyConnection) -> None:
    """Stand still, with all that runs in this loop, until an answer is there to be read."""
    transport = connection._transport  # type: ignore[union-attr]  # noqa: SLF001
    await asyncio.sleep(0)
    assert select.select([transport.get_extra_info("socket")], [], [], 10)[0]


async def test_nothing_is_left_with_any_server(
    database: Database, pooled_url: str, connection: AnyConnection
) -> None:
    async def work(session: Session) -> None:
        await session.users.count()
        await session.users.find(uuid4())
        lent = connection_of(session)
        await lent.execute("SELECT pg_advisory_xact_lock($1)", 1)
        await lent.executemany("SELECT $1::uuid[]", [([uuid4()],), ([uuid4()],)])

    await use_all_servers(database)
    await asyncio.gather(*(database.in_transaction(work) for _ in range(CLIENTS)))
    async with database.session() as session:
        await session.users.find(uuid4())
    assert await migrate.is_current(pooled_url)
    await migrate.create_partitions(pooled_url, MIGRATED_AT, 14)
    plain = await asyncpg.connect(pooled_url, statement_cache_size=0)
    seen = {tuple(await plain.fetchrow(f"{LEFT_BEHIND}") or ()) for _ in range(2 * SERVERS)}
    await plain.close()
    assert seen == {(None, None, 0)}
    assert await connection.fetchval(f"SELECT count(*) {OF_THIS_DATABASE}") == SERVERS + 1


async def test_each_transaction_is_set_as_a_session_is_without_a_pooler(
    pooled_url: str, connection: AnyConnection
) -> None:
    # As an administrator may have it, for all who come from now on.
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET jit = on")
    async with (
        opened(PoolConfig(pooled_url, min_size=1, keeps_session=False)) as database,
        database.connection() as lent,
    ):
        async with lent.transaction():
            assert await lent.fetchval("SHOW jit") == "off"
            assert await lent.fetchval("SHOW idle_in_transaction_session_timeout") == "1min"
        assert await lent.fetchval("SHOW jit") == "on"
        assert await lent.fetchval("SHOW idle_in_transaction_session_timeout") == "0"
        assert await lent.fetchval("SHOW timezone") == "UTC"
        assert await lent.fetchval("SHOW application_name") == "heyday"


@pytest.mark.parametrize("keeps_session", [True, False])
async def test_where_postgresql_runs_cannot_be_told_by_the_address_of_a_pooler(
    database_url: str, connection: AnyConnection, *, keeps_session: bool
) -> None:
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(
        "CREATE FUNCTION inet_client_addr() RETURNS inet RETURN inet '10.0.0.1'"
    )
    await connection.execute(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
    config = PoolConfig(database_url, min_size=1, keeps_session=keeps_session)
    async with opened(config) as database:
        reading = await PostgresClock(database, SystemClock()).read()
    assert reading.is_elsewhere == keeps_session


async def test_migrations_run_through_it(pgbouncer_port: int, empty_database_url: str) -> None:
    url = through(pgbouncer_port, empty_database_url)
    async with asyncio.timeout(60):
        # Two at once: one of them waits for the other's lock, at another server.
        await asyncio.gather(*(migrate.upgrade(url, MIGRATED_AT) for _ in range(2)))
    assert await migrate.is_current(url)
    assert await migrate.drop_partitions(url, MIGRATED_AT + timedelta(days=800), 12)


@pytest.mark.parametrize(
    ("pooler", "verb"),
    [({}, "refuses"), (IGNORING, "ignores"), (IGNORING | {"pool_mode": "session"}, "ignores")],
    ids=["as it comes", "ignoring", "ignoring, by session"],
)
async def test_a_pooler_that_nobody_told_of_is_named(
    postgres_url: str, database_url: str, pooler: dict[str, str], verb: str
) -> None:
    with pgbouncer(postgres_url, **pooler) as port:
        database = Database(PoolConfig(through(port, database_url)))
        async with asyncio.timeout(5):
            with pytest.raises(ConfigurationError, match=f"{verb}.*HEYDAY_POOLER=transaction"):
                await database.open()


async def test_a_pooler_that_lends_by_session_serves_as_well(
    postgres_url: str, database_url: str
) -> None:
    with pgbouncer(postgres_url, pool_mode="session") as port:
        config = PoolConfig(through(port, database_url), 1, SERVERS, keeps_session=False)
        async with opened(config) as database:
            assert await database.in_transaction(lambda session: session.users.count()) == 0


async def test_a_pooler_whose_server_is_away_is_explained(postgres_url: str) -> None:
    with pgbouncer(postgres_url) as port:
        url = through(port, database_at(postgres_url, "not_there"))
        with pytest.raises(DatabaseUnavailable, match="check DATABASE_URL"):
            await connect(url, timedelta(seconds=0.2))


async def test_deeds_and_writes_with_a_key_leave_nothing_behind(database: Database) -> None:
    store = ReplyRepository(database, at_once=SERVERS)
    now = datetime(2027, 1, 14, tzinfo=UTC)

    async def write(number: int) -> None:
        key = ReplyKey(UUID(int=number), "key")
        deed = Deed(Actor(ActorKind.KEY, f"payroll {number}", key.key_id), "x.y", is_write=True)
        with doing(deed):
            began = await store.begin(key, b"print", now, now)
            assert not isinstance(began, KeptReply)
            await began.commit(KeptReply(204, (), b""))
            assert isinstance(await store.begin(key, b"print", now, now), KeptReply)

    await asyncio.gather(*(write(number) for number in range(CLIENTS)))
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT actor_name, actor_id FROM audit_log")
        assert {(row["actor_name"], row["actor_id"].int) for row in rows} == {
            (f"payroll {number}", number) for number in range(CLIENTS)
        }
        assert len(rows) == CLIENTS
        assert tuple(await connection.fetchrow(LEFT_BEHIND) or ()) == (None, None, 0)
        assert not await connection.fetchval("SELECT current_setting('heyday.deed', true)")
        assert await connection.fetchval("SHOW lock_timeout") == "0"
