"""PostgreSQL as the queue: at least once, most urgent first, shortly before its time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from heyday.db.connection import Database, PoolConfig
from heyday.db.notifications import BATCHES, Notifications
from heyday.db.transport import PostgresDelivery, PostgresTransport, TransportConfig
from heyday.db.types import PooledConnection
from heyday.domain.errors import DatabaseUnavailable, TransportError
from heyday.domain.models import Batch
from tests.fakes import START_AT, FakeClock

DUE_AT = START_AT + timedelta(hours=1)
SECOND = timedelta(seconds=1)
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
CONFIG = TransportConfig(lead=5 * SECOND, redeliver_after=150 * SECOND, poll=SECOND)


def batch(due_at: datetime = DUE_AT, ids: Sequence[UUID] = ()) -> Batch:
    return Batch(uuid4(), due_at, due_at, due_at, tuple(ids) or (uuid4(),))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(PoolConfig(database_url, min_size=1))
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def notifications(database_url: str) -> Notifications:
    return Notifications(database_url)


@pytest.fixture
def transport(
    database: Database, notifications: Notifications, clock: FakeClock
) -> PostgresTransport:
    return PostgresTransport(database, notifications, clock, CONFIG)


async def take(transport: PostgresTransport) -> PostgresDelivery:
    """Return the next delivery, which must be there now."""
    async with asyncio.timeout(5), contextlib.aclosing(transport.deliveries()) as deliveries:
        return await anext(deliveries)


async def is_empty(transport: PostgresTransport, clock: FakeClock) -> bool:
    """Tell whether a consumer that looks now goes to sleep without a delivery."""
    async with contextlib.aclosing(transport.deliveries()) as deliveries:
        looking = asyncio.ensure_future(anext(deliveries))
        sleeping = asyncio.ensure_future(clock.wait_for_sleepers())
        done, _ = await asyncio.wait({looking, sleeping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (looking, sleeping):
            task.cancel()
        await asyncio.gather(looking, sleeping, return_exceptions=True)
        return looking not in done


async def test_a_batch_arrives_as_it_was_published(
    transport: PostgresTransport, clock: FakeClock
) -> None:
    ids = [uuid4() for _ in range(500)]
    published = Batch(uuid4(), DUE_AT, DUE_AT - timedelta(days=1), DUE_AT, tuple(ids))
    await transport.publish([published])
    clock.set(DUE_AT)
    delivery = await take(transport)
    assert delivery.batch == published
    await delivery.ack()
    clock.advance(timedelta(days=1))
    assert await is_empty(transport, clock)


async def test_releases_that_follow_nothing_hand_over_and_take_as_ever(
    transport: PostgresTransport, database: Database, clock: FakeClock
) -> None:
    clock.set(DUE_AT)
    old, new = batch(), replace(batch(), traceparent=TRACEPARENT)
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO queue_batches (id, due_at, first_at, last_at, message_ids, visible_at)"
            " VALUES ($1, $2, $2, $2, $3, $2)",
            *(old.id, DUE_AT, old.message_ids),
        )
        delivery = await take(transport)
        assert (delivery.batch, delivery.batch.traceparent) == (old, None)
        await delivery.ack()
        await transport.publish([new])
        row = await connection.fetchrow(
            "UPDATE queue_batches SET delivery_count = 1"
            " RETURNING id, due_at, first_at, last_at, message_ids"
        )
        assert row is not None
        assert (row["id"], tuple(row["message_ids"])) == (new.id, new.message_ids)


async def test_what_is_no_traceparent_in_its_row_follows_nothing(
    transport: PostgresTransport, clock: FakeClock
) -> None:
    await transport.publish([replace(batch(), traceparent="zoe@example.com")])
    clock.set(DUE_AT)
    assert (await take(transport)).batch.traceparent is None


async def test_a_batch_shows_shortly_before_it_is_due_and_not_sooner(
    transport: PostgresTransport, clock: FakeClock
) -> None:
    await transport.publish([batch()])
    clock.set(DUE_AT - CONFIG.lead - timedelta(microseconds=1))
    assert await is_empty(transport, clock)
    clock.set(DUE_AT - CONFIG.lead)
    assert (await take(transport)).batch.due_at == DUE_AT


async def test_a_batch_that_nobody_acknowledges_shows_again_in_time(
    transport: PostgresTransport, clock: FakeClock
) -> None:
    await transport.publish([batch()])
    clock.set(DUE_AT - CONFIG.lead)
    first = await take(transport)
    clock.set(DUE_AT - CONFIG.lead + CONFIG.redeliver_after - timedelta(microseconds=1))
    assert await is_empty(transport, clock)
    clock.set(DUE_AT - CONFIG.lead + CONFIG.redeliver_after)
    again = await take(transport)
    assert again.batch == first.batch
    await again.ack()
    await first.ack()  # late, and no fault


class LosesAnAnswer(Database):
    """Break once, after PostgreSQL did what was asked."""

    breaks_next = False

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[PooledConnection]:
        async with super().connection() as connection:
            yield connection
        if self.breaks_next:
            self.breaks_next = False
            raise DatabaseUnavailable("the answer is lost")


async def test_what_was_taken_by_an_answer_that_was_lost_is_taken_again_at_once(
    transport: PostgresTransport, database_url: str, notifications: Notifications, clock: FakeClock
) -> None:
    await transport.publish([batch(), batch()])
    clock.set(DUE_AT)
    held = await take(transport)
    clock.advance(SECOND)
    unlucky = LosesAnAnswer(PoolConfig(database_url, min_size=1))
    await unlucky.open()
    try:
        other = PostgresTransport(unlucky, notifications, clock, CONFIG)
        unlucky.breaks_next = True
        with pytest.raises(DatabaseUnavailable):
            await take(other)
        assert await is_empty(transport, clock)
        clock.advance(SECOND)
        # Its own, and not the one that another worker holds.
        assert (await take(other)).batch != held.batch
        assert await is_empty(other, clock)
    finally:
        await unlucky.close()


async def test_a_batch_that_is_released_shows_at_once(
    transport: PostgresTransport, clock: FakeClock
) -> None:
    await transport.publish([batch()])
    clock.set(DUE_AT)
    delivery = await take(transport)
    assert await is_empty(transport, clock)
    await delivery.release()
    assert (await take(transport)).batch == delivery.batch


async def test_a_batch_that_was_acknowledged_does_not_come_back_by_release(
    transport: PostgresTransport, clock: FakeClock
) -> None:
    await transport.publish([batch()])
    clock.set(DUE_AT)
    delivery = await take(transport)
    await delivery.ack()
    await delivery.release()
    assert await is_empty(transport, clock)


async def test_the_most_urgent_comes_first(transport: PostgresTransport, clock: FakeClock) -> None:
    instants = [DUE_AT + n * SECOND for n in (2, 0, 1)]
    await transport.publish([batch(at) for at in instants])
    clock.set(DUE_AT)
    taken = [(await take(transport)).batch.due_at for _ in range(3)]
    assert taken == sorted(instants)


async def test_takers_at_once_get_different_batches(
    transport: PostgresTransport, clock: FakeClock
) -> None:
    published = [batch() for _ in range(8)]
    await transport.publish(published)
    clock.set(DUE_AT)
    deliveries = await asyncio.gather(*(take(transport) for _ in range(8)))
    assert {d.batch.id for d in deliveries} == {b.id for b in published}


async def test_publishing_the_same_batch_twice_is_publishing_it_once(
    transport: PostgresTransport, clock: FakeClock
) -> None:
    same = batch()
    await transport.publish([same])
    await transport.publish([same])
    clock.set(DUE_AT)
    await (await take(transport)).ack()
    assert await is_empty(transport, clock)


async def test_batches_are_handed_over_all_or_none(
    transport: PostgresTransport, clock: FakeClock
) -> None:
    without_ids = Batch(uuid4(), DUE_AT, DUE_AT, DUE_AT, ())
    with pytest.raises(TransportError):
        await transport.publish([batch(), without_ids])
    clock.set(DUE_AT)
    assert await is_empty(transport, clock)


async def test_publishing_nothing_is_no_fault(transport: PostgresTransport) -> None:
    await transport.publish([])


async def test_a_lost_database_is_an_unsure_handover(
    database_url: str, notifications: Notifications, clock: FakeClock
) -> None:
    away = Database(PoolConfig(database_url, min_size=1, patience=0.1 * SECOND))
    transport = PostgresTransport(away, notifications, clock, CONFIG)
    with pytest.raises(TransportError):
        await transport.publish([batch()])


async def test_a_waiting_consumer_wakes_when_a_batch_is_announced(
    transport: PostgresTransport, notifications: Notifications, clock: FakeClock
) -> None:
    clock.set(DUE_AT)
    listening = asyncio.create_task(notifications.run())
    async with asyncio.timeout(10), contextlib.aclosing(transport.deliveries()) as deliveries:
        heard = notifications.event(BATCHES)
        await heard.wait()  # set once when listening begins
        waiting = asyncio.create_task(anext(deliveries))
        await clock.wait_for_sleepers()
        published = batch()
        await transport.publish([published])
        # The clock stands still: polling alone would never find it.
        assert (await waiting).batch == published
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_a_consumer_polls_where_nothing_is_announced(
    transport: PostgresTransport, clock: FakeClock
) -> None:
    clock.set(DUE_AT)
    async with asyncio.timeout(10), contextlib.aclosing(transport.deliveries()) as deliveries:
        waiting = asyncio.create_task(anext(deliveries))
        await clock.wait_for_sleepers()
        published = batch()
        await transport.publish([published])
        clock.advance(CONFIG.poll)
        assert (await waiting).batch == published


async def test_a_consumer_that_is_stopped_gives_back_what_it_was_taking(
    transport: PostgresTransport, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await transport.publish([batch()])
    clock.set(DUE_AT)
    take_now, is_taken, answer = transport._take, asyncio.Event(), asyncio.Event()  # noqa: SLF001

    async def take_slowly() -> Batch | None:
        taken = await take_now()
        is_taken.set()
        await answer.wait()
        return taken

    monkeypatch.setattr(transport, "_take", take_slowly)
    async with contextlib.aclosing(transport.deliveries()) as deliveries:
        taking = asyncio.create_task(anext(deliveries))
        await is_taken.wait()
        taking.cancel()
        answer.set()
        with pytest.raises(asyncio.CancelledError):
            await taking
    monkeypatch.undo()
    assert not await is_empty(transport, clock)
