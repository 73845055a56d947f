"""Let the schedulers' loops turn when a turn can find something, and at no other time.

A year has half a million minutes. A turn of the minute scheduler with nothing due changes
nothing, so it is left out; which turns those are, PostgreSQL says.
"""

import asyncio
from collections import deque
from datetime import datetime, timedelta

from heyday.db import queries
from heyday.db.connection import Database
from heyday.simulation.clock import VirtualClock

_QUERIES = queries.load("simulation")
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
# As long after a start recovery keeps its real rhythm: then is when it has something to find.
_ATTENTIVE = timedelta(hours=1)


class Agenda:
    """Wake the minute scheduler at those full minutes at which something is to be queued."""

    def __init__(self, database: Database, clock: VirtualClock, look_ahead: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._look_ahead = look_ahead
        self._due: deque[datetime] = deque()
        self._is_stale = True
        self._earliest_at = clock.now()
        self._parked: asyncio.Future[None] | None = None

    def mark_stale(self) -> None:
        """Note that rows were planned or moved: what falls due next is to be asked anew."""
        self._is_stale = True

    async def wait_until(self, at: datetime) -> None:
        """Return at the first full minute, `at` or later, that has something to do."""
        self._earliest_at = at
        self._parked = asyncio.get_running_loop().create_future()
        self._clock.end()
        await self._parked

    async def refresh(self) -> None:
        """Ask what falls due, if that may have changed."""
        if self._is_stale:
            self._is_stale = False
            async with self._database.connection() as connection:
                rows = await connection.fetch(_QUERIES["list_due_instants"].text)
            self._due = deque(row["due_at"] for row in rows)

    @property
    def next_at(self) -> datetime | None:
        """Return the minute at which the next turn is worth while, if there is one."""
        if not self._due or self._parked is None:
            return None
        # A turn takes what is due before its look-ahead ends: the first such full minute.
        at = self._due[0] - self._look_ahead
        return max(at.replace(second=0, microsecond=0) + _MINUTE, self._earliest_at)

    def wake(self) -> None:
        """Let the minute scheduler take its turn, if it is time."""
        now, next_at = self._clock.now(), self.next_at
        if self._parked is None or next_at is None or next_at > now:
            return
        while self._due and self._due[0] < now + self._look_ahead:
            self._due.popleft()
        waking, self._parked = self._parked, None
        self._clock.begin()
        if not waking.done():
            waking.set_result(None)


class PlanWakeup:
    """Sleep as the clock says, and tell the agenda that a plan was written."""

    def __init__(self, clock: VirtualClock, agenda: Agenda) -> None:
        self._clock = clock
        self._agenda = agenda

    async def wait_until(self, at: datetime) -> None:
        """Return at `at`."""
        self._agenda.mark_stale()
        await self._clock.sleep_until(at)


class SparseWakeup(PlanWakeup):
    """The same, but after an hour of attention once a day only."""

    def __init__(self, clock: VirtualClock, agenda: Agenda) -> None:
        super().__init__(clock, agenda)
        self._attentive_until = clock.now() + _ATTENTIVE

    async def wait_until(self, at: datetime) -> None:
        """Return at `at`, or a day from now."""
        is_new = at <= self._attentive_until
        await super().wait_until(at if is_new else self._clock.now() + _DAY)
