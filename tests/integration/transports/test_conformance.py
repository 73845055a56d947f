"""What schedulers and workers rely on, of whichever transport."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

from heyday.domain.errors import DatabaseError, TransportError
from heyday.domain.models import Batch
from heyday.domain.ports import Transport
from tests.chaos.waiting import wait_until
from tests.integration.transports.labs import (
    WITHIN,
    Lab,
    batch,
    consuming,
    take,
    until_waiting,
)

HOUR = timedelta(hours=1)
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


async def test_a_batch_arrives_as_it_was_published(lab: Lab) -> None:
    here, there = await lab.open(), await lab.open()
    published = batch(500)
    await here.transport.publish([published])
    delivery = await take(there.transport)
    assert delivery.batch == published
    await delivery.ack()
    await until_waiting(here.transport, 0)


async def test_by_what_a_batch_is_followed_arrives_with_it(lab: Lab) -> None:
    here, there = await lab.open(), await lab.open()
    for traceparent in (TRACEPARENT, None):
        await here.transport.publish([replace(batch(), traceparent=traceparent)])
        delivery = await take(there.transport)
        assert delivery.batch.traceparent == traceparent
        await delivery.ack()


async def test_what_is_acknowledged_never_comes_again(lab: Lab) -> None:
    here, there = await lab.open(), await lab.open()
    first, second = batch(), batch()
    await here.transport.publish([first])
    await (await take(here.transport)).ack()
    await here.transport.publish([second])
    assert (await take(there.transport)).batch == second


async def test_many_batches_arrive_once_each(lab: Lab, batches: int) -> None:
    here, there = await lab.open(), await lab.open()
    published = [batch() for _ in range(batches)]
    await here.transport.publish(published)
    arrived: list[Batch] = []
    async with consuming(there.transport) as following:
        for _ in published:
            delivery = await following()
            arrived.append(delivery.batch)
            await delivery.ack()
    assert sorted(arrived, key=id_of) == sorted(published, key=id_of)
    await until_waiting(here.transport, 0)


async def test_batches_arrive_whatever_order_they_come_in(lab: Lab) -> None:
    here, there = await lab.open(), await lab.open()
    published = [batch(late=number % 7 * HOUR) for number in range(30)]
    for some in (published[15:], published[:15]):
        await here.transport.publish(some)
    async with consuming(there.transport) as following:
        deliveries = [await following() for _ in published]
        # Workers end batches in an order of their own as well.
        for delivery in sorted(deliveries, key=lambda each: each.batch.id):
            await delivery.ack()
    assert sorted((each.batch for each in deliveries), key=id_of) == sorted(published, key=id_of)
    await until_waiting(here.transport, 0)


async def test_what_a_transport_lost_is_gone_and_the_next_batch_arrives(lab: Lab) -> None:
    here, there = await lab.open(), await lab.open()
    async with consuming(there.transport) as following:
        await here.transport.publish([batch()])
        held = await following()
        await here.transport.publish([batch() for _ in range(40)])
        await lab.lose()
        # It is gone, or its consumer holds it: to acknowledge it is no fault either way.
        await held.ack()
        published = batch()
        await here.transport.publish([published])
        arrived = (await following()).batch
        while arrived != published:
            arrived = (await following()).batch


async def test_what_was_published_outlives_the_server(breakable: Lab) -> None:
    here, there = await breakable.open(), await breakable.open()
    published = [batch() for _ in range(50)]
    await here.transport.publish(published)
    held = await take(there.transport)
    await breakable.crash()
    await until_arrived(there.transport, {held.batch.id, *(each.id for each in published)})
    await here.transport.publish([other := batch()])
    await until_arrived(there.transport, {other.id})


async def test_consumers_at_once_share_what_there_is(lab: Lab) -> None:
    processes = [await lab.open() for _ in range(3)]
    published = [batch() for _ in range(30)]
    arrived: list[Batch] = []

    async def work(number: int) -> None:
        async with consuming(processes[number].transport) as following:
            while len(arrived) < len(published):
                waiting = following()
                done, _ = await asyncio.wait({waiting}, timeout=0.2)
                if not done:
                    waiting.cancel()
                    await asyncio.gather(waiting, return_exceptions=True)
                    return
                delivery = waiting.result()
                arrived.append(delivery.batch)
                await delivery.ack()

    await processes[0].transport.publish(published)
    await asyncio.gather(*(work(number) for number in range(3)))
    assert sorted(arrived, key=id_of) == sorted(published, key=id_of)


async def test_a_batch_that_is_released_comes_again_at_once(lab: Lab) -> None:
    here, there = await lab.open(), await lab.open()
    published = batch()
    await here.transport.publish([published])
    delivery = await take(here.transport)
    await delivery.release()
    assert (await take(there.transport)).batch == published


async def test_a_batch_whose_consumer_died_comes_to_another(lab: Lab) -> None:
    here, there = await lab.open(), await lab.open()
    published = batch()
    await here.transport.publish([published])
    async with consuming(here.transport) as following:
        assert (await following()).batch == published
        here.die()
        again = await take(there.transport)
    assert again.batch == published


async def test_who_stops_keeps_what_it_was_given_and_nothing_else(lab: Lab) -> None:
    here, there = await lab.open(), await lab.open()
    published = [batch() for _ in range(5)]
    await here.transport.publish(published)
    held = await take(here.transport)
    others = []
    async with consuming(there.transport) as following:
        for _ in range(4):
            delivery = await following()
            others.append(delivery.batch)
            await delivery.ack()
    await held.ack()
    assert sorted([held.batch, *others], key=id_of) == sorted(published, key=id_of)
    await until_waiting(there.transport, 0)


async def test_a_batch_that_was_published_twice_arrives(lab: Lab) -> None:
    here, there = await lab.open(), await lab.open()
    same = batch()
    await here.transport.publish([same])
    await here.transport.publish([same])
    delivery = await take(there.transport)
    assert delivery.batch == same
    await delivery.ack()


async def test_publishing_nothing_is_no_fault(lab: Lab) -> None:
    here = await lab.open()
    await here.transport.publish([])
    assert await here.transport.count_waiting() == 0


async def test_a_queue_that_was_marked_is_known_to_all(lab: Lab) -> None:
    here, there = await lab.open(), await lab.open()
    await here.transport.mark()
    await here.transport.mark()
    assert not await here.transport.is_new()
    await here.transport.publish([batch()])
    await (await take(there.transport)).ack()
    assert not await there.transport.is_new()


async def test_a_slow_consumer_leaves_batches_to_others(lab: Lab) -> None:
    slow, quick = await lab.open(), await lab.open()
    published = [batch() for _ in range(100)]
    await slow.transport.publish(published)
    async with consuming(slow.transport) as following:
        held = await following()
        await (await take(quick.transport)).ack()
        await held.ack()


async def test_a_batch_that_fails_again_and_again_is_set_aside(lab: Lab) -> None:
    here = await lab.open()
    poison, other = replace(batch(), traceparent=TRACEPARENT), batch()
    await here.transport.publish([poison])
    deliveries = 0
    while not (dead := await here.dead_letters.list_dead(10)):
        # For a moment it is neither in the queue nor among what was set aside.
        if await here.transport.count_waiting():
            deliveries += 1
            await (await take(here.transport)).release()
    assert lab.delivery_limit <= deliveries <= lab.delivery_limit + 1
    (found,) = dead
    assert found.batch == poison
    assert await here.transport.count_waiting() == 0

    # The others go on.
    await here.transport.publish([other])
    delivery = await take(here.transport)
    assert delivery.batch == other
    await delivery.ack()

    assert await here.dead_letters.replay([str(uuid4())]) == 0
    assert await here.dead_letters.replay([found.id]) == 1
    again = await take(here.transport)
    assert (again.batch, again.batch.traceparent) == (poison, TRACEPARENT)
    await again.ack()
    assert await here.dead_letters.list_dead(10) == []


async def test_the_queue_tells_how_much_it_holds(lab: Lab) -> None:
    here = await lab.open()
    await here.transport.publish([batch(), batch()])

    async def holds(waiting: int, dead: int) -> bool:
        depth = await here.dead_letters.measure()
        return (depth.waiting, depth.dead) == (waiting, dead)

    await wait_until(lambda: holds(2, 0), WITHIN, "two batches that wait")
    await (await take(here.transport)).ack()
    while not await here.dead_letters.list_dead(10):
        if await here.transport.count_waiting():
            await (await take(here.transport)).release()
    await wait_until(lambda: holds(0, 1), WITHIN, "one that was set aside")


async def test_what_was_set_aside_can_be_deleted(lab: Lab) -> None:
    here = await lab.open()
    published = [batch() for _ in range(3)]
    await here.transport.publish(published)
    while len(await here.dead_letters.list_dead(10)) < len(published):
        if await here.transport.count_waiting():
            await (await take(here.transport)).release()
    first, *_ = await here.dead_letters.list_dead(1)
    assert await here.dead_letters.purge([first.id]) == 1
    assert first.id not in {each.id for each in await here.dead_letters.list_dead(10)}
    assert await here.dead_letters.purge(None) == 2
    assert await here.dead_letters.list_dead(10) == []
    assert await here.transport.count_waiting() == 0


def id_of(one: Batch) -> str:
    return str(one.id)


async def until_arrived(transport: Transport, wanted: set[UUID]) -> None:
    """Return once these batches have come from a server that was away, and no other."""
    arrived: set[UUID] = set()

    async def look() -> bool:
        with contextlib.suppress(DatabaseError, TransportError):
            async with consuming(transport) as following:
                while arrived != wanted:
                    delivery = await following()
                    arrived.add(delivery.batch.id)
                    await delivery.ack()
        return arrived == wanted

    await wait_until(look, 2 * WITHIN, "batches after the server died")
