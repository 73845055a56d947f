"""While the broker is away, workers take what is due from PostgreSQL; each greeting once."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from heyday.domain.errors import TransportError
from heyday.domain.models import Batch
from heyday.domain.ports import Delivery
from heyday.services.without_broker import WithoutBroker, WithoutBrokerConfig
from tests.factories import Pipeline
from tests.fakes import FakeClock

SECOND = timedelta(seconds=1)
NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
CONFIG = WithoutBrokerConfig(after=60 * SECOND, queued_for=30 * SECOND, batch_size=2)


class AwayBroker:
    """Have been away for some time; refuse everything until it is back."""

    def __init__(self) -> None:
        self.away_for = timedelta()
        self.nothing: list[Delivery] = []
        self.back = asyncio.Event()

    async def publish(self, batches: Sequence[Batch]) -> None:
        raise TransportError(f"{len(batches)} batches: away")

    async def count_waiting(self) -> int:
        raise TransportError("away")

    async def is_new(self) -> bool:
        raise TransportError("away")

    async def mark(self) -> None:
        raise TransportError("away")

    async def deliveries(self) -> AsyncGenerator[Delivery, None]:
        for each in self.nothing:
            yield each
        raise TransportError("away")

    async def wait_until_back(self) -> None:
        await self.back.wait()


@pytest.fixture
def broker() -> AwayBroker:
    return AwayBroker()


def transport(
    pipeline: Pipeline, broker: AwayBroker, config: WithoutBrokerConfig = CONFIG
) -> WithoutBroker:
    return WithoutBroker(broker, pipeline.database, pipeline.planner, pipeline.clock, config)


async def test_what_could_not_be_published_is_delivered_from_postgresql(
    pipeline: Pipeline, broker: AwayBroker, clock: FakeClock
) -> None:
    keys = await queued(pipeline, count=5)
    carrier = transport(pipeline, broker)
    broker.away_for = CONFIG.after or timedelta()
    clock.advance(CONFIG.queued_for + SECOND)
    async with asyncio.timeout(10), contextlib.aclosing(carrier.deliveries()) as deliveries:
        for _ in range(3):
            delivery = await anext(deliveries)
            assert len(delivery.batch.message_ids) <= CONFIG.batch_size
            assert delivery.batch.due_at == NINE
            await pipeline.sending.deliver(delivery.batch)
            await delivery.ack()
    assert sorted(pipeline.sender.keys) == keys
    assert await pipeline.statuses() == ["SENT"] * 5


async def test_two_workers_take_different_greetings(
    pipeline: Pipeline, broker: AwayBroker, clock: FakeClock
) -> None:
    await queued(pipeline, count=4)
    broker.away_for = CONFIG.after or timedelta()
    clock.advance(CONFIG.queued_for + SECOND)
    taken = set()
    async with asyncio.timeout(10):
        for _ in range(2):
            carrier = transport(pipeline, broker)
            async with contextlib.aclosing(carrier.deliveries()) as deliveries:
                taken |= set((await anext(deliveries)).batch.message_ids)
    assert len(taken) == 4


async def test_what_a_dead_worker_took_is_taken_again(
    pipeline: Pipeline, broker: AwayBroker, clock: FakeClock
) -> None:
    await queued(pipeline, count=1)
    broker.away_for = CONFIG.after or timedelta()
    for _ in range(2):
        clock.advance(CONFIG.queued_for + SECOND)
        carrier = transport(pipeline, broker)
        async with asyncio.timeout(10), contextlib.aclosing(carrier.deliveries()) as deliveries:
            delivery = await anext(deliveries)
            await delivery.release()
            assert len(delivery.batch.message_ids) == 1


@pytest.mark.parametrize("config", [CONFIG, replace(CONFIG, after=None)])
async def test_a_broker_that_is_away_for_a_moment_or_is_waited_for_is_all_there_is(
    pipeline: Pipeline, broker: AwayBroker, clock: FakeClock, config: WithoutBrokerConfig
) -> None:
    await queued(pipeline, count=1)
    clock.advance(CONFIG.queued_for + SECOND)
    away = timedelta(days=1) if config.after is None else config.after - SECOND
    broker.away_for = away
    with pytest.raises(TransportError):
        await anext(transport(pipeline, broker, config).deliveries())


async def test_a_broker_that_is_back_is_used_again(
    pipeline: Pipeline, broker: AwayBroker, clock: FakeClock
) -> None:
    broker.away_for = CONFIG.after or timedelta()
    deliveries = transport(pipeline, broker).deliveries()
    waiting = asyncio.create_task(anext(deliveries))
    await clock.wait_for_sleepers()
    assert not waiting.done()
    broker.back.set()
    clock.advance(CONFIG.poll)
    async with asyncio.timeout(10):
        with pytest.raises(TransportError):  # the broker of this test delivers nothing
            await waiting


async def queued(pipeline: Pipeline, *, count: int) -> list[str]:
    """Have greetings QUEUED and due whose batches never reached the broker; return their keys."""
    for _ in range(count):
        await pipeline.insert(timezone="Europe/London", birthday_date="1990-01-15")
    await pipeline.daily.run_once()
    clock = pipeline.clock
    assert isinstance(clock, FakeClock)
    clock.set(NINE)
    await pipeline.minute.run_once()
    await pipeline.execute("DELETE FROM queue_batches")
    return sorted(row["idempotency_key"] for row in await pipeline.messages())
