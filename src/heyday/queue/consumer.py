"""Take batches from RabbitMQ, and acknowledge each when it is seen through."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from heyday.domain.errors import TransportError
from heyday.domain.models import Batch
from heyday.queue.bodies import UnreadableBody, decode
from heyday.queue.config import QUEUE, QueueConfig
from heyday.queue.connection import QueueConnection, explained, farewell

log = structlog.get_logger()


@dataclass(eq=False)
class _Consumption:
    """Hold one channel with what arrived on it, until the last delivery is settled."""

    channel: AbstractChannel
    queue: AbstractQueue
    tag: str = ""
    arrived: "asyncio.Queue[AbstractIncomingMessage | None]" = field(default_factory=asyncio.Queue)
    held: set[Batch] = field(default_factory=set)
    is_over: bool = False

    async def settle(self) -> None:
        """Close the channel if nobody needs it any more."""
        if self.is_over and not self.held:
            async with farewell():
                await self.channel.close()

    def end(self, *_: object) -> None:
        """Say that nothing more arrives: the channel or the queue is gone."""
        self.arrived.put_nowait(None)


@dataclass(eq=False, slots=True)
class QueueDelivery:
    """Hold a batch that was delivered and not yet acknowledged."""

    batch: Batch
    message: AbstractIncomingMessage
    consumption: _Consumption

    async def ack(self) -> None:
        """Take the batch off the queue for good. Raises TransportError: it then comes again."""
        await self._settle(is_done=True)

    async def release(self) -> None:
        """Give the batch back, to be delivered again at once. Raises TransportError."""
        await self._settle(is_done=False)

    async def _settle(self, *, is_done: bool) -> None:
        self.consumption.held.discard(self.batch)
        try:
            with explained():
                if is_done:
                    await self.message.ack()
                else:
                    await self.message.nack(requeue=True)
        finally:
            await self.consumption.settle()


class QueueConsumer:
    """Consume with a prefetch; what cannot be read goes to the dead-letter queue."""

    def __init__(self, connection: QueueConnection, config: QueueConfig) -> None:
        self._connection = connection
        self._config = config

    async def deliveries(self) -> AsyncGenerator[QueueDelivery, None]:
        """Yield batches until the channel is lost. Raises TransportError then.

        Close it to stop: what arrived and was not yielded goes back; what was yielded can still be
        acknowledged.
        """
        consumption = await self._connection.open_channel(self._begin)
        try:
            while message := await consumption.arrived.get():
                if batch := await _read(message):
                    consumption.held.add(batch)
                    yield QueueDelivery(batch, message, consumption)
            raise TransportError("RabbitMQ ended the consumer")
        finally:
            await _end(consumption)

    async def wait_until_back(self) -> None:
        """Return once batches can be consumed."""
        while True:
            try:
                consumption = await self._connection.open_channel(self._begin)
            except TransportError:
                continue  # the next try makes a pause
            return await _end(consumption)

    async def _begin(self, channel: AbstractChannel) -> _Consumption:
        await channel.set_qos(prefetch_count=self._config.prefetch)
        queue = await channel.get_queue(QUEUE, ensure=False)
        consumption = _Consumption(channel, queue)
        channel.close_callbacks.add(consumption.end)
        # The queue may be deleted by hand: RabbitMQ then cancels the consumer.
        underlay = await channel.get_underlay_channel()
        underlay.on_consumer_cancel_callbacks.add(consumption.end)
        consumption.tag = await queue.consume(consumption.arrived.put)
        return consumption


async def _read(message: AbstractIncomingMessage) -> Batch | None:
    """Return the batch; or None, and set aside what is none. Raises TransportError."""
    try:
        return decode(message.body, message.headers)
    except UnreadableBody:
        log.warning("body_unreadable", bytes=len(message.body))
    with explained():
        await message.reject(requeue=False)
    return None


async def _end(consumption: _Consumption) -> None:
    """Take nothing more, and give back what nobody has seen."""
    consumption.is_over = True
    async with farewell():
        await consumption.queue.cancel(consumption.tag)
        while not consumption.arrived.empty():
            if message := consumption.arrived.get_nowait():
                await message.nack(requeue=True)
    await consumption.settle()
