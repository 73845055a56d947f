"""Write down which API keys are used, by all requests of a minute together."""

from datetime import timedelta

from heyday.domain.ports import Clock
from heyday.services.key_ring import KeyRing

EVERY = timedelta(minutes=1)


class KeyUse:
    """Have the ring write what it has noted, once a minute."""

    def __init__(self, ring: KeyRing, clock: Clock) -> None:
        self._ring = ring
        self._clock = clock

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._clock.sleep_until(self._clock.now() + EVERY)
            await self._ring.flush()
