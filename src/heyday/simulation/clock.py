"""Tell a time that stands still while anybody works, and jumps when all sleep."""

import asyncio
import heapq
from datetime import datetime, timedelta
from itertools import count

from heyday.domain.errors import SimulationStalled

_LONGEST_WORK = timedelta(seconds=120)


class VirtualClock:
    """Keep an event heap of sleepers, and count who is at work (ports.Clock).

    Whoever starts something that will sleep calls `begin`; sleeping ends the work and waking
    begins it again, so time never moves on under somebody who is between two sleeps.
    """

    def __init__(self, at: datetime) -> None:
        self._now = self._first = at
        self._order = count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._working = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds since the simulation began."""
        return (self._now - self._first).total_seconds()

    async def sleep_until(self, at: datetime) -> None:
        """Return once `now()` has reached `at`, never before."""
        if at <= self._now:
            await asyncio.sleep(0)
            return
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (at, next(self._order), waking))
        self.end()
        await waking

    def begin(self) -> None:
        """Note that something is at work."""
        self._working += 1
        self._quiet.clear()

    def end(self) -> None:
        """Note that it ended, or sleeps."""
        self._working -= 1
        if not self._working:
            self._quiet.set()

    async def wait_until_quiet(self) -> None:
        """Return when all sleep. Raises SimulationStalled."""
        if self._quiet.is_set():
            return
        try:
            async with asyncio.timeout(_LONGEST_WORK.total_seconds()):
                await self._quiet.wait()
        except TimeoutError:
            raise SimulationStalled(
                f"at {self._now} of the simulation somebody has worked for more than "
                f"{_LONGEST_WORK.seconds} s; look into the log of PostgreSQL"
            ) from None

    @property
    def next_at(self) -> datetime | None:
        """Return the instant at which the next sleeper wakes."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def jump(self, at: datetime) -> None:
        """Move on to an instant and wake whoever waits for it."""
        self._now = max(self._now, at)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            waking = heapq.heappop(self._sleepers)[2]
            if not waking.done():
                self.begin()
                waking.set_result(None)

    def forget_all(self) -> None:
        """Forget sleepers and work: everything that ran has ended."""
        self._sleepers.clear()
        self._working = 0
        self._quiet.set()


class TrustingGuard:
    """Take the virtual clock for right: it is the only one (ports.ClockGuard)."""

    async def check(self) -> None:
        """Return at once."""
