"""How Heyday stands is told as it is, and at a cost that does not grow with what there is."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from heyday.db import partitions, queries
from heyday.db.standing import PostgresStanding
from heyday.db.types import AnyConnection
from heyday.domain.standing_ports import Backlog, Stage, Standing
from heyday.domain.tzdb import PINNED
from tests.factories import Pipeline
from tests.fakes import FakeClock
from tests.integration.db.test_query_plans import (
    MESSAGES,
    PEOPLE,
    SCAN_OF_A_MONTH,
    explain,
    rows_touched,
)

STATEMENTS = queries.load("standing")
NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOTHING = {stage: Backlog() for stage in Stage}
JOBS = ["daily", "minute"]


async def look(pipeline: Pipeline) -> Standing:
    return await PostgresStanding(pipeline.database, JOBS).read(pipeline.clock.now())


async def plan_one(pipeline: Pipeline) -> None:
    """Plan a greeting, of somebody who has been there for long."""
    await pipeline.insert(timezone="UTC", birthday_date="1990-01-15")
    await pipeline.daily.run_once()
    await pipeline.execute("UPDATE message_logs SET created_at = '2027-01-01'")


async def test_an_empty_database_stands_well(pipeline: Pipeline) -> None:
    standing = await look(pipeline)
    assert standing.backlog == NOTHING
    assert standing.planned_until is None
    assert (standing.tzdb_versions, standing.unknown, standing.succeeded_at) == ({}, 0, {})


async def test_what_is_due_is_told_by_where_it_is(pipeline: Pipeline, clock: FakeClock) -> None:
    await plan_one(pipeline)
    assert (await look(pipeline)).backlog == NOTHING, "it is not due yet"
    clock.set(NINE + MINUTE)
    assert (await look(pipeline)).backlog == NOTHING | {Stage.PLANNED: Backlog(1, NINE)}
    await pipeline.minute.run_once()
    assert (await look(pipeline)).backlog == NOTHING | {Stage.LEAVING: Backlog(1, NINE)}
    again = "UPDATE message_logs SET status = 'RETRYING', next_attempt_at = '2027-01-16'"
    await pipeline.execute(again)
    assert (await look(pipeline)).backlog == NOTHING | {Stage.RETRYING: Backlog(1, NINE)}
    await pipeline.execute("UPDATE message_logs SET status = 'QUEUED'")
    asked_at = datetime(2027, 1, 16, tzinfo=UTC)
    leaving = (await look(pipeline)).backlog[Stage.LEAVING]
    assert leaving == Backlog(1, asked_at), "it could not leave before it may be tried again"
    await pipeline.execute("UPDATE message_logs SET status = 'SENT', next_attempt_at = NULL")
    assert (await look(pipeline)).backlog == NOTHING


async def test_who_came_after_nine_has_waited_since_then(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await plan_one(pipeline)
    clock.set(NINE + HOUR)
    came_at = NINE + 59 * MINUTE
    await pipeline.execute("UPDATE message_logs SET created_at = $1", came_at)
    assert (await look(pipeline)).backlog[Stage.PLANNED].oldest_at == came_at


async def test_plans_runs_and_what_waits_are_told(pipeline: Pipeline, clock: FakeClock) -> None:
    await plan_one(pipeline)
    began = clock.now()
    standing = await look(pipeline)
    assert standing.planned_until == began + pipeline.planner.horizon
    assert standing.succeeded_at == {"daily": began}
    assert standing.tzdb_versions == {PINNED.version: 1}
    await pipeline.execute("UPDATE message_logs SET tzdb_version = '2020a'")
    clock.advance(MINUTE)
    await pipeline.execute(
        "INSERT INTO job_runs (name, started_at, finished_at, error) VALUES ('daily', $1, $1, 'X')",
        clock.now(),
    )
    standing = await look(pipeline)
    assert standing.tzdb_versions == {"2020a": 1}
    assert standing.succeeded_at == {"daily": began}, "a run that failed is no success"
    await pipeline.execute("UPDATE message_logs SET status = 'UNKNOWN'")
    standing = await look(pipeline)
    assert (standing.unknown, standing.tzdb_versions) == (1, {})


async def test_months_are_counted_up_to_the_first_that_lacks_a_table(
    connection: AnyConnection,
) -> None:
    now = datetime(2031, 5, 20, tzinfo=UTC)
    assert await partitions.count_ahead(connection, now) == 0
    await partitions.create_ahead(connection, now, 3)
    assert await partitions.count_ahead(connection, now) == 3
    await connection.execute("DROP TABLE idempotency_keys_y2031m07")
    assert await partitions.count_ahead(connection, now) == 1


@pytest.fixture
async def populated(connection: AnyConnection) -> AnyConnection:
    """A connection to a database with 12,000 greetings, spread over three months."""
    for statement in (PEOPLE, "SET timezone = 'UTC'", MESSAGES, "ANALYZE users, message_logs"):
        await connection.execute(statement)
    return connection


@pytest.mark.parametrize(
    ("name", "values", "most"),
    [
        # All that is planned is due, thousands of rows: no more than the limit of each are read.
        ("backlog", (datetime(2027, 12, 1, tzinfo=UTC), 50), 100),
        ("tzdb_versions", (datetime(2027, 1, 1, tzinfo=UTC), 50), 50),
        ("unknown", (50,), 50),
    ],
)
async def test_a_look_reads_up_to_its_limit_by_an_index(
    populated: AnyConnection, name: str, values: tuple[object, ...], most: int
) -> None:
    await populated.execute("UPDATE message_logs SET status = 'UNKNOWN' WHERE status = 'SENT'")
    await populated.execute("ANALYZE message_logs")
    plan = await explain(populated, STATEMENTS[name].text, *values)
    assert not SCAN_OF_A_MONTH.search(plan), plan
    assert "Index" in plan
    assert most / 2 <= rows_touched(json.loads(plan)) <= most, plan


async def test_the_latest_success_is_found_without_reading_every_run(
    connection: AnyConnection,
) -> None:
    await connection.execute(
        "INSERT INTO job_runs (name, started_at, finished_at) "
        "SELECT (ARRAY['daily', 'minute', 'sweep'])[n % 3 + 1], "
        "       timestamptz '2027-01-01' + n * interval '1 s', now() "
        "FROM generate_series(1, 30000) n"
    )
    await connection.execute("ANALYZE job_runs")
    plan = await explain(connection, STATEMENTS["successes"].text, JOBS)
    assert "idx_job_runs_name" in plan
    assert rows_touched(json.loads(plan)) <= len(JOBS), plan
