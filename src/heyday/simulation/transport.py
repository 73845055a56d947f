"""Carry batches in memory."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heyday.domain.models import Batch
from heyday.simulation.clock import VirtualClock

if TYPE_CHECKING:
    from uuid import UUID


class MemoryTransport:
    """Keep batches until they are acknowledged (ports.Transport).

    A batch is work from when it is published; the clock stands still until whoever took it sleeps
    or acknowledges it.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._waiting: deque[Batch] = deque()
        self._held: dict[UUID, Batch] = {}
        self._announced = asyncio.Event()
        self._is_new = False

    async def publish(self, batches: Sequence[Batch]) -> None:
        """Take batches over."""
        for batch in batches:
            self._clock.begin()
            self._waiting.append(batch)
        self._announced.set()

    async def deliveries(self) -> AsyncGenerator["MemoryDelivery", None]:
        """Yield batches as they come, for ever."""
        while True:
            self._announced.clear()
            while self._waiting:
                batch = self._waiting.popleft()
                self._held[batch.id] = batch
                yield MemoryDelivery(self, batch)
            await self._announced.wait()

    async def count_waiting(self) -> int:
        """Return how many batches nobody has taken."""
        return len(self._waiting)

    async def is_new(self) -> bool:
        """Tell whether every batch was forgotten since it was marked."""
        return self._is_new

    async def mark(self) -> None:
        """Have it known."""
        self._is_new = False

    def ack(self, batch: Batch) -> None:
        """Forget a batch."""
        del self._held[batch.id]
        self._clock.end()

    def release(self, batch: Batch) -> None:
        """Take a batch back, to be delivered again."""
        self._waiting.append(self._held.pop(batch.id))
        self._announced.set()

    def lose_all(self) -> None:
        """Forget every batch, as a broker whose disk was lost."""
        self._waiting.clear()
        self._held.clear()
        self._is_new = True

    def take_back(self) -> None:
        """Deliver again what was held by a worker that is gone."""
        self._waiting.extend(self._held.values())
        self._held.clear()
        for _ in self._waiting:
            self._clock.begin()


@dataclass(frozen=True, slots=True)
class MemoryDelivery:
    """Hold a batch that was taken and not yet acknowledged."""

    transport: MemoryTransport
    batch: Batch

    async def ack(self) -> None:
        """Take the batch off the queue for good."""
        self.transport.ack(self.batch)

    async def release(self) -> None:
        """Give the batch back."""
        self.transport.release(self.batch)
