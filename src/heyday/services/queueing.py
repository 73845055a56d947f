"""Look at the queue between schedulers and workers, and free what it has set aside."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from heyday.domain.day_cap import DayUse
from heyday.domain.errors import Conflict, DeadBatchNotFound, TransportError, TransportMisfit
from heyday.domain.gate_ports import SharedDays
from heyday.domain.ports import Clock, Store
from heyday.domain.queue_ports import DeadBatch, DeadLetters, OnTheWay, QueueDepth

log = structlog.get_logger()

MOST_DEAD = 10_000
"""More than these nobody can look at, one by one."""


@dataclass(frozen=True, slots=True)
class QueueState:
    """Hold one look at the queue.

    depth: None while the transport does not answer.   days: those that are capped, one for each
    provider.   misfit: what the transport holds in place of what Heyday needs.
    """

    depth: QueueDepth | None
    on_the_way: OnTheWay
    days: Sequence[DayUse] = ()
    misfit: str | None = None


class QueueService:
    """Ask the transport for its batches, and PostgreSQL for the greetings in them.

    patience: how long the transport may take to be measured.   days: those that are capped.
    """

    def __init__(
        self,
        dead_letters: DeadLetters,
        store: Store,
        clock: Clock,
        patience: timedelta = timedelta(seconds=3),
        days: Sequence[SharedDays] = (),
    ) -> None:
        self._days = days
        self._dead_letters = dead_letters
        self._store = store
        self._clock = clock
        self._patience = patience
        # What one caller holds, to look at it, another would not find.
        self._one_at_a_time = asyncio.Lock()

    async def look(self) -> QueueState:
        """Return how much there is on the way, also while the transport does not answer."""
        now = self._clock.now()
        async with self._store.session() as session:
            on_the_way = await session.messages.count_on_the_way(now)
        uses = [await days.find_use(now.date()) for days in self._days]
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                depth = await self._dead_letters.measure()
        except (TransportError, TimeoutError) as error:
            log.warning("queue_not_counted", error=type(error).__name__)
            misfit = str(error) if isinstance(error, TransportMisfit) else None
            return QueueState(None, on_the_way, uses, misfit)
        return QueueState(depth, on_the_way, uses)

    async def list_dead(self, limit: int) -> list[DeadBatch]:
        """Return up to so many batches that were set aside, the oldest first.

        Raises TransportError.
        """
        async with self._one_at_a_time:
            return await self._dead_letters.list_dead(limit)

    async def get_dead(self, dead_id: str) -> DeadBatch:
        """Return what was set aside under an id. Raises DeadBatchNotFound, TransportError."""
        for each in await self.list_dead(MOST_DEAD):
            if each.id == dead_id:
                return each
        raise DeadBatchNotFound

    async def requeue(self, dead_id: str) -> None:
        """Have a batch delivered again. A greeting that has left meanwhile does not leave again.

        Raises DeadBatchNotFound; Conflict for what is no batch; TransportError.
        """
        async with self._one_at_a_time:
            replayed = await self._dead_letters.replay([dead_id])
        if not replayed:
            await self.get_dead(dead_id)
            raise Conflict("its body is no batch, so that nobody could deliver it; delete it")

    async def delete(self, dead_id: str) -> None:
        """Forget what was set aside. Its greetings are not: what is QUEUED is handed over anew.

        Raises DeadBatchNotFound, TransportError.
        """
        async with self._one_at_a_time:
            if not await self._dead_letters.purge([dead_id]):
                raise DeadBatchNotFound
