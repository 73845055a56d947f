"""Seeding: a hundred people with greetings in every status, and populations by COPY."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from typer.testing import CliRunner

from heyday.cli.app import app
from heyday.db import alembic_runner
from heyday.db.schema import users
from heyday.db.seeding.copying import CopyReport, copy_population
from heyday.db.seeding.population import Population
from heyday.db.seeding.sample import add_sample
from heyday.db.types import AnyConnection
from heyday.domain.transitions import Status
from tests.factories import Pipeline, timezones_of
from tests.fakes import START_AT

NOW = START_AT + timedelta(hours=11)
TABLES = ("users", "message_logs", "idempotency_keys", "message_attempts")
INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisunique, indisvalid
FROM pg_index WHERE indrelid = 'users'::regclass ORDER BY 1
"""


def ignored(_doing: str, _count: int) -> None:
    """Take progress, and do nothing with it."""


async def contents(connection: AnyConnection) -> list[list[asyncpg.Record]]:
    return [await connection.fetch(f"SELECT * FROM {t} ORDER BY 1, 2, 3") for t in TABLES]  # noqa: S608


async def copy(connection: AnyConnection, count: int, seed: int = 1) -> CopyReport:
    return await copy_population(connection, Population(seed, NOW), count, ignored)


async def test_the_sample_has_greetings_in_every_status(connection: AnyConnection):
    report = await add_sample(connection, timezones_of(), NOW)
    assert (report.added, report.present) == (100, 0)
    assert set(report.messages) == {status.value for status in Status}
    stored = await connection.fetch("SELECT status, count(*) FROM message_logs GROUP BY status")
    assert {row["status"]: row["count"] for row in stored} == report.messages


async def test_its_people_are_of_many_kinds(connection: AnyConnection):
    await add_sample(connection, timezones_of(), NOW)
    row = await connection.fetchrow("""
        SELECT count(DISTINCT timezone) AS zones,
               count(DISTINCT birthday_month_day / 100) AS months,
               count(*) FILTER (WHERE birthday_month_day = 229) AS leap_days,
               count(*) FILTER (WHERE anniversary_date IS NULL) AS without_anniversary,
               count(*) FILTER (WHERE deleted_at IS NOT NULL) AS deleted,
               count(*) FILTER (WHERE unsubscribed_at IS NOT NULL) AS unsubscribed,
               count(*) FILTER (WHERE first_name !~ '[A-Za-z]') AS not_latin,
               count(*) FILTER (WHERE email NOT LIKE '%@example.com') AS elsewhere
        FROM users""")
    assert row is not None
    assert row["zones"] > 80
    assert row["months"] == 12
    assert row["leap_days"] >= 2
    assert row["not_latin"] > 30
    assert row["elsewhere"] == 0
    assert min(row["deleted"], row["unsubscribed"], row["without_anniversary"]) >= 2


async def test_somebody_has_their_day_today_and_nothing_planned_yet(pipeline: Pipeline):
    pipeline.clock.set(NOW)  # type: ignore[attr-defined]
    async with pipeline.database.connection() as connection:
        await add_sample(connection, timezones_of(), NOW)
    before = await pipeline.value("SELECT count(*) FROM message_logs")
    await pipeline.daily.run_once()
    assert await pipeline.value("SELECT count(*) FROM message_logs") >= before + 4


async def test_its_rows_say_what_real_ones_say(connection: AnyConnection):
    """Each status has the fields that belong to it, each row its place in the ledger."""
    await add_sample(connection, timezones_of(), NOW)
    wrong = await connection.fetch(
        """
        SELECT m.status, m.error_message
        FROM message_logs m
        LEFT JOIN idempotency_keys k USING (delivery_date, user_id, message_type)
        JOIN users u ON u.id = m.user_id
        LEFT JOIN LATERAL (
            SELECT count(*) AS attempts, max(a.attempt) AS last FROM message_attempts a
            WHERE a.message_id = m.id AND a.scheduled_send_time = m.scheduled_send_time) a ON true
        WHERE k.user_id IS NULL
           OR m.idempotency_key <> concat_ws(':', m.user_id, m.message_type, m.delivery_date)
           OR m.timezone <> u.timezone
           OR m.occasion_date <> CASE m.message_type WHEN 'BIRTHDAY' THEN u.birthday_date
                                      ELSE u.anniversary_date END
           OR to_char(m.occasion_date, 'MMDD') <> to_char(m.delivery_date, 'MMDD')
           OR m.created_at >= m.scheduled_send_time
           OR (m.actual_send_time >= m.scheduled_send_time) IS NOT TRUE AND m.status = 'SENT'
           OR (m.status = 'SENT') <> (m.api_response_code IS NOT DISTINCT FROM 200)
           OR (m.status = 'SENDING') <> (m.lease_until IS NOT NULL)
           OR (m.status = 'RETRYING') <> (m.next_attempt_at IS NOT NULL)
           OR (m.status = 'UNKNOWN') <> (m.ambiguous_count = 2)
           OR (m.status IN ('FAILED', 'SKIPPED', 'CANCELLED', 'UNKNOWN', 'RETRYING'))
              <> (m.error_message IS NOT NULL)
           OR (m.queued_at IS NULL) <> (m.status IN ('SCHEDULED', 'SKIPPED', 'CANCELLED'))
           OR (m.retry_count > 0 OR m.status = 'FAILED') <> (a.attempts > 0)
           OR a.last NOT IN (m.retry_count, m.retry_count + 1)
           OR (m.status = 'SCHEDULED') <> (m.scheduled_send_time > $1)
           OR u.unsubscribed_at > m.scheduled_send_time
           OR u.deleted_at > m.scheduled_send_time
        """,
        NOW,
    )
    assert wrong == []


async def test_a_second_run_says_what_is_there_and_changes_nothing(connection: AnyConnection):
    await add_sample(connection, timezones_of(), NOW)
    await connection.execute("UPDATE users SET first_name = 'Edited' WHERE email LIKE 'olivia%'")
    await connection.execute("UPDATE users SET deleted_at = now() WHERE email LIKE 'marcus%'")
    before = await contents(connection)
    report = await add_sample(connection, timezones_of(), NOW + timedelta(days=3))
    assert (report.added, report.present, dict(report.messages)) == (0, 100, {})
    assert await contents(connection) == before


async def test_two_runs_at_once_add_everybody_once(connection: AnyConnection, database_url: str):
    other = await asyncpg.connect(database_url)
    try:
        reports = await asyncio.gather(
            add_sample(connection, timezones_of(), NOW),
            add_sample(other, timezones_of(), NOW),
        )
    finally:
        await other.close()
    assert sum(report.added for report in reports) == 100
    assert await connection.fetchval("SELECT count(*) FROM users") == 100


async def test_who_has_the_address_of_a_sample_person_keeps_it(connection: AnyConnection):
    await connection.execute(
        "INSERT INTO users (first_name, last_name, email, timezone) "
        "VALUES ('Real', 'One', 'OLIVIA.bennett@example.com', 'UTC')"
    )
    report = await add_sample(connection, timezones_of(), NOW)
    assert (report.added, report.present) == (99, 1)
    query = "SELECT first_name FROM users WHERE lower(email) = 'olivia.bennett@example.com'"
    assert await connection.fetchval(query) == "Real"


async def test_a_running_heyday_finishes_what_the_sample_left_unfinished(pipeline: Pipeline):
    pipeline.clock.set(NOW)  # type: ignore[attr-defined]
    async with pipeline.database.connection() as connection:
        await add_sample(connection, timezones_of(), NOW)
    # PostgreSQL's own clock decides about leases, and it may be behind the one of this test.
    await pipeline.execute("UPDATE message_logs SET lease_until = now() WHERE status = 'SENDING'")
    await pipeline.daily.run_once()
    await pipeline.recovery.run_once()
    for _ in range(3):
        pipeline.clock.set(pipeline.clock.now() + timedelta(minutes=3))  # type: ignore[attr-defined]
        await pipeline.send_due()
    due = "SELECT count(*) FROM message_logs WHERE scheduled_send_time < $1 AND status = ANY ($2)"
    unfinished = ["SCHEDULED", "QUEUED", "SENDING", "RETRYING"]
    assert await pipeline.value(due, NOW, unfinished) == 0
    assert all(balance.is_balanced for balance in await pipeline.reconciliation.reconcile())


async def test_a_population_comes_with_all_indexes_as_they_were(
    connection: AnyConnection, database_url: str
):
    before = await connection.fetch(INDEXES)
    assert await copy(connection, 12_000) == CopyReport(added=12_000, present=0)
    assert await connection.fetch(INDEXES) == before
    assert await alembic_runner.find_drift(database_url) == []
    row = await connection.fetchrow(
        "SELECT count(*) AS people, count(DISTINCT timezone) AS zones, "
        "count(anniversary_month_day) AS anniversaries, min(eligible_since) AS since FROM users"
    )
    assert row is not None
    assert (row["people"], row["since"]) == (12_000, NOW)
    assert row["zones"] > 200
    assert 7_700 < row["anniversaries"] < 8_300
    estimate = "SELECT reltuples FROM pg_class WHERE oid = 'users'::regclass"
    assert await connection.fetchval(estimate) == 12_000


async def test_a_population_joins_people_who_are_there(connection: AnyConnection):
    await add_sample(connection, timezones_of(), NOW)
    before = await connection.fetch(INDEXES)
    assert (await copy(connection, 300)).added == 300
    assert (await copy(connection, 200, seed=2)).added == 200
    assert await connection.fetchval("SELECT count(*) FROM users") == 600
    assert await connection.fetch(INDEXES) == before


async def test_the_same_population_again_changes_nothing(connection: AnyConnection):
    await copy(connection, 300)
    before = await contents(connection)
    assert await copy(connection, 500) == CopyReport(added=0, present=300)
    assert await contents(connection) == before


class Crash(Exception):
    """Stand for whatever may go wrong in the middle."""


@pytest.mark.parametrize("stage", ["copying people", "building idx_users_email_unique"])
async def test_an_interrupted_population_leaves_no_people_and_every_index(
    connection: AnyConnection, stage: str
):
    before = await connection.fetch(INDEXES)
    sent = 0

    def crash(doing: str, count: int) -> None:
        nonlocal sent
        sent += count
        if doing == stage and sent > 5_000:
            raise Crash

    with pytest.raises(Crash):
        await copy_population(connection, Population(1, NOW), 15_000, crash)
    assert await connection.fetch(INDEXES) == before
    assert await connection.fetchval("SELECT count(*) FROM users") == 0


async def test_a_server_that_loses_the_connection_keeps_every_index(
    connection: AnyConnection, database_url: str
):
    """As kill -9 of the program would: the server undoes what was not committed."""
    before = await connection.fetch(INDEXES)
    doomed = await asyncpg.connect(database_url)

    def cut(doing: str, _count: int) -> None:
        if doing.startswith("building"):
            doomed.terminate()

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)):
        await copy_population(doomed, Population(1, NOW), 15_000, cut)
    async with asyncio.timeout(20):  # LOCK waits until the server has noticed
        await connection.execute("BEGIN; LOCK TABLE users; COMMIT")
    assert await connection.fetch(INDEXES) == before
    assert await connection.fetchval("SELECT count(*) FROM users") == 0


@pytest.fixture
async def watched(database_url: str) -> AsyncIterator[list[bool]]:
    """Whether another connection saw `users` without an index, looked up again and again."""
    seen: list[bool] = []
    watcher = await asyncpg.connect(database_url)
    all_there = len(users.indexes) + 1  # and the primary key
    count = f"SELECT count(*) = {all_there} FROM pg_index WHERE indrelid = 'users'::regclass"  # noqa: S608

    async def watch() -> None:
        while True:
            seen.append(await watcher.fetchval(count))

    task = asyncio.ensure_future(watch())
    yield seen
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await watcher.close()


async def test_nobody_sees_the_table_without_its_indexes(
    connection: AnyConnection, watched: list[bool]
):
    await copy(connection, 20_000)
    assert len(watched) > 10
    assert all(watched)


def heyday(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["db", "seed", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def _command_line(
    database_url: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("folder"))
    monkeypatch.setenv("DATABASE_URL", database_url)


@pytest.mark.usefixtures("_command_line")
def test_the_command_tells_what_it_did():
    assert "Added 100 sample people, and greetings: 2 CANCELLED, 2 FAILED" in heyday()
    assert "All 100 sample people are there already; nothing was changed." in heyday()
    assert "Added 2,000 people in " in heyday("--users", "2000")
    again = heyday("--users", "9000")
    assert "2,000 people of seed number 1 are there already; nothing was changed" in again
    assert "Added 10 people in " in heyday("--users", "10", "--seed-number", "2")
