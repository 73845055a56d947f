"""What the tests of transports can do with each, whatever it stands on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import uuid4

import aio_pika
import asyncpg

from heyday.clock import SystemClock
from heyday.db.connection import Database, PoolConfig
from heyday.db.dead_batches import PostgresDeadLetters
from heyday.db.notifications import Notifications
from heyday.db.transport import PostgresTransport, TransportConfig
from heyday.domain.models import Batch
from heyday.domain.ports import Delivery, Transport
from heyday.domain.queue_ports import DeadLetters
from heyday.queue.config import QUEUE, QueueConfig
from heyday.queue.transport import QueueTransport
from tests.chaos.server import Server
from tests.chaos.waiting import wait_until
from tests.proxy import open_proxy
from tests.rabbitmq import RabbitServer, url_at

CLOCK = SystemClock()
WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class Process:
    """Hold what one process of Heyday has of a transport.

    die: end it as a kill would, without a word.
    """

    transport: Transport
    dead_letters: DeadLetters
    die: Callable[[], None]


class Lab(Protocol):
    """Open processes on one and the same transport."""

    delivery_limit: int

    async def open(self) -> Process:
        """Return one more process."""
        ...

    async def lose(self) -> None:
        """Have the transport forget every batch."""
        ...

    async def crash(self) -> None:
        """End its server at once, and start it again."""
        ...


class PostgresLab:
    """Have processes on a database; a batch that nobody acknowledges comes again soon.

    server: that of the database, if it may be broken.
    """

    delivery_limit = 3

    def __init__(self, url: str, stack: AsyncExitStack, server: Server | None = None) -> None:
        self._url = url
        self._stack = stack
        self._server = server

    async def open(self) -> Process:
        config = TransportConfig(
            redeliver_after=timedelta(seconds=1),
            poll=timedelta(milliseconds=50),
            delivery_limit=self.delivery_limit,
        )
        database = Database(PoolConfig(self._url, min_size=1))
        await database.open()
        self._stack.push_async_callback(database.close)
        transport = PostgresTransport(database, Notifications(self._url), CLOCK, config)
        # What a connection that was cut off has taken is committed: nothing is left to be done.
        dead_letters = PostgresDeadLetters(database, CLOCK, config)
        return Process(transport, dead_letters, lambda: None)

    async def lose(self) -> None:
        connection = await asyncpg.connect(self._url)
        await connection.execute("DELETE FROM queue_batches")
        await connection.close()

    async def crash(self) -> None:
        assert self._server is not None
        await self._server.crash()
        await self._server.start()


class RabbitLab:
    """Have processes on a RabbitMQ."""

    delivery_limit = 20

    def __init__(self, server: RabbitServer, stack: AsyncExitStack) -> None:
        self._server = server
        self._stack = stack

    async def open(self) -> Process:
        proxy = await self._stack.enter_async_context(open_proxy(self._server.port))
        url = url_at(proxy.port)
        transport = QueueTransport(QueueConfig([url]), CLOCK)
        self._stack.push_async_callback(transport.close)
        return Process(transport, transport.dead_letters, proxy.cut)

    async def lose(self) -> None:
        async with await aio_pika.connect(self._server.url) as connection:
            await (await (await connection.channel()).get_queue(QUEUE)).purge()

    async def crash(self) -> None:
        await asyncio.to_thread(self._server.remember_queues)
        await asyncio.to_thread(self._server.kill)
        await asyncio.to_thread(self._server.start)


def batch(size: int = 2, late: timedelta = timedelta()) -> Batch:
    """Return a batch that is due now, or has been for so long."""
    due_at = CLOCK.now() - late
    return Batch(uuid4(), due_at, due_at, due_at, tuple(uuid4() for _ in range(size)))


@contextlib.asynccontextmanager
async def consuming(transport: Transport) -> AsyncIterator[Callable[[], "asyncio.Task[Delivery]"]]:
    """Lend what asks for the next delivery."""
    async with contextlib.aclosing(transport.deliveries()) as deliveries:
        yield lambda: asyncio.create_task(anext(deliveries))


async def take(transport: Transport) -> Delivery:
    """Return the next delivery, and stop consuming."""
    async with asyncio.timeout(WITHIN), consuming(transport) as following:
        return await following()


async def until_waiting(transport: Transport, count: int) -> None:
    """Return once so many batches wait for workers."""

    async def look() -> bool:
        return await transport.count_waiting() == count

    await wait_until(look, WITHIN, f"{count} batches that wait")
