"""The day's cap over the whole way of a greeting, with several workers, some of which die."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from heyday.domain.day_cap import DayCap
from heyday.domain.models import Batch
from heyday.services.scheduling import SchedulerConfig
from heyday.services.sending import SendingConfig
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import START_AT, FakeClock, RecordingSender

NINE = START_AT + timedelta(hours=9)
MIDNIGHT = START_AT + timedelta(days=1)
SECOND = timedelta(seconds=1)
CAP = 25


def config(cap: int = CAP, batch_size: int = 5) -> PipelineConfig:
    return PipelineConfig(
        cap=DayCap(cap),
        scheduling=SchedulerConfig(batch_size=batch_size),
        sending=SendingConfig(concurrency=3),
    )


class Workers:
    """Hold three workers, each a process of its own with its own provider's count."""

    def __init__(self, pipelines: Sequence[Pipeline], clock: FakeClock) -> None:
        self.pipelines = pipelines
        self.clock = clock

    @property
    def first(self) -> Pipeline:
        return self.pipelines[0]

    @property
    def attempts(self) -> int:
        return sum(len(each.sender.sent) for each in self.pipelines)

    async def due(self, count: int, **columns: object) -> None:
        """Have so many people greeted at nine, and their batches in the queue."""
        for _ in range(count):
            values = {"timezone": "UTC", "birthday_date": "1990-01-14", **columns}
            await self.first.insert(**values)
        await self.first.daily.run_once()

    async def batches(self) -> list[Batch]:
        """Take every batch that is due off the queue."""
        await self.first.minute.run_once()
        waiting = "SELECT count(*) FROM queue_batches WHERE visible_at <= $1 AND due_at <= $1"
        found: list[Batch] = []
        async with contextlib.aclosing(self.first.transport.deliveries()) as deliveries:
            while await self.first.value(waiting, self.clock.now()):
                delivery = await anext(deliveries)
                found.append(delivery.batch)
                await delivery.ack()
        return found

    async def deliver_all(self) -> None:
        """Deliver all that is due, by all workers at once."""
        batches = await self.batches()
        turns = (self.pipelines[i % 3].sending.deliver(b) for i, b in enumerate(batches))
        await asyncio.gather(*turns)

    async def settle(self) -> None:
        """Let the time pass in which what is under way might still leave room."""
        for _ in range(3):
            self.clock.advance(21 * SECOND)
            await self.deliver_all()

    async def sweep(self) -> None:
        """Take over what dead workers held, as once their leases have run out."""
        await self.first.execute(
            "UPDATE message_logs SET lease_until = now() - interval '1 s' WHERE status = 'SENDING'"
        )
        await self.first.sweep.run_once()


@pytest.fixture
async def workers(database_url: str, clock: FakeClock) -> AsyncIterator[Workers]:
    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(
                open_pipeline(database_url, clock=clock, sender=RecordingSender(), config=config())
            )
            for _ in range(3)
        ]
        yield Workers(opened, clock)


async def test_the_rest_leaves_the_next_day_and_no_retry_is_spent(
    workers: Workers, clock: FakeClock
) -> None:
    await workers.due(40)
    clock.set(NINE)
    await workers.deliver_all()
    await workers.settle()
    assert workers.attempts == CAP
    waiting = await workers.first.rows(
        "SELECT status, retry_count, next_attempt_at, error_message FROM message_logs "
        "WHERE status <> 'SENT'"
    )
    assert {(row["status"], row["retry_count"]) for row in waiting} == {("RETRYING", 0)}
    assert all("cap" in row["error_message"] for row in waiting)
    assert {row["next_attempt_at"] for row in waiting} == {MIDNIGHT}
    clock.set(NINE + timedelta(hours=14))
    await workers.deliver_all()
    assert workers.attempts == CAP, "nobody looks at them in vain"
    clock.set(MIDNIGHT)
    await workers.deliver_all()
    assert workers.attempts == 40
    assert set(await workers.first.statuses()) == {"SENT"}


async def test_workers_that_die_never_let_more_out_than_the_cap(
    database_url: str, clock: FakeClock, workers: Workers
) -> None:
    await workers.due(40)
    clock.set(NINE)
    batches = await workers.batches()
    hanging = RecordingSender(gate=asyncio.Event())
    async with open_pipeline(database_url, clock=clock, sender=hanging, config=config()) as doomed:
        dying = [asyncio.create_task(doomed.sending.deliver(batch)) for batch in batches[:2]]
        await hanging.wait_for(4)
        for task in dying:
            task.cancel()
        await asyncio.gather(*dying, return_exceptions=True)
    turns = (workers.pipelines[i % 3].sending.deliver(b) for i, b in enumerate(batches[2:]))
    await asyncio.gather(*turns)
    await workers.sweep()
    clock.advance(timedelta(minutes=10))
    await workers.deliver_all()
    today = workers.attempts + len(hanging.sent)
    assert today <= CAP
    assert today >= CAP - 10, "what died with a worker is lost for the day, and no more"
    clock.set(MIDNIGHT)
    await workers.deliver_all()
    assert workers.attempts + len(hanging.sent) - today <= CAP
    assert set(await workers.first.statuses()) == {"SENT"}
    keys = {row["idempotency_key"] for row in await workers.first.messages()}
    assert {key for each in workers.pipelines for key in each.sender.keys} == keys


async def test_who_waited_goes_before_who_is_new_whatever_the_type(
    workers: Workers, clock: FakeClock
) -> None:
    await workers.due(20)
    await workers.due(20, birthday_date=None, anniversary_date="2020-01-14")
    await workers.due(20, birthday_date="1990-01-15", timezone="Asia/Tokyo")
    clock.set(NINE)
    await workers.deliver_all()
    sent = "SELECT count(*) FROM message_logs WHERE status = 'SENT' AND delivery_date = $1"
    assert await workers.first.value(sent, NINE.date()) == CAP
    clock.set(MIDNIGHT)  # nine o'clock in Tokyo
    for batch in await workers.batches():
        await workers.first.sending.deliver(batch)
    assert await workers.first.value(sent, NINE.date()) == 40
    assert await workers.first.value(sent, MIDNIGHT.date()) == CAP - 15


async def test_what_would_be_too_late_by_then_is_skipped(
    workers: Workers, clock: FakeClock
) -> None:
    await workers.due(60)
    clock.set(NINE)
    await workers.deliver_all()
    clock.set(MIDNIGHT)
    await workers.deliver_all()
    assert workers.attempts == 2 * CAP
    clock.set(NINE + timedelta(days=1, seconds=1))
    await workers.first.recovery.run_once()
    statuses = await workers.first.statuses()
    assert (statuses.count("SENT"), statuses.count("SKIPPED")) == (50, 10)
    tried = "SELECT count(*) FROM message_attempts WHERE error_message LIKE '%cap%'"
    assert await workers.first.value(tried) >= 35 + 10
