"""Share paces and days among gates of one process, by the rules of the domain."""

import asyncio
from collections import defaultdict
from datetime import date, timedelta

from heyday.domain.day_cap import DayCap, DayUse, Draw
from heyday.domain.pace import Grant, PacePolicy
from tests.fakes import FakeClock


class MemoryPace:
    """Share a pace among gates of one process (gate_ports.SharedPace), by the rules of the domain.

    fault: what every question raises while it is set.
    """

    def __init__(self, clock: FakeClock, policy: PacePolicy) -> None:
        self.clock = clock
        self.policy = policy
        self.state = policy.start(clock.now())
        self.asked = 0
        self.wanted: list[int] = []
        self.fault: Exception | None = None
        self.news: set[int] = set()

    def seat(self) -> "Seat":
        """Return the port of one gate."""
        return Seat(self, len(self.news))


class Seat:
    """Answer one gate."""

    def __init__(self, shared: MemoryPace, number: int) -> None:
        self._shared = shared
        self._number = number

    def has_news(self) -> bool:
        return self._number in self._shared.news

    async def take(self, wanted: int) -> Grant:
        self._shared.news.discard(self._number)
        self._shared.wanted.append(wanted)
        await self._answer()
        shared = self._shared
        shared.state, grant = shared.policy.take(shared.state, wanted, shared.clock.now())
        return grant

    async def slow_down(self, observed: float, retry_after: timedelta | None) -> Grant:
        await self._answer()
        shared, now = self._shared, self._shared.clock.now()
        shared.state, grant = shared.policy.slow_down(shared.state, observed, retry_after, now)
        shared.news = {0, 1} - {self._number}
        return grant

    async def _answer(self) -> None:
        self._shared.asked += 1
        await asyncio.sleep(0)
        if self._shared.fault:
            raise self._shared.fault


class MemoryDays:
    """Count days for gates of one process (gate_ports.SharedDays), by the rules of the domain.

    fault: what every question raises while it is set.
    """

    def __init__(self, cap: DayCap) -> None:
        self.cap = cap
        self.drawn: defaultdict[date, int] = defaultdict(int)
        self.asked = 0
        self.fault: Exception | None = None

    async def draw(self, day: date, waiting: int, likely: int) -> Draw:
        await self._answer()
        self.asked += 1
        granted = self.cap.draw(self.drawn[day], waiting, likely, day)
        self.drawn[day] += granted
        cap = self.cap.on(day)
        return Draw(granted, max(cap - self.drawn[day], 0), cap)

    async def give_back(self, day: date, count: int) -> None:
        await self._answer()
        self.drawn[day] -= count

    async def find_use(self, day: date) -> DayUse:
        return DayUse("memory", day, self.cap.on(day), self.drawn[day])

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.fault:
            raise self.fault
