"""A plan for everybody is written in chunks, by any number of planners, and each row once."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import pytest

from heyday.db.connection import Database
from heyday.domain.errors import DatabaseUnavailable
from heyday.domain.ports import Session
from heyday.domain.timezone import Window
from heyday.services.planning import PlanConfig, Planner
from tests.factories import Pipeline, PipelineConfig, open_pipeline, timezones_of
from tests.fakes import START_AT, FakeClock, RecordingSender

T = TypeVar("T")
WINDOW = Window(START_AT, START_AT + timedelta(hours=48))
PEOPLE = """
INSERT INTO users (first_name, last_name, email, timezone, birthday_date, eligible_since)
SELECT 'Ada', 'Lovelace', n || '@example.com',
       (ARRAY['Europe/London', 'Asia/Tokyo', 'Asia/Kolkata', 'America/New_York'])[n % 4 + 1],
       date '1990-01-14' + n % 2, '-infinity'
FROM generate_series(1, 400) n
"""
IN_BOTH = """
SELECT count(*) FROM (
    SELECT user_id, message_type, delivery_date FROM message_logs
    INTERSECT
    SELECT user_id, message_type, delivery_date FROM idempotency_keys
) AS known
"""
# Everybody's day is in the window, save for those whose nine o'clock came before it.
DUE = 400


@dataclass
class FailingStore:
    """Refuse the transaction with this number, and all after it."""

    database: Database
    left: int

    def session(self) -> AbstractAsyncContextManager[Session]:
        return self.database.session()

    async def in_transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        async def counted(session: Session) -> T:
            result = await work(session)
            self.left -= 1
            if self.left < 0:
                raise DatabaseUnavailable("gone")
            return result

        return await self.database.in_transaction(counted)


def planner_of(chunk: int, at_once: int = 2) -> Planner:
    return Planner(timezones_of(), PlanConfig(chunk=chunk, at_once=at_once))


async def check_rows(pipeline: Pipeline) -> None:
    """Every key once, in the ledger as in the log."""
    assert await pipeline.value("SELECT count(*) FROM message_logs") == DUE
    assert await pipeline.value(IN_BOTH) == DUE
    assert await pipeline.value("SELECT count(*) FROM idempotency_keys") == DUE
    assert await pipeline.value("SELECT count(DISTINCT id) FROM message_logs") == DUE


async def test_chunks_together_are_the_plan(pipeline: Pipeline) -> None:
    await pipeline.execute(PEOPLE)
    planner = planner_of(30)
    assert await planner.plan_window(pipeline.database, WINDOW, START_AT) == DUE
    await check_rows(pipeline)
    assert await planner.plan_window(pipeline.database, WINDOW, START_AT) == 0
    await check_rows(pipeline)


async def test_eight_planners_at_once_write_each_row_once(
    database_url: str, pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await pipeline.execute(PEOPLE)
    config = PipelineConfig(pool_max=20)
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as wide:
        # Of different sizes, so that they cut the window in different places.
        planners = [planner_of(chunk) for chunk in (1, 7, 20, 30, 50, 90, 200, 1000)]
        async with asyncio.timeout(60):
            planned = await asyncio.gather(
                *(each.plan_window(wide.database, WINDOW, START_AT) for each in planners)
            )
    assert sum(planned) == DUE
    await check_rows(pipeline)


async def test_what_was_planned_stays_when_a_later_chunk_fails(pipeline: Pipeline) -> None:
    await pipeline.execute(PEOPLE)
    planner = planner_of(100, at_once=1)
    await planner.ensure_partitions(pipeline.database, WINDOW)
    with pytest.raises(DatabaseUnavailable):
        await planner.plan_window(FailingStore(pipeline.database, 2), WINDOW, START_AT)
    instants = [row["scheduled_send_time"] for row in await pipeline.messages()]
    assert 0 < len(instants) < DUE
    assert await planner.plan_window(pipeline.database, WINDOW, START_AT) == DUE - len(instants)
    later = [row["scheduled_send_time"] for row in await pipeline.messages()][len(instants) :]
    assert min(later) >= max(instants)
    await check_rows(pipeline)


async def test_what_is_due_first_is_planned_first_of_whatever_type(pipeline: Pipeline) -> None:
    await pipeline.execute(PEOPLE)
    await pipeline.execute("UPDATE users SET anniversary_date = birthday_date")
    # Each instant of each type by itself.
    planner = planner_of(1, at_once=1)
    await planner.ensure_partitions(pipeline.database, WINDOW)
    with pytest.raises(DatabaseUnavailable):
        await planner.plan_window(FailingStore(pipeline.database, 3), WINDOW, START_AT)
    first = await pipeline.messages()
    assert {row["message_type"] for row in first} == {"BIRTHDAY", "ANNIVERSARY"}
    left = 2 * DUE - len(first)
    assert await planner.plan_window(pipeline.database, WINDOW, START_AT) == left > 0
    instants = [row["scheduled_send_time"] for row in await pipeline.messages()]
    assert [row["scheduled_send_time"] for row in first] == instants[: len(first)]


async def test_ids_lie_in_the_order_of_the_instants(pipeline: Pipeline) -> None:
    await pipeline.execute(PEOPLE)
    await planner_of(1000).plan_window(pipeline.database, WINDOW, START_AT)
    rows = await pipeline.rows("SELECT id, scheduled_send_time FROM message_logs ORDER BY id")
    assert {row["id"].version for row in rows} == {8}
    instants = [row["scheduled_send_time"] for row in rows]
    assert instants == sorted(instants)
    for row in rows:
        assert row["id"].int >> 80 == int(row["scheduled_send_time"].timestamp() * 1000)
    # As they lie in the table: a batch of one instant is on neighbouring pages.
    stored = await pipeline.rows("SELECT id FROM message_logs ORDER BY ctid")
    assert [row["id"] for row in stored] == [row["id"] for row in rows]
