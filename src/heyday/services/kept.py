"""Keep a value that is costly to read, and read it anew behind the backs of those who look.

However many look at once and however often, it costs one reading at a time.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog

from heyday.domain.ports import Clock

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
log = structlog.get_logger()

# After so many times its rhythm, a value that nobody looked at says nothing of the present.
_RHYTHMS_LOOKED_AT = 12
# A reading that takes long comes more rarely: what is kept costs a twentieth of a core at most.
_REST = 20
# So long a page waits for a value that is younger than what is kept, and then shows that.
_PATIENCE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[T]):
    """Hold a value as it was at an instant: nothing that came after `read_at` is surely in it."""

    value: T
    read_at: datetime


class Kept(Generic[T]):
    """Keep what `read` returns, and read it again at the first look after `every`.

    After a reading that took long, it is after twenty times as long. Whoever looks gets what is
    kept, at once. Only the first one waits, and whoever comes when nobody has looked for long; the
    latter for `patience`. A reading that fails leaves the old value with its age, and is tried
    again as if it had not.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[T]],
        every: timedelta,
        clock: Clock,
        patience: timedelta = _PATIENCE,
    ) -> None:
        self._read = read
        self._every = every.total_seconds()
        self._clock = clock
        self._patience = patience.total_seconds()
        self._snapshot: Snapshot[T] | None = None
        # Of the latest reading that began, whatever came of it, and of the one that is kept.
        self._asked_at = self._kept_at = 0.0
        self._rest = self._every
        self._reading: asyncio.Task[Snapshot[T]] | None = None

    async def get(self) -> Snapshot[T]:
        """Return what is kept. Raises what `read` raises while nothing could be read even once."""
        if self._snapshot is None:
            return await asyncio.shield(self._begin())
        now = self._clock.monotonic()
        if now - self._asked_at >= self._rest:
            self._begin()
        if self._reading is not None and now - self._kept_at >= self._rest * _RHYTHMS_LOOKED_AT:
            # asyncio.wait leaves a reading that takes longer to whoever looks next.
            await asyncio.wait({self._reading}, timeout=self._patience)
        return self._snapshot

    async def find(self, patience: timedelta) -> Snapshot[T] | None:
        """Return the same; None if the first reading takes longer than this. It goes on."""
        if self._snapshot is None:
            reading = self._begin()
            await asyncio.wait({reading}, timeout=patience.total_seconds())
            if not reading.done():
                return None
        return await self.get()

    def look(self) -> Snapshot[T] | None:
        """Return what is kept, and wait for nothing; None until something was read."""
        if self._snapshot is None or self._clock.monotonic() - self._asked_at >= self._rest:
            self._begin()
        return self._snapshot

    async def close(self) -> None:
        """End a reading that is under way; what is kept stays."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    def _begin(self) -> asyncio.Task[Snapshot[T]]:
        """Return the reading that is under way; begin one if there is none."""
        if self._reading is None:
            # In a context of its own: it outlives whoever asked, and their transaction.
            self._reading = asyncio.create_task(self._read_once(), context=Context())
            self._reading.add_done_callback(self._end)
        return self._reading

    async def _read_once(self) -> Snapshot[T]:
        self._asked_at = asked_at = self._clock.monotonic()
        read_at = self._clock.now()
        try:
            snapshot = Snapshot(await self._read(), read_at)
        finally:
            took = self._clock.monotonic() - asked_at
            self._rest = max(self._every, took * _REST)
        self._snapshot, self._kept_at = snapshot, asked_at
        return snapshot

    def _end(self, reading: asyncio.Task[Snapshot[T]]) -> None:
        """Let the next one begin. Where nobody waits for a fault, it stands in the log."""
        self._reading = None
        if not reading.cancelled() and (fault := reading.exception()) is not None:
            log.warning("figures_not_read", error=type(fault).__name__)


class KeptEach(Generic[K, T]):
    """Keep one value for each key, of those keys that were looked at last."""

    def __init__(
        self,
        read: Callable[[K], Awaitable[T]],
        every: timedelta,
        clock: Clock,
        patience: timedelta = _PATIENCE,
        most: int = 32,
    ) -> None:
        self._read = read
        self._every = every
        self._clock = clock
        self._patience = patience
        self._most = most
        self._kept: OrderedDict[K, Kept[T]] = OrderedDict()

    async def get(self, key: K) -> Snapshot[T]:
        """Return what is kept for a key, as `Kept.get` does."""
        return await self._of(key).get()

    async def find(self, key: K, patience: timedelta) -> Snapshot[T] | None:
        """Return the same, as `Kept.find` does."""
        return await self._of(key).find(patience)

    def look(self, key: K) -> Snapshot[T] | None:
        """Return the same, as `Kept.look` does."""
        return self._of(key).look()

    async def close(self) -> None:
        """End the readings that are under way."""
        for kept in list(self._kept.values()):
            await kept.close()

    def _of(self, key: K) -> Kept[T]:
        if key not in self._kept:
            self._kept[key] = Kept(
                lambda: self._read(key), self._every, self._clock, self._patience
            )
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]
