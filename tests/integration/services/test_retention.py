"""What is old is let go: texts after a while, months as wholes, never what is still open."""

import json
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from heyday.db import partitions
from heyday.db.inbox import InboxRepository
from heyday.db.retention import RetentionRepository
from heyday.db.standing import PostgresStanding
from heyday.domain.errors import DatabaseError
from heyday.domain.models import ClaimedMessage
from heyday.domain.timezone import Window
from heyday.schedulers.daily import DailyScheduler
from heyday.services.jobs import JobJournal
from heyday.services.retention import RetentionConfig, RetentionService
from tests.factories import Pipeline
from tests.fakes import FakeClock, FakeGuard
from tests.integration.services.stages import NINE

DAY = timedelta(days=1)
TEXTS = "SELECT message_content FROM message_logs ORDER BY scheduled_send_time, id"


def retention(
    pipeline: Pipeline, clock: FakeClock, bite: int = 1000, keep_months: int = 0
) -> RetentionService:
    return RetentionService(
        pipeline.database,
        RetentionRepository(pipeline.database, bite),
        JobJournal(pipeline.database, clock),
        clock,
        RetentionConfig(90 * DAY, keep_months),
    )


async def put(pipeline: Pipeline, status: str, at: datetime, **columns: object) -> None:
    """Store a greeting of somebody that was due at an instant and ended, or not, in this status."""
    async with pipeline.database.session() as session:
        await session.plans.ensure_partitions(Window(at, at))
    user_id = await pipeline.insert()
    row = {
        "message_content": "Hey",
        "api_response_body": "ok",
        "error_message": "because",
        "lease_until": NINE + 365 * DAY if status == "SENDING" else None,
        **columns,
    }
    names, places = ", ".join(row), ", ".join(f"${n}" for n in range(4, 4 + len(row)))
    await pipeline.execute(
        "INSERT INTO message_logs (user_id, message_type, delivery_date, scheduled_send_time, "  # noqa: S608
        f"status, idempotency_key, occasion_date, timezone, tzdb_version, {names}) "
        "VALUES ($1, 'BIRTHDAY', $2::timestamptz::date, $2, $3, gen_random_uuid()::text, "
        f"'1990-01-15', 'UTC', '1', {places})",
        user_id,
        at,
        status,
        *row.values(),
    )


async def texts(pipeline: Pipeline) -> list[str]:
    return [row["message_content"] for row in await pipeline.rows(TEXTS)]


@pytest.mark.parametrize("bite", [1, 2, 1000])
async def test_texts_of_what_ended_are_emptied_after_the_time_set(
    pipeline: Pipeline, clock: FakeClock, bite: int
) -> None:
    for status in ("SENT", "FAILED", "CANCELLED", "SKIPPED"):
        await put(pipeline, status, NINE)
    await put(pipeline, "SENT", NINE + DAY)
    clock.set(NINE + 90 * DAY + timedelta(seconds=1))
    assert (await retention(pipeline, clock, bite).run())["scrubbed"] == 4
    assert await texts(pipeline) == ["", "", "", "", "Hey"]
    rows = await pipeline.rows("SELECT api_response_body, error_message FROM message_logs")
    assert [row["api_response_body"] for row in rows].count(None) == 4
    assert {row["error_message"] for row in rows} == {"because"}  # promise 3: an end has a reason


@pytest.mark.parametrize("status", ["SCHEDULED", "QUEUED", "SENDING", "RETRYING", "UNKNOWN"])
async def test_what_is_still_open_keeps_its_text_until_it_ends(
    pipeline: Pipeline, clock: FakeClock, status: str
) -> None:
    await put(pipeline, status, NINE)
    await put(pipeline, "SENT", NINE + DAY)
    clock.set(NINE + 100 * DAY)
    assert (await retention(pipeline, clock).run())["scrubbed"] == 0
    await pipeline.execute("UPDATE message_logs SET status = 'FAILED', lease_until = NULL")
    assert (await retention(pipeline, clock).run())["scrubbed"] == 2


async def test_the_next_run_goes_on_where_the_last_one_ended(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await put(pipeline, "SENT", NINE)
    clock.set(NINE + 91 * DAY)
    assert (await retention(pipeline, clock).run())["scrubbed"] == 1
    await put(pipeline, "SENT", NINE + 5 * DAY)
    clock.set(NINE + 96 * DAY)
    assert (await retention(pipeline, clock).run())["scrubbed"] == 1
    runs = await pipeline.rows("SELECT window_start, window_end FROM job_runs ORDER BY id")
    assert runs[1]["window_start"] == runs[0]["window_end"]


async def test_what_a_person_wrote_of_a_decision_is_emptied(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await put(pipeline, "FAILED", NINE, error_message="Ada called")
    await pipeline.execute(
        "INSERT INTO message_attempts (message_id, scheduled_send_time, epoch, attempt, outcome, "
        "status, finished_at, error_message) "
        "SELECT id, scheduled_send_time, 1, 1, 'resolved', 'FAILED', now(), 'Ada called' "
        "FROM message_logs"
    )
    clock.set(NINE + 91 * DAY)
    await retention(pipeline, clock).run()
    assert await pipeline.value("SELECT error_message FROM message_attempts") is None
    assert await pipeline.value("SELECT error_message FROM message_logs") == "decided by a person"


async def test_a_subject_and_html_are_emptied_with_the_text(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await put(pipeline, "SENT", NINE, message_subject="For you", message_html="<p>Hey</p>")
    html_alone = {"message_content": "", "message_html": "<p>Hey</p>", "api_response_body": None}
    await put(pipeline, "SENT", NINE, **html_alone)
    clock.set(NINE + 91 * DAY)
    assert (await retention(pipeline, clock).run())["scrubbed"] == 2
    left = "SELECT count(*) FROM message_logs WHERE message_subject <> '' OR message_html <> ''"
    assert await pipeline.value(left) == 0


async def test_letters_are_emptied_as_well(pipeline: Pipeline, clock: FakeClock) -> None:
    user = await pipeline.create(birthday_date="1990-01-15")
    row = await pipeline.message(user.id)
    inbox = InboxRepository(pipeline.database)
    for n, at in enumerate((NINE, NINE + DAY)):
        key = f"{row['idempotency_key']}{n}"
        message = ClaimedMessage(row["id"], user.id, NINE, 1, 0, 0, "BIRTHDAY", key, "a@b.c", "Hey")
        await inbox.add(message, at)
    clock.set(NINE + 90 * DAY + timedelta(seconds=1))
    await pipeline.execute("DELETE FROM message_logs")
    assert (await retention(pipeline, clock, bite=1).run())["scrubbed"] == 1
    letters = await pipeline.rows("SELECT email, message FROM inbox_messages ORDER BY id")
    assert [tuple(letter) for letter in letters] == [
        ("erased@erased.invalid", ""),
        ("a@b.c", "Hey"),
    ]


async def test_months_are_dropped_but_those_with_something_open(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    january, february, march = (datetime(2027, m, 10, tzinfo=NINE.tzinfo) for m in (1, 2, 3))
    await put(pipeline, "SENT", january)
    await put(pipeline, "UNKNOWN", february)
    await put(pipeline, "SENT", march)
    clock.set(datetime(2027, 7, 2, tzinfo=NINE.tzinfo))
    counts = await retention(pipeline, clock, keep_months=2).run()
    # Each month is a part of the greetings, one of the ledger, and one of events.
    assert counts["kept_open"] == 3
    left = await pipeline.rows("SELECT scheduled_send_time FROM message_logs")
    assert [row["scheduled_send_time"] for row in left] == [february]
    again = await retention(pipeline, clock, keep_months=2).run()
    assert (again["dropped"], again["kept_open"]) == (0, 3)


async def test_months_wait_for_whoever_holds_a_table(pipeline: Pipeline, clock: FakeClock) -> None:
    await put(pipeline, "SENT", NINE)
    clock.set(NINE + 200 * DAY)
    async with pipeline.database.connection() as other, other.transaction():
        await other.execute("SELECT count(*) FROM message_logs")
        counts = await retention(pipeline, clock, keep_months=1).run()
    assert counts["dropped"] == 0


async def test_the_daily_run_lets_go_and_a_chosen_moment_does_not(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await put(pipeline, "SENT", NINE)
    clock.set(NINE + 91 * DAY)
    daily = DailyScheduler(
        pipeline.scheduling,
        None,  # type: ignore[arg-type] # asked by no run by hand
        clock,
        FakeGuard(),
        pipeline.metrics,
        retention(pipeline, clock),
    )
    assert "scrubbed" not in await daily.run_once(clock.now())
    assert (await daily.run_once())["scrubbed"] == 1


async def test_the_months_of_a_year_to_come_are_made(pipeline: Pipeline, clock: FakeClock) -> None:
    # Nobody has migrated, or started anything anew, for almost a year.
    clock.advance(300 * DAY)

    counts = await retention(pipeline, clock).run()

    assert counts["months_made"] > 0
    async with pipeline.database.connection() as connection:
        assert await partitions.count_ahead(connection, clock.now()) == 12
    assert "months_made" not in await retention(pipeline, clock).run()


async def test_nobody_waits_behind_months_that_cannot_be_made(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.advance(300 * DAY)
    async with pipeline.database.connection() as connection, connection.transaction():
        await connection.execute("LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE")

        assert "months_made" not in await retention(pipeline, clock).run()


FAILS = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
CREATE TRIGGER fails BEFORE UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION fail()
"""
# It lies where the partition of a month to come would.
IN_THE_WAY = "CREATE TABLE message_logs_y2028m05 ()"
MENDED = "DROP TABLE message_logs_y2028m05"
MONTHS = "SELECT count(*) FROM pg_class WHERE relname = 'message_events_y2028m05'"


async def test_a_step_that_fails_keeps_no_other_from_its_turn(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await put(pipeline, "SENT", NINE)
    clock.advance(300 * DAY)
    await pipeline.execute(IN_THE_WAY)
    service = retention(pipeline, clock, keep_months=3)

    with capture_logs() as logs, pytest.raises(DatabaseError):
        await service.run()

    assert [line["step"] for line in logs if line["event"] == "retention_step_failed"] == [
        "make_months"
    ]
    assert await texts(pipeline) == []
    (run,) = await pipeline.rows("SELECT counts, error FROM job_runs")
    assert json.loads(run["counts"]).keys() == {"dropped", "kept_open", "scrubbed"}
    assert run["error"] == "DatabaseError"


async def test_texts_are_emptied_though_no_months_are_made(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await put(pipeline, "SENT", NINE)
    clock.advance(300 * DAY)
    await pipeline.execute(IN_THE_WAY)
    with pytest.raises(DatabaseError):
        await retention(pipeline, clock).run()
    assert await texts(pipeline) == [""]


async def test_months_are_made_though_no_text_is_emptied(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await put(pipeline, "SENT", NINE)
    clock.advance(300 * DAY)
    await pipeline.execute(FAILS.format(table="message_logs"))
    with pytest.raises(DatabaseError):
        await retention(pipeline, clock).run()
    assert await pipeline.value(MONTHS) == 1
    await pipeline.execute("DROP TRIGGER fails ON message_logs")
    # It has not been told of as done: the next run has it in its window.
    assert (await retention(pipeline, clock).run())["scrubbed"] == 1


async def test_what_fails_of_it_makes_the_daily_run_no_failure(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.advance(300 * DAY)
    await pipeline.execute(IN_THE_WAY)
    parts = pipeline.scheduling, None, clock, FakeGuard(), pipeline.metrics
    daily = DailyScheduler(*parts, retention(pipeline, clock))  # type: ignore[arg-type]
    with capture_logs() as logs:
        assert (await daily.run_once())["planned"] == 0
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == [
        "retention_step_failed",
        "retention_failed",
    ]
    jobs = ["daily", "retention"]
    store = PostgresStanding(pipeline.database, jobs)
    assert set((await store.read(clock.now())).succeeded_at) == {"daily"}
    await pipeline.execute(MENDED)
    await daily.run_once()
    assert set((await store.read(clock.now())).succeeded_at) == set(jobs)


async def test_a_fault_of_heyday_itself_passes_as_well(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    """Else the daily job would count as failed, and plan again every 5 s."""

    class Faulty(RetentionRepository):
        async def make_months(self, now: datetime) -> int:
            raise TypeError(now)

    journal = JobJournal(pipeline.database, clock)
    service = RetentionService(
        pipeline.database, Faulty(pipeline.database), journal, clock, RetentionConfig()
    )
    parts = pipeline.scheduling, None, clock, FakeGuard(), pipeline.metrics
    daily = DailyScheduler(*parts, service)  # type: ignore[arg-type]
    assert (await daily.run_once())["planned"] == 0
    (run,) = await pipeline.rows("SELECT error FROM job_runs WHERE name = 'retention'")
    assert run["error"] == "TypeError"
