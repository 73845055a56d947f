"""Look at the clocks again and again, so that an alarm does not wait for the next job."""

from datetime import timedelta

import structlog

from heyday.domain.errors import SendingPaused
from heyday.domain.ports import Clock, ClockGuard

log = structlog.get_logger()

_EVERY = timedelta(seconds=5)


class ClockWatch:
    """Ask the guard every few seconds; it raises and ends the alarm."""

    def __init__(self, guard: ClockGuard, clock: Clock) -> None:
        self._guard = guard
        self._clock = clock

    async def run(self) -> None:
        """Watch until cancelled. A fault delays, never ends it."""
        while True:
            await self.run_once()
            await self._clock.sleep_until(self._clock.now() + _EVERY)

    async def run_once(self) -> None:
        """Look once."""
        try:
            await self._guard.check()
        except SendingPaused:
            return  # the guard has said so
        except Exception as error:  # noqa: BLE001 - a watch that ended would raise no alarm
            log.info("clock_not_read", error=type(error).__name__)
