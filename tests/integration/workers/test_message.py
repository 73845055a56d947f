"""The worker on a real queue, together with schedulers, on a clock that the test moves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from heyday.db.notifications import BATCHES
from heyday.domain.delivery import Outcome
from heyday.domain.models import ClaimedMessage
from tests.factories import Pipeline, open_pipeline
from tests.fakes import FakeClock, RecordingSender

SECOND = timedelta(seconds=1)
NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
OTHERS = """
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
AND application_name = 'heyday'
"""


@contextlib.asynccontextmanager
async def working(pipeline: Pipeline) -> AsyncIterator["asyncio.Task[None]"]:
    """Run the worker and hear what is announced; stop in order on the way out."""
    listening = asyncio.create_task(pipeline.notifications.run())
    task = asyncio.create_task(pipeline.worker.run())
    try:
        async with asyncio.timeout(20):
            await pipeline.notifications.event(BATCHES).wait()
            yield task
            pipeline.worker.stop()
            await task
    finally:
        for each in (task, listening):
            each.cancel()
        await asyncio.gather(task, listening, return_exceptions=True)


async def due(pipeline: Pipeline, count: int = 3) -> None:
    for _ in range(count):
        await pipeline.insert(timezone="UTC", birthday_date="1990-01-15")
    await pipeline.daily.run_once()


async def until_all(pipeline: Pipeline, status: str) -> None:
    """Wait until every greeting has this status."""
    others = "SELECT count(*) FROM message_logs WHERE status <> $1"
    async with asyncio.timeout(10):
        while await pipeline.value(others, status):
            pass


async def until_asleep(clock: FakeClock, at: datetime) -> None:
    """Wait until somebody sleeps until an instant."""
    async with asyncio.timeout(10):
        while at not in clock.sleeping_until:
            await clock.wait_for_sleepers(2)
            await asyncio.sleep(0)


async def test_it_sends_at_the_very_instant_and_not_before(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await due(pipeline)
    clock.set(NINE - 60 * SECOND)
    await pipeline.minute.run_once()
    async with working(pipeline):
        clock.set(NINE - 5 * SECOND)  # the batch shows, and is taken
        await until_asleep(clock, NINE - 1.5 * SECOND)
        assert sender.expected == []
        clock.set(NINE - 1.5 * SECOND)
        await until_asleep(clock, NINE)
        assert sender.expected == [3]
        clock.set(NINE - timedelta(microseconds=1))
        for _ in range(200):
            await asyncio.sleep(0)
        assert sender.sent == []
        clock.set(NINE)
        await sender.wait_for(3)
        await until_all(pipeline, "SENT")
    assert await pipeline.value("SELECT count(*) FROM queue_batches") == 0


async def test_who_comes_late_is_greeted_at_once_by_announcements_alone(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    """The clock stands still: nothing is found by polling."""
    clock.set(NINE + 3600 * SECOND)
    scheduling = asyncio.create_task(pipeline.minute.run())
    async with working(pipeline):
        await clock.wait_for_sleepers()
        user = await pipeline.create(timezone="UTC", birthday_date="1990-01-15")
        await sender.wait_for(1)
        await until_all(pipeline, "SENT")
    scheduling.cancel()
    await asyncio.gather(scheduling, return_exceptions=True)
    assert sender.sent[0].user_id == user.id


async def test_nothing_is_made_ready_for_what_is_due_already(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await due(pipeline)
    clock.set(NINE)
    await pipeline.minute.run_once()
    async with working(pipeline):
        await sender.wait_for(3)
        await until_all(pipeline, "SENT")
    assert sender.expected == []


async def test_what_waits_when_one_worker_stops_is_sent_on_time_by_another(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await due(pipeline)
    clock.set(NINE - 4 * SECOND)
    await pipeline.minute.run_once()
    async with working(pipeline):
        await until_asleep(clock, NINE - 1.5 * SECOND)
    other = RecordingSender()
    async with (
        open_pipeline(pipeline.url, clock=clock, sender=other) as second,
        working(second),
    ):
        clock.set(NINE)
        await other.wait_for(3)
        await until_all(pipeline, "SENT")
    assert pipeline.sender.sent == []


async def test_stopping_records_what_is_in_flight(database_url: str, clock: FakeClock) -> None:
    gate = asyncio.Event()
    sender = RecordingSender(gate=gate)
    async with open_pipeline(database_url, clock=clock, sender=sender) as pipeline:
        await due(pipeline)
        clock.set(NINE)
        await pipeline.minute.run_once()
        async with working(pipeline) as task:
            await sender.wait_for(3)
            pipeline.worker.stop()
            await asyncio.sleep(0)
            assert not task.done()
            gate.set()
            await task
        assert await pipeline.statuses() == ["SENT"] * 3
        assert await pipeline.value("SELECT count(*) FROM queue_batches") == 0


class CuttingSender(RecordingSender):
    """End every connection of the pool while the first call is made."""

    pipeline: Pipeline | None = None

    async def send(self, message: ClaimedMessage) -> Outcome:
        pipeline, self.pipeline = self.pipeline, None
        if pipeline:
            await pipeline.execute(f"SELECT pg_terminate_backend(pid) {OTHERS}")
        return await super().send(message)


async def test_connections_that_break_while_sending_lose_no_outcome(
    database_url: str, clock: FakeClock
) -> None:
    sender = CuttingSender()
    async with open_pipeline(database_url, clock=clock, sender=sender) as pipeline:
        sender.pipeline = pipeline
        await due(pipeline, 20)
        clock.set(NINE)
        await pipeline.minute.run_once()
        async with working(pipeline):
            await sender.wait_for(20)
            async with asyncio.timeout(10):
                sent = "SELECT count(*) FROM message_logs WHERE status = 'SENT'"
                while await pipeline.value(sent) < 20:
                    pass
    assert len(set(sender.keys)) == len(sender.keys) == 20


@pytest.mark.parametrize("workers", [1, 3])
async def test_a_worker_that_is_killed_leaves_unclear_attempts_that_are_repeated(
    database_url: str, clock: FakeClock, workers: int
) -> None:
    hanging = RecordingSender(gate=asyncio.Event())
    async with open_pipeline(database_url, clock=clock, sender=hanging) as killed:
        await due(killed)
        clock.set(NINE)
        await killed.minute.run_once()
        task = asyncio.create_task(killed.worker.run())
        await hanging.wait_for(3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    sender = RecordingSender()
    async with contextlib.AsyncExitStack() as stack:
        others = [
            await stack.enter_async_context(open_pipeline(database_url, clock=clock, sender=sender))
            for _ in range(workers)
        ]
        first = others[0]
        assert await first.statuses() == ["SENDING"] * 3
        await first.execute("UPDATE message_logs SET lease_until = now()")
        counts = await asyncio.gather(*(other.recovery.run_once() for other in others))
        assert sum(count["expired"] for count in counts) == 3
        clock.advance(5 * SECOND)
        await asyncio.gather(*(other.minute.run_once() for other in others))
        assert sum([await other.deliver_all() for other in others]) == 3
        assert sorted(sender.keys) == sorted(hanging.keys)
        assert await first.statuses() == ["SENT"] * 3
