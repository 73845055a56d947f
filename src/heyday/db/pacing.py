"""Share a provider's pace among all workers: one row of `provider_pace`, by PostgreSQL's clock."""

import asyncio
from datetime import datetime, timedelta

from heyday.db import queries
from heyday.db.connection import Database
from heyday.db.types import PooledConnection
from heyday.domain.pace import Grant, Pace, PacePolicy

_QUERIES = queries.load("pacing")


class PostgresPace:
    """Take tokens by the slice, in one short transaction each (gate_ports.SharedPace).

    announced: set whenever a worker anywhere has slowed down, and when that may have been missed.
    """

    def __init__(
        self, database: Database, announced: asyncio.Event, provider: str, policy: PacePolicy
    ) -> None:
        self._database = database
        self._announced = announced
        self._provider = provider
        self._policy = policy

    def has_news(self) -> bool:
        """Tell whether another worker may have slowed down since the last `take`."""
        return self._announced.is_set()

    async def take(self, wanted: int) -> Grant:
        """Take up to so many tokens. Raises DatabaseError."""
        # Before the look: what is announced after it is news again.
        self._announced.clear()
        async with self._database.connection() as connection, connection.transaction():
            if self._policy.limit is None:
                found = await self._lock(connection)
            else:
                found = await self._make(connection)
            if found is None:
                return Grant(wanted, timedelta(), None)
            pace, grant = self._policy.take(found[0], wanted, found[1])
            await self._write(connection, pace)
        return grant

    async def slow_down(self, observed: float, retry_after: timedelta | None) -> Grant:
        """Report a 429, got at so many calls a second; the answer grants no calls.

        Raises DatabaseError.
        """
        async with self._database.connection() as connection, connection.transaction():
            before, now = await self._make(connection)
            pace, grant = self._policy.slow_down(before, observed, retry_after, now)
            await self._write(connection, pace)
            if (pace.slowed_at, pace.blocked_until) != (before.slowed_at, before.blocked_until):
                await connection.execute(_QUERIES["announce"].text)
        return grant

    async def _lock(self, connection: PooledConnection) -> tuple[Pace, datetime] | None:
        """Return the state and the time, or None where nobody has limited this provider."""
        row = await connection.fetchrow(_QUERIES["lock"].text, self._provider)
        if row is None:
            return None
        values = dict(row)
        now = values.pop("now")
        return Pace(**values), now

    async def _make(self, connection: PooledConnection) -> tuple[Pace, datetime]:
        """Return the state and the time, from a new row if need be."""
        while True:
            if found := await self._lock(connection):
                return found
            now = await connection.fetchval(_QUERIES["begin"].text, self._provider)
            if now is not None:
                return self._policy.start(now), now

    async def _write(self, connection: PooledConnection, pace: Pace) -> None:
        await connection.execute(
            _QUERIES["write"].text,
            self._provider,
            pace.rate,
            pace.tokens,
            pace.refilled_at,
            pace.slowed_at,
            pace.blocked_until,
        )
