"""Join publisher and consumer: RabbitMQ as the transport."""

from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta

from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelNotFoundEntity

from heyday.domain.models import Batch
from heyday.domain.ports import Clock
from heyday.queue.config import MARK, QUEUE, ROUTING_KEY, QueueConfig
from heyday.queue.connection import QueueConnection
from heyday.queue.consumer import QueueConsumer, QueueDelivery
from heyday.queue.dead_letters import QueueDeadLetters
from heyday.queue.publisher import QueuePublisher


class QueueTransport:
    """Carry batches in RabbitMQ: at least once, oldest first.

    Publishing has a connection of its own, for RabbitMQ stops reading from it when memory or disk
    run low, and acknowledgements must go through.
    """

    def __init__(self, config: QueueConfig, clock: Clock) -> None:
        self._publishing = QueueConnection(config, clock, "publisher")
        self._consuming = QueueConnection(config, clock, "consumer")
        self._publisher = QueuePublisher(self._publishing, clock, config)
        self._consumer = QueueConsumer(self._consuming, config)
        self.dead_letters = QueueDeadLetters(self._publishing, self._publisher)

    @property
    def away_for(self) -> timedelta:
        """Return for how long nothing could be consumed; zero if nobody found that."""
        return self._consuming.away_for

    async def publish(self, batches: Sequence[Batch]) -> None:
        """Hand batches over; each is on a majority of the nodes. Raises TransportError."""
        await self._publisher.publish(batches)

    async def count_waiting(self) -> int:
        """Return how many batches are ready for workers. Raises TransportError."""
        return await self._publishing.open_channel(_count)

    async def is_new(self) -> bool:
        """Tell whether nobody has marked the queue since it was made. Raises TransportError."""
        return await self._publishing.open_channel(_is_unmarked)

    async def mark(self) -> None:
        """Mark it. The mark is gone with the queue. Raises TransportError."""
        await self._publishing.open_channel(_mark)

    def deliveries(self) -> AsyncGenerator[QueueDelivery, None]:
        """Yield batches as soon as they are there. Raises TransportError when RabbitMQ is lost."""
        return self._consumer.deliveries()

    async def wait_until_back(self) -> None:
        """Return once workers can consume."""
        await self._consumer.wait_until_back()

    async def close(self) -> None:
        """End both connections."""
        await self._publishing.reset()
        await self._consuming.reset()


async def _count(channel: AbstractChannel) -> int:
    async with channel:
        queue = await channel.declare_queue(QUEUE, passive=True)
        return queue.declaration_result.message_count or 0


async def _is_unmarked(channel: AbstractChannel) -> bool:
    try:
        await channel.get_exchange(MARK)
    except ChannelNotFoundEntity:
        return True  # which closes the channel
    await channel.close()
    return False


async def _mark(channel: AbstractChannel) -> None:
    async with channel:
        mark = await channel.declare_exchange(MARK, "topic", durable=True, auto_delete=True)
        queue = await channel.get_queue(QUEUE, ensure=False)
        await queue.bind(mark, ROUTING_KEY)
