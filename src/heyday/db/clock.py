"""Read PostgreSQL's clock."""

from heyday.db import queries
from heyday.db.connection import Database
from heyday.domain.clock_ports import DatabaseTime
from heyday.domain.ports import Clock

_QUERIES = queries.load("clock")


class PostgresClock:
    """Ask PostgreSQL for the time (clock_ports.DatabaseClock)."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def read(self) -> DatabaseTime:
        """Ask once. Raises DatabaseUnavailable, DatabaseError."""
        # Waiting for a connection is no part of the round trip.
        async with self._database.connection() as connection:
            asked_at = self._clock.now()
            row = await connection.fetchrow(_QUERIES["read"].text)
            answered_at = self._clock.now()
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        # Behind a pooler the client's address is the pooler's, and nobody can tell.
        is_elsewhere = row["is_elsewhere"] and self._database.keeps_session
        return DatabaseTime(row["at"], asked_at, answered_at, is_elsewhere)
