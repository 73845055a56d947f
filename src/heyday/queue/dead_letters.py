"""Measure the queues, and look into that of dead letters."""

import contextlib
from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from heyday.domain.models import Batch
from heyday.domain.queue_ports import DeadBatch, QueueDepth, TransportName
from heyday.queue.bodies import UnreadableBody, decode
from heyday.queue.config import DEAD_QUEUE, QUEUE
from heyday.queue.connection import QueueConnection, explained
from heyday.queue.publisher import QueuePublisher

# What is taken to be looked at is nobody else's meanwhile, and in memory here.
_AT_ONCE = 10_000


class QueueDeadLetters:
    """Take messages of the dead-letter queue in hand; what is not done away with goes back."""

    def __init__(self, connection: QueueConnection, publisher: QueuePublisher) -> None:
        self._connection = connection
        self._publisher = publisher

    async def measure(self) -> QueueDepth:
        """Return how much there is, and how many consumers. Raises TransportError."""
        return await self._connection.open_channel(_measure)

    async def list_dead(self, limit: int) -> list[DeadBatch]:
        """Return up to so many, the oldest first. Raises TransportError."""
        async with self._held(limit) as messages:
            return [_dead(message) for message in messages]

    async def replay(self, ids: Collection[str] | None) -> int:
        """Have these, or all, delivered again; return how many there were. Raises TransportError.

        Each leaves this queue only when the other one has confirmed it.
        """
        replayed = 0
        async with self._held(_AT_ONCE) as messages:
            for message in messages:
                batch = _batch(message)
                if batch and _is_meant(message, ids):
                    await self._publisher.publish([batch])
                    await message.ack()
                    replayed += 1
        return replayed

    async def purge(self, ids: Collection[str] | None) -> int:
        """Delete these, or all, for good; return how many there were. Raises TransportError."""
        purged = 0
        async with self._held(_AT_ONCE) as messages:
            for message in messages:
                if _is_meant(message, ids):
                    await message.ack()
                    purged += 1
        return purged

    @contextlib.asynccontextmanager
    async def _held(self, limit: int) -> AsyncIterator[list[AbstractIncomingMessage]]:
        """Lend up to so many messages; those not acknowledged go back, as they were."""
        queue = await self._connection.open_channel(_find_queue)
        with explained():
            async with queue.channel:
                yield await _get(queue, limit)


async def _measure(channel: AbstractChannel) -> QueueDepth:
    async with channel:
        queue = (await channel.declare_queue(QUEUE, passive=True)).declaration_result
        dead = (await channel.declare_queue(DEAD_QUEUE, passive=True)).declaration_result
        return QueueDepth(
            transport=TransportName.RABBITMQ,
            waiting=queue.message_count or 0,
            workers=queue.consumer_count or 0,
            dead=dead.message_count or 0,
        )


async def _find_queue(channel: AbstractChannel) -> AbstractQueue:
    return await channel.get_queue(DEAD_QUEUE, ensure=False)


async def _get(queue: AbstractQueue, limit: int) -> list[AbstractIncomingMessage]:
    messages: list[AbstractIncomingMessage] = []
    while len(messages) < limit and (message := await queue.get(fail=False)):
        messages.append(message)
    return messages


def _is_meant(message: AbstractIncomingMessage, ids: Collection[str] | None) -> bool:
    return ids is None or message.message_id in ids


def _batch(message: AbstractIncomingMessage) -> Batch | None:
    try:
        return decode(message.body, message.headers)
    except UnreadableBody:
        return None


def _dead(message: AbstractIncomingMessage) -> DeadBatch:
    batch = _batch(message)
    deaths = message.headers.get("x-death")
    death = deaths[0] if isinstance(deaths, list) and deaths else None
    death = death if isinstance(death, dict) else {}
    died_at = death.get("time")
    return DeadBatch(
        id=message.message_id or "",
        reason=str(death.get("reason", "unknown")) if batch else "its body is no batch",
        batch=batch,
        died_at=died_at.astimezone(UTC) if isinstance(died_at, datetime) else None,
        size=len(message.body),
    )
