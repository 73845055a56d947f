"""Hold this process's part of a day's cap, draw more as it is used up, give back what is not."""

import asyncio
import contextlib
import math
from collections.abc import Callable
from datetime import date, datetime, timedelta

import structlog

from heyday.domain.day_cap import opens_after
from heyday.domain.gate_ports import SharedDays
from heyday.domain.pace import Meter
from heyday.domain.ports import Clock
from heyday.telemetry import Metrics

log = structlog.get_logger()

# Draws are ahead of need by as much as leaves in this part of a second.
_AHEAD = 0.25
_AGAIN_AFTER = timedelta(seconds=1)
# What nobody has used for so long is another worker's to use.
_IDLE = timedelta(seconds=2)
# Longer than a call may take, and a worker holds what it does not use.
_SETTLES = timedelta(seconds=40)
_UNSETTLED = 20.0
_LONGEST_FAREWELL = 2.0


class DayQuota:
    """Spend a day's greetings in this process; draw from the shared count in the background.

    Days are those of UTC. Each spending is followed by `note`, once its call has ended.
    changed: called whenever it is worth trying to spend again.
    """

    def __init__(
        self,
        *,
        provider: str,
        days: SharedDays,
        clock: Clock,
        metrics: Metrics,
        changed: Callable[[], None],
    ) -> None:
        self._provider = provider
        self._days = days
        self._clock = clock
        self._metrics = metrics
        self._changed = changed
        self._meter = Meter()
        self._day = date.min
        self._held = 0
        self._spent = 0
        self._waiting = 1
        self._under_way = 0
        self._is_mixed = False
        self._full_since: datetime | None = None
        self._is_told = False
        self._ask_at: datetime | None = None
        self._asking: asyncio.Task[None] | None = None
        self._returning: asyncio.Task[None] | None = None

    def spend(self, wanted: int) -> int:
        """Return how many of `wanted` greetings may leave today, and take them off."""
        self._turn()
        spent = min(wanted, self._held)
        self._held -= spent
        self._spent += spent
        self._under_way += spent
        self._meter.count(self._clock.monotonic(), spent)
        return spent

    def unspend(self, count: int) -> None:
        """Take back what was spent this instant, for no call came of it."""
        self._held += count
        self._under_way -= count

    def note(self, attempts: int, unused: int) -> None:
        """Take in that a call has ended. unused: attempts in it that never reached the provider."""
        self._turn()
        self._under_way = max(self._under_way - attempts, 0)
        # Of those that were spent yesterday nothing is left for today.
        if not self._is_mixed:
            self._held += unused
        if not self._under_way:
            self._is_mixed = False

    def ask(self, waiting: int) -> None:
        """Draw more, for so many that wait, if it is time to; `changed` brings the answer."""
        self._waiting = waiting
        is_due = self._ask_at is None or self._clock.now() >= self._ask_at
        if is_due and not self._is_asking:
            self._asking = asyncio.create_task(self._ask())

    def opens_in(self) -> float:
        """Return the seconds until the cap opens: 0 while it is open, or not known."""
        self._turn()
        if self._full_since is None or self._is_asking:
            return 0.0
        return (opens_after(self._day) - self._clock.now()).total_seconds()

    def leave(self) -> float:
        """Return for how many seconds to leave a greeting that the cap holds back.

        Not for the day at once: what is under way by then may come to nothing, here or with
        another worker, and leaves room for those who wait.
        """
        seconds = self.opens_in()
        is_settled = self._full_since and self._clock.now() >= self._full_since + _SETTLES
        return seconds if is_settled else min(seconds, _UNSETTLED)

    async def close(self) -> None:
        """End what goes on in the background, and give back the rest."""
        for task in (self._asking, self._returning):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_FAREWELL):
                await self._give_back()

    def _turn(self) -> None:
        """Begin a new day with nothing, for what was drawn is of the day before."""
        today = self._clock.now().date()
        if today == self._day:
            return
        self._day = today
        self._held = 0
        self._is_mixed = self._under_way > 0
        self._full_since, self._is_told, self._ask_at = None, False, None

    @property
    def _is_asking(self) -> bool:
        return self._asking is not None and not self._asking.done()

    async def _ask(self) -> None:
        """Ask until there is an answer. What cannot be counted does not leave."""
        is_known = True
        while True:
            self._turn()
            try:
                await self._draw(self._day)
            except Exception as error:  # noqa: BLE001 - a fault here delays calls, never ends them
                if is_known:
                    name = type(error).__name__
                    log.warning("day_cap_unknown", provider=self._provider, error=name)
                is_known = False
                await self._clock.sleep_until(self._clock.now() + _AGAIN_AFTER)
            else:
                self._changed()
                return

    async def _draw(self, day: date) -> None:
        likely = math.ceil(self._meter.rate(self._clock.monotonic()) * _AHEAD)
        draw = await self._days.draw(day, self._waiting, likely)
        self._metrics.day_cap.labels(self._provider).set(draw.cap)
        self._metrics.day_left.labels(self._provider).set(draw.left)
        self._turn()
        if day != self._day:
            return
        self._held += draw.granted
        if draw.granted:
            self._full_since = None
            self._return_when_idle()
        elif not self._held:
            self._close(draw.cap)

    def _close(self, cap: int) -> None:
        """Let nobody through; ask again before long, for others may have given something back."""
        now = self._clock.now()
        self._full_since = self._full_since or now
        self._ask_at = now + _AGAIN_AFTER
        if not self._is_told and now >= self._full_since + _SETTLES:
            self._is_told = True
            opens_at = opens_after(self._day).isoformat()
            log.warning("day_cap_reached", provider=self._provider, cap=cap, opens_at=opens_at)

    def _return_when_idle(self) -> None:
        if self._returning is None or self._returning.done():
            self._returning = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        """Give back what is held once nothing has left here for a while."""
        while self._held:
            before = self._spent
            await self._clock.sleep_until(self._clock.now() + _IDLE)
            self._turn()
            if self._spent == before and not self._under_way:
                await self._give_back()

    async def _give_back(self) -> None:
        self._turn()
        # First of all: what is given back in vain is lost for the day, and spent by nobody.
        count, self._held = self._held, 0
        if not count:
            return
        try:
            await self._days.give_back(self._day, count)
        except Exception as error:  # noqa: BLE001 - as for a worker that dies with it
            name = type(error).__name__
            log.info("day_rest_lost", provider=self._provider, greetings=count, error=name)
