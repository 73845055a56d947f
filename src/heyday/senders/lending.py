"""Let so many calls be made at once, and open connections for them ahead."""

import asyncio
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Generic, Self, TypeVar

from heyday.senders.connections import Kept, Pool

C = TypeVar("C", bound=Kept)


class Lending(Generic[C]):
    """Count the calls over a pool's connections.

    most: how many are made at once.   patience: seconds that a call waits for its turn, and that
    a connection opened ahead may take.   faults: what opening one may raise.
    """

    def __init__(self, pool: Pool[C], most: int, patience: float, *faults: type[Exception]) -> None:
        self.pool = pool
        self._most = most
        self._patience = patience
        self._faults: tuple[type[Exception], ...] = (OSError, *faults)
        self._slots = asyncio.Semaphore(most)
        self._connecting: asyncio.Task[None] | None = None

    async def has_turn(self) -> bool:
        """Take a turn, if one comes in time. Give it back by `end_turn`."""
        if not self._slots.locked():
            return await self._slots.acquire()
        try:
            async with asyncio.timeout(self._patience):
                return await self._slots.acquire()
        except TimeoutError:
            return False

    def end_turn(self) -> None:
        """Let another call be made."""
        self._slots.release()

    def make_ready(self, calls: int) -> None:
        """Begin to open connections for so many calls, as far as so many are made at once.

        A server that cannot be reached is told of by the calls.
        """
        if self._connecting and not self._connecting.done():
            return
        wanted = min(calls, self._most)
        if wanted > len(self.pool):
            self._connecting = asyncio.create_task(self._connect(wanted))

    async def made_ready(self) -> None:
        """Return when what was begun is done."""
        if self._connecting is not None:
            await asyncio.wait({self._connecting})

    async def close(self) -> None:
        """Close every connection."""
        if self._connecting is not None:
            self._connecting.cancel()
            await self.made_ready()
        await self.pool.close()

    async def _connect(self, wanted: int) -> None:
        # One first: where it fails, so would the others.
        if await self._has_connected():
            missing = wanted - len(self.pool)
            await asyncio.gather(*(self._has_connected() for _ in range(missing)))

    async def _has_connected(self) -> bool:
        if self._slots.locked():
            return False  # those who call have connections, or open some
        async with self._slots:
            try:
                async with asyncio.timeout(self._patience):
                    self.pool.give_back(await self.pool.open())
            except self._faults:
                return False
        return True


class Lender(ABC, Generic[C]):
    """Be open or closed, and have connections to lend while open: what every sender is.

    Use it as an async context manager, or `open` and `close` it, in a running loop.
    """

    def __init__(self) -> None:
        self._lending: Lending[C] | None = None

    @abstractmethod
    def _begin(self) -> Lending[C]:
        """Return what lends connections; it connects to nothing yet."""

    async def open(self) -> None:
        """Make ready to call. Connects to nothing yet."""
        self._lending = self._begin()

    async def close(self) -> None:
        """Close every connection."""
        if self._lending is not None:
            await self._lending.close()
            self._lending = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def make_ready(self, calls: int) -> None:
        """Begin to open connections for so many calls, as far as so many are made at once.

        A server that cannot be reached is told of by the calls.
        """
        if self._lending is not None:
            self._lending.make_ready(calls)

    async def made_ready(self) -> None:
        """Return when what was begun is done."""
        if self._lending is not None:
            await self._lending.made_ready()

    @property
    def _lent(self) -> Lending[C]:
        if self._lending is None:
            raise RuntimeError("the sender is not open; call open() first")
        return self._lending
