"""Lend a few connections, again and again, at the least cost for each time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar, cast

import asyncpg

from heyday.db.connection import Database, DatabaseSession, PoolConfig, explained
from heyday.db.events import EventRepository
from heyday.db.import_jobs import ImportJobRepository
from heyday.db.job_runs import JobRunRepository
from heyday.db.message_logs import MessageLogRepository
from heyday.db.plans import PlanRepository
from heyday.db.resolutions import ResolutionRepository
from heyday.db.types import AnyConnection, PooledConnection
from heyday.db.users import UserRepository
from heyday.domain.ports import Session

T = TypeVar("T")

_TRIES = 6
_UNDONE = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class QuickDatabase(Database):
    """Run the real statements over connections that stay, without the care for lost ones.

    A year has a hundred thousand transactions; the pool's checks would be a third of its time.
    """

    def __init__(self, url: str, count: int) -> None:
        super().__init__(PoolConfig(url, min_size=count, max_size=count))
        self._url = url
        self._count = count
        self._free: asyncio.LifoQueue[AnyConnection] = asyncio.LifoQueue()

    async def open(self) -> None:
        """Connect."""
        for _ in range(self._count):
            self._free.put_nowait(await asyncpg.connect(self._url))

    async def close(self) -> None:
        """Give all connections back."""
        while not self._free.empty():
            await self._free.get_nowait().close()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[PooledConnection]:
        """Lend a connection. Raises DatabaseError for a statement that PostgreSQL refused."""
        connection = await self._free.get()
        try:
            with explained():
                # To the type checker alone a connection of a pool is something else.
                yield cast("PooledConnection", connection)
        finally:
            self._free.put_nowait(connection)

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Lend a connection on which each statement commits by itself."""
        async with self.connection() as connection:
            yield _session(connection)

    async def in_transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Run `work` in one transaction, and again where PostgreSQL undid it."""
        async with self.connection() as connection:
            for _ in range(_TRIES):
                with contextlib.suppress(*_UNDONE):
                    async with connection.transaction():
                        return await work(_session(connection))
            async with connection.transaction():
                return await work(_session(connection))


def _session(connection: PooledConnection) -> Session:
    return DatabaseSession(
        UserRepository(connection),
        PlanRepository(connection),
        MessageLogRepository(connection),
        ResolutionRepository(connection),
        JobRunRepository(connection),
        ImportJobRepository(connection),
        EventRepository(connection),
    )
