"""Watch over the clocks: nothing is enqueued or sent while they contradict each other."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from heyday.domain.clock_ports import DatabaseClock, DatabaseTime, SteadyTime
from heyday.domain.errors import ClockUntrusted
from heyday.telemetry import Metrics

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class GuardConfig:
    """Set what is tolerated.

    tolerance: how far two clocks may be apart.   look_every: how old a reading of the database's
    clock may be.
    """

    tolerance: timedelta = timedelta(seconds=5)
    look_every: timedelta = timedelta(seconds=1)


class ClockGuardService:
    """Compare wall, monotonic and database clock whenever somebody is about to act on the time.

    The wall is read at every check, which is free; the database once in `look_every`, whoever
    asks. Source: docs/adr/0018.
    """

    def __init__(
        self, clock: SteadyTime, database: DatabaseClock, metrics: Metrics, config: GuardConfig
    ) -> None:
        self._clock = clock
        self._database = database
        self._metrics = metrics
        self._config = config
        self._looking = asyncio.Lock()
        self._looked_at: float | None = None
        self._skew = timedelta()
        # The skew at the first look, and at the last one before the wall jumped.
        self._skew_first: timedelta | None = None
        self._skew_before: timedelta | None = None
        self._reason: str | None = None

    async def check(self) -> None:
        """Return if the clocks agree. Raises ClockUntrusted; DatabaseError if one is away."""
        try:
            if self._is_to_look():
                async with self._looking:
                    if self._is_to_look():
                        await self._look()
        finally:
            self._judge()
        if self._reason:
            raise ClockUntrusted(self._reason)

    def _is_to_look(self) -> bool:
        if self._looked_at is None or (self._has_jumped() and not self._reason):
            return True
        age = self._clock.monotonic() - self._looked_at
        return age >= self._config.look_every.total_seconds()

    def _has_jumped(self) -> bool:
        return abs(self._clock.jump) > self._config.tolerance

    async def _look(self) -> None:
        """Read the database's clock; if it bears out a wall that jumped, follow the wall."""
        reading = await self._database.read()
        self._looked_at = self._clock.monotonic()
        # The wall after the database: of one and the same clock both then show a jump.
        jump, skew = self._clock.jump, reading.skew
        if not self._has_jumped():
            self._skew_before = skew
            self._skew_first = skew if self._skew_first is None else self._skew_first
        elif self._is_borne_out(jump, reading):
            self._clock.adopt_wall()
            self._skew_first = self._skew_before = skew = skew - jump
            log.warning("clock_adopted", jump=jump.total_seconds())
        # What the round trip leaves open is not held against anybody.
        certain = max(abs(skew) - reading.doubt, timedelta())
        self._skew = certain if skew > timedelta() else -certain

    def _is_borne_out(self, jump: timedelta, reading: DatabaseTime) -> bool:
        """Tell whether the database says the same as the new wall, by a clock of its own.

        On this machine it has the same clock, whatever its address: that jumps with the wall, and
        never contradicts it. So it must have contradicted the wall before that jumped, and have
        stood still since: from the start on, when the wall was wrong and was set right; or, if it
        is elsewhere, from a later moment, as when this machine stood still and was set right.
        """
        tolerance, skew = self._config.tolerance, reading.skew
        apart = abs(skew - jump)
        if apart > tolerance or apart >= abs(skew):
            return False
        earlier = [self._skew_first, self._skew_before if reading.is_elsewhere else None]
        return any(
            abs(skew - then) <= tolerance < abs(then) for then in earlier if then is not None
        )

    def _judge(self) -> None:
        """Conclude from the latest readings, and raise or end the alarm."""
        jump, skew = self._clock.jump, self._skew
        was_trusted = self._reason is None
        self._reason = self._find_reason(jump, skew)
        is_trusted = self._reason is None
        self._metrics.clock_jump.set(jump.total_seconds())
        self._metrics.clock_skew.set(skew.total_seconds())
        self._metrics.clock_untrusted.set(not is_trusted)
        if was_trusted and not is_trusted:
            seconds = {"jump": jump.total_seconds(), "skew": skew.total_seconds()}
            log.error("clock_untrusted", **seconds)
        elif is_trusted and not was_trusted:
            log.warning("clock_trusted")

    def _find_reason(self, jump: timedelta, skew: timedelta) -> str | None:
        if abs(jump) > self._config.tolerance:
            return (
                f"this machine's clock has jumped by {jump.total_seconds():+.1f} s; nothing is "
                "sent until it is back, or Heyday is restarted with the right time"
            )
        if abs(skew) > self._config.tolerance:
            return (
                f"PostgreSQL's clock is {skew.total_seconds():+.1f} s from this machine's; nothing "
                "is sent until they agree"
            )
        return None
