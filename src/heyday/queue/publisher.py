"""Hand batches over to RabbitMQ until it has confirmed each."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import structlog
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractExchange

from heyday.domain.errors import TransportError
from heyday.domain.models import Batch
from heyday.domain.ports import Clock
from heyday.queue.bodies import CONTENT_TYPE, encode, headers_of
from heyday.queue.config import EXCHANGE, ROUTING_KEY, QueueConfig
from heyday.queue.connection import LOST, QueueConnection, cancelled_is_lost

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _OpenExchange:
    channel: AbstractChannel
    exchange: AbstractExchange


class QueuePublisher:
    """Publish with confirms, a window of them outstanding; publish again what was not confirmed.

    A batch of which that is not known may arrive twice, which a claim bears.
    """

    def __init__(self, connection: QueueConnection, clock: Clock, config: QueueConfig) -> None:
        self._connection = connection
        self._clock = clock
        self._config = config
        self._window = asyncio.Semaphore(config.window)
        self._opening = asyncio.Lock()
        self._open_exchange: _OpenExchange | None = None

    async def publish(self, batches: Sequence[Batch]) -> None:
        """Return once all are confirmed. Raises TransportError if some are not for long.

        What was away for long by then is tried once.
        """
        patience = self._config.patience - self._connection.away_for
        deadline = self._clock.monotonic() + patience.total_seconds()
        left: Sequence[Batch] = batches
        while left:
            try:
                left = await self._publish_once(left)
            except TransportError as error:
                log.info("publish_again", batches=len(left), error=str(error))
            if left and self._clock.monotonic() >= deadline:
                seconds = max(patience, timedelta()).total_seconds()
                raise TransportError(
                    f"RabbitMQ has not confirmed {len(left)} of {len(batches)} batches "
                    f"within {seconds:g} s"
                )

    async def _publish_once(self, batches: Sequence[Batch]) -> list[Batch]:
        """Publish each; return those without a confirm. Raises TransportError."""
        exchange = await self._open()
        confirmed = await asyncio.gather(*(self._is_confirmed(exchange, b) for b in batches))
        left = [
            batch
            for batch, is_confirmed in zip(batches, confirmed, strict=True)
            if not is_confirmed
        ]
        if left:
            # Whatever the fault, a new connection has no frames left, and declares anew.
            await self._connection.reset()
            log.info("publish_again", batches=len(left), error="not confirmed")
        return left

    async def _open(self) -> AbstractExchange:
        async with self._opening:
            if self._open_exchange is None or self._open_exchange.channel.is_closed:
                self._open_exchange = await self._connection.open_channel(_set_up)
            return self._open_exchange.exchange

    async def _is_confirmed(self, exchange: AbstractExchange, batch: Batch) -> bool:
        # A fresh id for each attempt: a confirm can then only be that of this one.
        message = Message(
            encode(batch),
            headers=dict(headers_of(batch)),
            content_type=CONTENT_TYPE,
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=uuid4().hex,
        )
        timeout = self._config.confirm_timeout.total_seconds()
        async with self._window:
            try:
                with cancelled_is_lost():
                    # Unroutable batches come back, which raises: RabbitMQ would confirm them.
                    await exchange.publish(message, ROUTING_KEY, mandatory=True, timeout=timeout)
            except LOST as error:
                log.debug("not_confirmed", batch=str(batch.id), error=type(error).__name__)
                return False
        return True


async def _set_up(channel: AbstractChannel) -> _OpenExchange:
    return _OpenExchange(channel, await channel.get_exchange(EXCHANGE, ensure=False))
