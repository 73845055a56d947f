"""Say how many batches a worker sends at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Lanes:
    """Give each batch a lane, or a part of one: small batches go side by side.

    Greetings that leave spread come in a small batch each second. By lanes alone, a provider that
    takes longer than that for a call would make them wait for each other, more and more.

    lanes: full batches at once.   full: greetings that fill a lane, as many as there may be calls
    in flight for one batch, so that there are never more of them than for full batches alone.
    beside: small batches that have room in a lane.
    """

    def __init__(self, lanes: int, full: int, beside: int) -> None:
        self._room = lanes * full
        self._full = full
        self._least = -(-full // beside)
        self._door = asyncio.Lock()
        self._freed = asyncio.Event()

    @contextlib.asynccontextmanager
    async def enter(self, greetings: int) -> AsyncIterator[None]:
        """Wait for room, in the order of arrival, and keep it meanwhile."""
        needed = min(max(greetings, self._least), self._full)
        async with self._door:
            while self._room < needed:
                self._freed.clear()
                await self._freed.wait()
            self._room -= needed
        try:
            yield
        finally:
            self._room += needed
            self._freed.set()
