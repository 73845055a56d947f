"""Go on without the broker: workers take what is due from PostgreSQL while it is away."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from heyday.domain.errors import DatabaseError
from heyday.domain.models import Batch, DueMessage
from heyday.domain.ports import Broker, Clock, Delivery, Session, Store
from heyday.services.planning import Planner
from heyday.services.scheduling import make_batch

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WithoutBrokerConfig:
    """Set when to go on without it.

    after: how long it is waited for; None: for ever.   queued_for: how long ago a row was queued
    that is taken, so that two workers do not take the same.   poll: the pause when nothing is due.
    """

    after: timedelta | None = timedelta(seconds=60)
    queued_for: timedelta = timedelta(seconds=30)
    poll: timedelta = timedelta(seconds=1)
    batch_size: int = 500


class WithoutBroker:
    """Carry batches by a broker; deliver without it once it has been away for long.

    What schedulers could not publish is QUEUED all the same, and so is what is in the broker: a
    claim takes each row once, whoever else has it in a batch.
    """

    def __init__(
        self,
        broker: Broker,
        store: Store,
        planner: Planner,
        clock: Clock,
        config: WithoutBrokerConfig,
    ) -> None:
        self._broker = broker
        self._store = store
        self._planner = planner
        self._clock = clock
        self._config = config

    async def publish(self, batches: Sequence[Batch]) -> None:
        """Hand batches to the broker. Raises TransportError."""
        await self._broker.publish(batches)

    async def count_waiting(self) -> int:
        """Return how many batches wait in the broker. Raises TransportError."""
        return await self._broker.count_waiting()

    async def is_new(self) -> bool:
        """Tell whether the broker's queue was made anew. Raises TransportError."""
        return await self._broker.is_new()

    async def mark(self) -> None:
        """Mark it. Raises TransportError."""
        await self._broker.mark()

    async def deliveries(self) -> AsyncGenerator[Delivery, None]:
        """Yield batches of the broker, or of PostgreSQL. Raises TransportError when it is lost."""
        if self._config.after is not None and self._broker.away_for >= self._config.after:
            log.warning("without_broker", seconds=round(self._broker.away_for.total_seconds()))
            async with contextlib.aclosing(self._until_it_is_back()) as deliveries:
                async for delivery in deliveries:
                    yield delivery
            log.warning("with_broker")
        async with contextlib.aclosing(self._broker.deliveries()) as deliveries:
            async for delivery in deliveries:
                yield delivery

    async def _until_it_is_back(self) -> AsyncGenerator[Delivery, None]:
        back = asyncio.create_task(self._broker.wait_until_back())
        try:
            while not back.done():
                if rows := await self._take():
                    yield _Taken(make_batch(max(row.due_at for row in rows), rows))
                else:
                    await self._clock.sleep_until(self._clock.now() + self._config.poll)
        finally:
            back.cancel()
            await asyncio.gather(back, return_exceptions=True)

    async def _take(self) -> list[DueMessage]:
        now = self._clock.now()
        rules = self._planner.claim_rules(now)

        async def take(session: Session) -> list[DueMessage]:
            return await session.messages.enqueue_again(
                now,
                queued_before=now - self._config.queued_for,
                due_before=now,
                rules=rules,
                limit=self._config.batch_size,
            )

        try:
            return await self._store.in_transaction(take)
        except DatabaseError as error:
            log.info("nothing_taken", error=type(error).__name__)
            return []


@dataclass(frozen=True, slots=True)
class _Taken:
    """Hold a batch that is in no queue: what is not claimed is taken again."""

    batch: Batch

    async def ack(self) -> None:
        """Do nothing: the rows say all."""

    async def release(self) -> None:
        """Do nothing: the rows are still QUEUED."""
