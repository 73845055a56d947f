"""A provider that takes nothing is told from one that fails now and then."""

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from heyday.db import queries
from heyday.db.condition import PostgresCondition
from heyday.db.types import AnyConnection
from heyday.domain.breaker import BreakerConfig
from heyday.domain.condition_ports import Failing
from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.models import ClaimedMessage
from heyday.domain.thresholds import FAILING, LEAST_FAILING
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import FakeClock, RecordingSender
from tests.integration.db.test_query_plans import (
    MESSAGES,
    PEOPLE,
    SCAN_OF_A_MONTH,
    explain,
    rows_touched,
)

STATEMENT = queries.load("condition")["failing"].text
NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
AWAY = Outcome(OutcomeKind.NOT_ACCEPTED, error="no connection", trouble=Trouble.PROVIDER)
LOST = Outcome(OutcomeKind.AMBIGUOUS, error="no answer", trouble=Trouble.PROVIDER)


class Provider(RecordingSender):
    """Fail a share of all attempts."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share, self.luck = share, random.Random(7)  # noqa: S311 - no secret

    async def send(self, message: ClaimedMessage) -> Outcome:
        accepted = await super().send(message)
        if self.luck.random() >= self.share:
            return accepted
        return AWAY if self.luck.random() < 0.5 else LOST


async def due(pipeline: Pipeline, clock: FakeClock, greetings: int) -> None:
    for _ in range(greetings):
        await pipeline.insert(timezone="UTC", birthday_date="1990-01-15")
    await pipeline.daily.run_once()
    clock.set(NINE)


async def look(pipeline: Pipeline) -> list[Failing]:
    facts = await PostgresCondition(pipeline.database).read_facts(NINE)
    return list(facts.failing)


def is_outage(found: list[Failing], now: datetime) -> bool:
    return any(each.greetings >= LEAST_FAILING and now - each.since >= FAILING for each in found)


async def test_an_outage_shows_while_it_is_too_early_for_an_alarm(
    database_url: str, clock: FakeClock
) -> None:
    sender = Provider(share=0)
    config = PipelineConfig(breaker=BreakerConfig(failures=5))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await due(pipeline, clock, 30)
        await pipeline.send_due()
        assert await look(pipeline) == [], "all were taken"
        await pipeline.execute("UPDATE users SET birthday_date = '1990-01-16'")
        await pipeline.execute("UPDATE users SET dates_changed_at = NULL")
        sender.share = 1
        clock.advance(timedelta(hours=15))
        await pipeline.daily.run_once()
        clock.set(began := NINE + timedelta(days=1))
        for _ in range(30):
            await pipeline.send_due()
            clock.advance(SECOND)
        (failing,) = await look(pipeline)
        assert failing.greetings >= 5
        assert failing.since == began
        assert is_outage([failing], clock.now())
        sender.share = 0
        for _ in range(60):
            await pipeline.send_due()
            clock.advance(SECOND)
        assert set(await pipeline.statuses()) == {"SENT"}
        assert await look(pipeline) == []


async def test_some_per_cent_of_errors_are_no_outage(database_url: str, clock: FakeClock) -> None:
    sender = Provider(share=0.1)
    async with open_pipeline(database_url, clock=clock, sender=sender) as pipeline:
        await due(pipeline, clock, 90)
        # One each second.
        await pipeline.execute(
            "UPDATE message_logs m SET scheduled_send_time = scheduled_send_time + n * interval "
            "'1 s' FROM (SELECT id, row_number() OVER () AS n FROM message_logs) o "
            "WHERE o.id = m.id"
        )
        seen = 0
        for _ in range(100):
            await pipeline.send_due()
            found = await look(pipeline)
            assert not is_outage(found, clock.now())
            seen += sum(each.greetings for each in found)
            clock.advance(SECOND)
        assert seen, "errors were there to be seen"


FAILED_ONES = """
WITH failed AS (
    UPDATE message_logs m SET status = $3, sender = 'http'
    FROM (SELECT id, row_number() OVER (ORDER BY scheduled_send_time, id) AS n
          FROM message_logs) AS o
    WHERE o.id = m.id AND n % 10 = 0 AND n <= $1
    RETURNING m.id, scheduled_send_time, n
)
INSERT INTO message_attempts (message_id, scheduled_send_time, epoch, attempt, outcome, status,
                              finished_at, api_response_code, sender)
SELECT id, scheduled_send_time, 1, 1, 'not_accepted', 'RETRYING',
       scheduled_send_time + n * interval '1 s', $2, 'http'
FROM failed ORDER BY n
"""
TAKEN_ONES = """
UPDATE message_logs m
SET status = 'SENT', sender = $2, actual_send_time = scheduled_send_time + n * interval '1 s'
FROM (SELECT id, row_number() OVER (ORDER BY scheduled_send_time, id) AS n
      FROM message_logs) AS o
WHERE o.id = m.id AND n % 10 <> 0 AND n <= $1
"""


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        # One greeting a second; each tenth of the first 50 failed, and none comes to its retry yet.
        ({"taken": 55}, None),
        ({"taken": 45}, (1, 50)),
        ({"taken": 15}, (4, 20)),
        ({"taken": 0}, (5, 10)),
        ({"taken": 55, "by": "smtp"}, (5, 10)),
        ({"taken": 0, "code": 503}, (5, 10)),
        ({"taken": 0, "code": 429}, None),
        ({"taken": 0, "status": "QUEUED"}, (5, 10)),
        ({"taken": 0, "status": "FAILED"}, None),
        ({"taken": 0, "status": "UNKNOWN"}, None),
    ],
)
async def test_what_failed_counts_while_it_waits_and_nothing_was_taken_since(
    pipeline: Pipeline,
    clock: FakeClock,
    case: Mapping[str, object],
    expected: tuple[int, int] | None,
) -> None:
    await due(pipeline, clock, 60)
    status = case.get("status", "RETRYING")
    await pipeline.execute(FAILED_ONES, 50, case.get("code"), status)
    await pipeline.execute(TAKEN_ONES, case["taken"], case.get("by", "http"))
    if expected is None:
        assert await look(pipeline) == []
    else:
        greetings, seconds = expected
        assert await look(pipeline) == [Failing("http", greetings, NINE + seconds * SECOND)]


async def test_a_retry_that_was_taken_is_a_sign_of_life(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await due(pipeline, clock, 60)
    await pipeline.execute(FAILED_ONES, 50, None, "RETRYING")
    await pipeline.execute(
        "INSERT INTO message_attempts (message_id, scheduled_send_time, epoch, attempt, outcome, "
        "status, finished_at, sender) SELECT gen_random_uuid(), $1, 1, 2, 'accepted', 'SENT', "
        "$1::timestamptz + interval '35 s', 'http'",
        NINE,
    )
    assert await look(pipeline) == [Failing("http", 2, NINE + 40 * SECOND)]


@pytest.mark.parametrize("analyzed", ["users, message_logs, message_attempts", "users"])
async def test_however_many_attempts_there_are_the_latest_alone_are_read(
    connection: AnyConnection, analyzed: str
) -> None:
    for statement in (PEOPLE, "SET timezone = 'UTC'", MESSAGES):
        await connection.execute(statement)
    await connection.execute(
        "INSERT INTO message_attempts (message_id, scheduled_send_time, epoch, attempt, outcome, "
        "status, finished_at, sender) SELECT id, scheduled_send_time, 1, 1, 'ambiguous', "
        "'RETRYING', scheduled_send_time, 'http' "
        "FROM message_logs, generate_series(1, 3) ORDER BY scheduled_send_time"
    )
    await connection.execute(f"ANALYZE {analyzed}")
    most, around, failed = 500, 20, 5
    plan = await explain(connection, STATEMENT, most, around, failed)
    assert not SCAN_OF_A_MONTH.search(plan), plan
    assert '"Seq Scan"' not in plan, plan
    assert most <= rows_touched(json.loads(plan)) <= 2 * most + 2 * around * failed, plan
