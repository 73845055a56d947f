"""Wake those who wait until something has changed."""

import asyncio
from datetime import timedelta

from heyday.domain.ports import Clock

# Less may be no time at all to a clock that counts microseconds, and then nobody else's turn.
_SHORTEST_PAUSE = timedelta(milliseconds=1)


class Bell:
    """Be waited for, and rung."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake everybody who waits here."""
        self._rung.set()
        self._rung = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Return when it was rung, or after so long."""
        at = self._clock.now() + max(timedelta(seconds=seconds), _SHORTEST_PAUSE)
        waits = {
            asyncio.ensure_future(self._rung.wait()),
            asyncio.ensure_future(self._clock.sleep_until(at)),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
