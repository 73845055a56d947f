"""RabbitMQ away, lost, wiped, full, or full of what is not ours."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aio_pika.connection import Connection

from heyday.domain.errors import TransportError
from heyday.domain.ports import Delivery
from heyday.queue.config import DEAD_QUEUE, EXCHANGE, QUEUE, ROUTING_KEY, QueueConfig
from heyday.queue.connection import QueueConnection
from heyday.queue.transport import QueueTransport
from tests.chaos.waiting import wait_until
from tests.integration.transports.labs import (
    CLOCK,
    WITHIN,
    batch,
    consuming,
    take,
    until_waiting,
)
from tests.proxy import Proxy, open_proxy
from tests.rabbitmq import RabbitServer, free_port, url_at

SECOND = timedelta(seconds=1)
ID = b"6b1d0c3ae7f84b0aa4a0a3a0c1d2e3f4"
BODY = (
    b'{"version":1,"id":"%ID","due_at":"2027-01-01T00:00:00Z","first_at":"2027-01-01T00:00:00Z",'
    b'"last_at":"2027-01-01T00:00:00Z","message_ids":["%ID"]}'
)


@pytest.fixture
async def transport(rabbit: RabbitServer) -> AsyncIterator[QueueTransport]:
    transport = QueueTransport(QueueConfig([rabbit.url]), CLOCK)
    yield transport
    await transport.close()


@pytest.fixture
async def proxy(rabbit: RabbitServer) -> AsyncIterator[Proxy]:
    async with open_proxy(rabbit.port) as proxy:
        yield proxy


@pytest.fixture
async def behind(proxy: Proxy) -> AsyncIterator[QueueTransport]:
    """A transport that gives up soon, behind a network that can be parted."""
    config = QueueConfig(
        [url_at(proxy.port)],
        confirm_timeout=0.5 * SECOND,
        connect_timeout=2 * SECOND,
        patience=SECOND,
        heartbeat=SECOND,
    )
    transport = QueueTransport(config, CLOCK)
    yield transport
    proxy.mend()
    await transport.close()


async def send(server: RabbitServer, body: bytes, *, exchange: str = EXCHANGE) -> None:
    """Publish anything."""
    async with await aio_pika.connect(server.url) as connection:
        channel = await connection.channel()
        found = await channel.get_exchange(exchange)
        await found.publish(aio_pika.Message(body, message_id="foreign"), ROUTING_KEY)


async def body_in(server: RabbitServer, queue: str) -> bytes:
    """Return the body of the next message of a queue."""
    async with await aio_pika.connect(server.url) as connection:
        channel = await connection.channel()
        message = await (await channel.get_queue(queue)).get()
        return message.body


class TestWhatIsNoBatch:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"hello",
            b"\xff\xfe",
            b"[]",
            b'{"version": 1}',
            b'{"version":2,"id":"3f0e","due_at":"2027-01-01T00:00:00Z"}',
            BODY.replace(b'["%ID"]', b"[]").replace(b"%ID", ID),
            BODY.replace(b"Z", b"").replace(b"%ID", ID),
            BODY.replace(b"]}", b'], "name":"Ada"}').replace(b"%ID", ID),
        ],
    )
    async def test_is_set_aside_and_the_next_one_arrives(
        self, transport: QueueTransport, rabbit: RabbitServer, body: bytes
    ) -> None:
        await transport.count_waiting()  # declares
        await send(rabbit, body)
        published = batch()
        await transport.publish([published])
        delivery = await take(transport)
        assert delivery.batch == published
        await delivery.ack()
        # RabbitMQ sets it aside in its own time.
        (dead,) = await wait_until(
            lambda: transport.dead_letters.list_dead(10), WITHIN, "what was set aside"
        )
        assert (dead.id, dead.batch, dead.size) == ("foreign", None, len(body))
        assert await transport.dead_letters.replay(None) == 0
        assert await body_in(rabbit, DEAD_QUEUE) == body
        assert await transport.dead_letters.purge(["foreign"]) == 1

    async def test_a_body_holds_ids_and_instants_alone(
        self, transport: QueueTransport, rabbit: RabbitServer
    ) -> None:
        published = batch(1)
        await transport.publish([published])
        body = await body_in(rabbit, QUEUE)
        assert published.message_ids[0].hex.encode() in body
        assert set(body.decode().split('"')[1::2]) - {
            *("version", "id", "due_at", "first_at", "last_at", "message_ids"),
            *(published.id.hex, published.message_ids[0].hex),
        } == {published.due_at.isoformat().replace("+00:00", "Z")}


class TestAway:
    async def test_at_the_start_is_waited_for(self, behind: QueueTransport, proxy: Proxy) -> None:
        proxy.cut()
        with pytest.raises(TransportError, match="not confirmed 1 of 1"):
            await behind.publish([batch()])
        with pytest.raises(TransportError, match="cannot be reached"):
            await behind.count_waiting()
        with pytest.raises(TransportError, match="cannot be reached"):
            await take(behind)
        proxy.mend()
        published = batch()
        await behind.publish([published])
        assert await _arrive(behind) == published.id

    async def test_leaves_no_connection_behind_that_is_not_closed(self) -> None:
        port = free_port()
        transport = QueueTransport(QueueConfig([url_at(port)]), CLOCK)
        with pytest.raises(TransportError, match="cannot be reached") as reached:
            await transport.count_waiting()
        assert reached.value.__cause__  # which has what was made in its frames
        made = [o for o in gc.get_objects() if isinstance(o, Connection) and o.url.port == port]
        assert made
        assert all(connection.is_closed for connection in made)

    async def test_for_a_moment_delays_and_loses_nothing(
        self, behind: QueueTransport, proxy: Proxy, transport: QueueTransport
    ) -> None:
        first, second = batch(), batch()
        await behind.publish([first])
        proxy.cut()
        publishing = asyncio.create_task(behind.publish([second]))
        await asyncio.wait({publishing}, timeout=0.3)
        assert not publishing.done()
        proxy.mend()
        await publishing
        arrived = {await _arrive(transport) for _ in range(2)}
        assert arrived == {first.id, second.id}

    async def test_for_long_is_known_and_ends(self, behind: QueueTransport, proxy: Proxy) -> None:
        async with consuming(behind) as following:
            await behind.publish([batch()])
            await (await following()).ack()
            proxy.cut()
            with pytest.raises(TransportError):
                await following()
        with pytest.raises(TransportError):
            await take(behind)
        assert behind.away_for > timedelta()
        back = asyncio.create_task(behind.wait_until_back())
        await asyncio.wait({back}, timeout=0.3)
        assert not back.done()
        proxy.mend()
        async with asyncio.timeout(10):
            await back
        assert behind.away_for == timedelta()

    async def test_behind_a_network_that_says_nothing_ends_both_ways(
        self, behind: QueueTransport, proxy: Proxy
    ) -> None:
        async with consuming(behind) as following:
            await behind.publish([batch()])
            await (await following()).ack()
            proxy.hold()
            async with asyncio.timeout(20):
                with pytest.raises(TransportError, match="not confirmed 1 of 1"):
                    await behind.publish([batch()])
                # The heartbeat stays away.
                with pytest.raises(TransportError):
                    await following()

    async def test_while_many_are_published_and_others_ask_is_told_as_what_it_is(
        self, proxy: Proxy
    ) -> None:
        """Who asks gives up first, and ends the connection under those who publish."""
        config = QueueConfig(
            [url_at(proxy.port)],
            confirm_timeout=5 * SECOND,
            connect_timeout=SECOND,
            patience=SECOND,
        )
        transport = QueueTransport(config, CLOCK)
        await transport.publish([batch()])
        proxy.hold()
        asked = [transport.publish([batch() for _ in range(22)]), transport.count_waiting()]
        told = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(error) for error in told] == [TransportError, TransportError]
        proxy.mend()
        await transport.publish([batch()])
        await transport.close()

    async def test_who_gives_up_waiting_leaves_no_channel_behind(
        self, rabbit: RabbitServer
    ) -> None:
        # rabbitmqctl may take a while to say what channels there are.
        config = QueueConfig([rabbit.url], connect_timeout=60 * SECOND)
        connection = QueueConnection(config, CLOCK, "probe")
        is_open = asyncio.Event()

        async def wait(_: AbstractChannel) -> None:
            is_open.set()
            await asyncio.Event().wait()

        async def look() -> bool:
            channels = await asyncio.to_thread(rabbit.control, "-q", "list_channels", "pid")
            return "<" not in channels

        opening = asyncio.create_task(connection.open_channel(wait))
        await is_open.wait()
        assert not await look()
        opening.cancel()
        await wait_until(look, WITHIN, "an end of the channel")
        await connection.reset()

    async def test_of_one_node_leads_to_the_next(self, rabbit: RabbitServer) -> None:
        config = QueueConfig([url_at(free_port()), rabbit.url], pause=timedelta())
        transport = QueueTransport(config, CLOCK)
        published = batch()
        await transport.publish([published])
        with pytest.raises(TransportError):
            await take(transport)
        delivery = await take(transport)
        assert delivery.batch == published
        await delivery.ack()
        await transport.close()

    async def test_what_was_delivered_comes_again(
        self, behind: QueueTransport, proxy: Proxy, transport: QueueTransport
    ) -> None:
        published = batch()
        await behind.publish([published])
        delivery = await take(behind)
        proxy.cut()
        # It may be on its way when the cut is seen.
        with contextlib.suppress(TransportError):
            await delivery.ack()
        again = await take(transport)
        assert again.batch == published
        await again.ack()


class TestBrokenByHand:
    async def test_a_queue_that_was_deleted_is_made_again(
        self, transport: QueueTransport, rabbit: RabbitServer
    ) -> None:
        async with consuming(transport) as following:
            await transport.publish([batch()])
            await (await following()).ack()
            await _delete_queue(rabbit)
            with pytest.raises(TransportError, match="ended"):
                await following()
        published = batch()
        await transport.publish([published])
        assert (await take(transport)).batch == published

    async def test_a_batch_that_nothing_routes_is_not_taken_for_confirmed(
        self, transport: QueueTransport, rabbit: RabbitServer
    ) -> None:
        await transport.publish([batch()])
        await _delete_queue(rabbit)
        published = batch()
        await transport.publish([published])
        await until_waiting(transport, 1)
        assert (await take(transport)).batch == published

    async def test_a_queue_of_other_arguments_is_explained(self, rabbit: RabbitServer) -> None:
        async with await aio_pika.connect(rabbit.url) as connection:
            channel = await connection.channel()
            await channel.declare_queue(QUEUE, durable=True)
        transport = QueueTransport(QueueConfig([rabbit.url]), CLOCK)
        with pytest.raises(TransportError, match="heyday queue topology"):
            await take(transport)
        await transport.close()


class TestNew:
    """A queue that nobody has marked."""

    async def test_is_the_first_one(self, transport: QueueTransport) -> None:
        assert await transport.is_new()
        assert await transport.is_new(), "to ask is no mark"
        await transport.mark()
        assert not await transport.is_new()

    async def test_is_one_in_the_place_of_one_that_was_deleted(
        self, transport: QueueTransport, rabbit: RabbitServer
    ) -> None:
        await transport.mark()
        async with await aio_pika.connect(rabbit.url) as connection:
            await (await connection.channel()).queue_delete(QUEUE)
        await transport.publish([batch()])
        assert await transport.is_new()

    async def test_is_none_after_a_restart(
        self, transport: QueueTransport, rabbit: RabbitServer
    ) -> None:
        await transport.mark()
        await asyncio.to_thread(rabbit.remember_queues)
        await asyncio.to_thread(rabbit.kill)
        await asyncio.to_thread(rabbit.start)
        await transport.publish([batch()])
        assert not await transport.is_new()


class TestServer:
    """What needs the server itself to be broken."""

    async def test_that_was_wiped_is_used_again(
        self, transport: QueueTransport, rabbit: RabbitServer
    ) -> None:
        await transport.publish([batch()])
        await transport.mark()
        await asyncio.to_thread(rabbit.wipe)
        published = batch()
        await transport.publish([published])
        assert await transport.is_new()
        assert (await take(transport)).batch == published

    @pytest.mark.parametrize(
        ("limit", "too_much", "enough"),
        [
            ("set_vm_memory_high_watermark absolute", "1MB", "1GB"),
            ("set_disk_free_limit", "1000000GB", "1MB"),
        ],
        ids=["memory", "disk"],
    )
    async def test_that_runs_short_stops_publishers_and_no_consumer(  # noqa: PLR0913, PLR0917
        self,
        behind: QueueTransport,
        transport: QueueTransport,
        rabbit: RabbitServer,
        limit: str,
        too_much: str,
        enough: str,
    ) -> None:
        before = batch()
        await behind.publish([before])
        await asyncio.to_thread(rabbit.control, *limit.split(), too_much)
        try:
            with pytest.raises(TransportError, match="not confirmed 500 of 500"):
                await behind.publish([batch() for _ in range(500)])
            assert await _arrive(transport) == before.id
        finally:
            await asyncio.to_thread(rabbit.control, *limit.split(), enough)
        after = batch()
        await behind.publish([after])
        async with asyncio.timeout(WITHIN), consuming(transport) as following:
            while (delivery := await following()).batch != after:
                await delivery.ack()


async def _arrive(transport: QueueTransport) -> UUID:
    """Take the next batch off the queue, asking again as workers do; return its id."""

    async def look() -> Delivery | None:
        try:
            return await take(transport)
        except TransportError:
            return None

    delivery = await wait_until(look, WITHIN, "a batch")
    await delivery.ack()
    return delivery.batch.id


async def _delete_queue(server: RabbitServer) -> None:
    async with await aio_pika.connect(server.url) as connection:
        await (await connection.channel()).queue_delete(QUEUE)
