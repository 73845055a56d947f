"""Months come and go whole, in UTC, whatever the clock on the wall says."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from heyday.db import migrate, partitions
from heyday.db.types import AnyConnection
from heyday.domain.timezone import Window
from tests.postgres import MIGRATED_AT

BOUNDS = """
SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = ANY (ARRAY['message_logs', 'idempotency_keys', 'message_events']::regclass[])
ORDER BY 1
"""


@pytest.fixture
async def bare(connection: AnyConnection) -> AnyConnection:
    """A connection to a database whose partitions are all gone."""
    for row in await connection.fetch(BOUNDS):
        await connection.execute(f"DROP TABLE {row['name']}")
    return connection


async def months(connection: AnyConnection, table: str = "message_logs") -> list[str]:
    names = [row["name"] for row in await connection.fetch(BOUNDS)]
    return [n.removeprefix(f"{table}_") for n in names if n.startswith(table)]


@pytest.fixture(params=["UTC", "Pacific/Kiritimati", "America/Adak"])
async def anywhere(
    request: pytest.FixtureRequest, database_url: str
) -> AsyncIterator[AnyConnection]:
    """A connection whose session has another TimeZone than UTC; without partitions."""
    connection = await asyncpg.connect(database_url, server_settings={"timezone": request.param})
    for row in await connection.fetch(BOUNDS):
        await connection.execute(f"DROP TABLE {row['name']}")
    yield connection
    await connection.close()


async def test_migrating_makes_this_month_and_twelve_more(connection: AnyConnection) -> None:
    # The month before is there too: its last day is the first of this month in the east.
    expected = ["y2026m12", *(f"y2027m{month:02}" for month in range(1, 13)), "y2028m01"]
    assert await months(connection) == expected
    assert await months(connection, "idempotency_keys") == expected
    assert await months(connection, "message_events") == expected


async def test_bounds_are_midnights_in_utc_whatever_the_zone_of_the_session(
    anywhere: AnyConnection,
) -> None:
    await partitions.create_ahead(anywhere, datetime(2027, 2, 14, tzinfo=UTC), 0)
    await anywhere.execute("SET timezone = 'UTC'")
    bounds = {row["name"]: row["bounds"] for row in await anywhere.fetch(BOUNDS)}
    assert bounds["message_logs_y2027m02"] == (
        "FOR VALUES FROM ('2027-02-01 00:00:00+00') TO ('2027-03-01 00:00:00+00')"
    )
    assert bounds["idempotency_keys_y2027m02"] == (
        "FOR VALUES FROM ('2027-02-01') TO ('2027-03-01')"
    )


async def test_the_month_is_that_of_utc_whatever_the_zone_of_the_clock(
    bare: AnyConnection,
) -> None:
    in_kiritimati = datetime(2027, 3, 1, 5, tzinfo=ZoneInfo("Pacific/Kiritimati"))
    await partitions.create_ahead(bare, in_kiritimati, 0)
    assert await months(bare) == ["y2027m01", "y2027m02"]


async def test_creating_is_right_on_the_31st(bare: AnyConnection) -> None:
    await partitions.create_ahead(bare, datetime(2027, 8, 31, 23, 59, tzinfo=UTC), 6)
    expected = ["07", "08", "09", "10", "11", "12"]
    assert await months(bare) == [*(f"y2027m{m}" for m in expected), "y2028m01", "y2028m02"]


async def test_creating_twice_makes_nothing_new(bare: AnyConnection) -> None:
    now = datetime(2027, 1, 31, tzinfo=UTC)
    assert await partitions.create_ahead(bare, now, 3) == 3 * 5
    assert await partitions.create_ahead(bare, now, 3) == 0
    assert await partitions.create_ahead(bare, now, 4) == 3


async def test_creators_at_once_make_each_month_once(
    database_url: str, bare: AnyConnection
) -> None:
    now = datetime(2027, 5, 5, tzinfo=UTC)
    made = await asyncio.gather(
        *(migrate.create_partitions(database_url, now, 5) for _ in range(5))
    )
    assert sorted(made) == [0, 0, 0, 0, 3 * 7]
    assert len(await months(bare)) == 7


async def test_a_window_gets_every_month_its_keys_may_lie_in(bare: AnyConnection) -> None:
    end_at = datetime(2027, 6, 30, 12, tzinfo=UTC)
    await partitions.ensure(bare, Window(end_at - timedelta(days=40), end_at))
    # 1 July begins at 10:00 UTC on 30 June in Kiritimati, so its key lies in July.
    assert await months(bare, "idempotency_keys") == ["y2027m05", "y2027m06", "y2027m07"]


async def test_new_partitions_have_the_indexes_and_checks_of_their_table(
    bare: AnyConnection,
) -> None:
    await partitions.create_ahead(bare, MIGRATED_AT, 0)
    per_table = """
    SELECT count(*) FILTER (WHERE tablename = 'message_logs') AS whole,
           count(*) FILTER (WHERE tablename = 'message_logs_y2027m01') AS part
    FROM pg_indexes
    """
    row = await bare.fetchrow(per_table)
    assert row is not None
    assert row["whole"] == row["part"] == 7
    checks = "SELECT count(*) FROM pg_constraint WHERE conrelid = 'message_logs_y2027m01'::regclass"
    assert await bare.fetchval(checks) == await bare.fetchval(
        "SELECT count(*) FROM pg_constraint WHERE conrelid = 'message_logs'::regclass"
    )


@pytest.mark.parametrize(
    ("months_kept", "oldest_left"),
    [(0, "y2027m07"), (1, "y2027m06"), (3, "y2027m04"), (6, "y2027m01"), (12, "y2026m12")],
)
async def test_dropping_never_takes_a_month_younger_than_asked(
    database_url: str, connection: AnyConnection, months_kept: int, oldest_left: str
) -> None:
    now = datetime(2027, 7, 31, 23, 59, tzinfo=UTC)
    announced = await migrate.list_droppable(database_url, now, months_kept)
    dropped = await migrate.drop_partitions(database_url, now, months_kept)
    assert dropped == announced
    assert (await months(connection))[0] == oldest_left
    assert (await months(connection, "idempotency_keys"))[0] == oldest_left


async def test_dropping_at_the_first_instant_of_a_month(
    database_url: str, connection: AnyConnection
) -> None:
    now = datetime(2027, 3, 1, tzinfo=UTC)
    dropped = await migrate.drop_partitions(database_url, now - timedelta(microseconds=1), 1)
    assert [name[-8:] for name in dropped] == ["y2026m12"] * 3
    dropped = await migrate.drop_partitions(database_url, now, 1)
    assert [name[-8:] for name in dropped] == ["y2027m01"] * 3
    assert (await months(connection))[0] == "y2027m02"


async def test_dropping_takes_the_attempts_of_those_months_in_utc_whatever_the_zone(
    database_url: str, connection: AnyConnection
) -> None:
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET timezone = 'Pacific/Kiritimati'")
    await connection.executemany(
        "INSERT INTO message_attempts (message_id, scheduled_send_time, epoch, attempt, outcome, "
        "status, finished_at) VALUES (gen_random_uuid(), $1, 1, 1, 'refused', 'FAILED', now())",
        [(datetime(2027, 1, 31, 23, tzinfo=UTC),), (datetime(2027, 2, 1, tzinfo=UTC),)],
    )
    await migrate.drop_partitions(database_url, datetime(2027, 3, 15, tzinfo=UTC), 1)
    left = await connection.fetch("SELECT scheduled_send_time FROM message_attempts")
    assert [row[0] for row in left] == [datetime(2027, 2, 1, tzinfo=UTC)]


async def test_dropping_leaves_other_tables_alone(
    database_url: str, connection: AnyConnection
) -> None:
    await connection.execute("CREATE TABLE message_logs_y2020m01_copy (id integer)")
    await connection.execute("CREATE TABLE message_logs_y2020m01 (id integer)")
    await migrate.drop_partitions(database_url, datetime(2027, 7, 1, tzinfo=UTC), 0)
    tables = "SELECT count(*) FROM pg_class WHERE relname LIKE 'message_logs_y2020m01%'"
    assert await connection.fetchval(tables) == 2
