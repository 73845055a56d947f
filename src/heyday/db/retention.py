"""Make the months to come, and let go of what is old: texts in small bites, months as wholes."""

from datetime import datetime
from uuid import UUID

import asyncpg
import structlog

from heyday.db import partitions, queries
from heyday.db.connection import Database
from heyday.db.migrate import MONTHS_AHEAD
from heyday.db.types import PooledConnection
from heyday.domain.privacy_ports import Dropped
from heyday.domain.timezone import Window
from heyday.domain.transitions import Status

log = structlog.get_logger()

_QUERIES = queries.load("retention")
_ENDED = [Status.SENT, Status.FAILED, Status.CANCELLED, Status.SKIPPED]
_BITE = 1000
_BEFORE_ALL = UUID(int=0)


class RetentionRepository:
    """Run the statements, each bite in a transaction of its own."""

    def __init__(self, database: Database, bite: int = _BITE) -> None:
        self._database = database
        self._bite = bite

    async def find_settled_before(self, before: datetime) -> datetime:
        """Return the instant, `before` at the most, to which every greeting came to its end."""
        async with self._database.connection() as connection:
            query = _QUERIES["find_settled_before"].text
            settled: datetime = await connection.fetchval(query, before)
        return settled

    async def scrub_greetings(self, window: Window) -> int:
        """Empty texts and answers of what ended and was due in the window; return of how many."""
        after: tuple[datetime, UUID] | None = (window.start_at, _BEFORE_ALL)
        scrubbed = 0
        while after:
            values = (*after, window.end_at, _ENDED, self._bite)
            async with self._database.connection() as connection:
                (row,) = await connection.fetch(_QUERIES["scrub_greetings"].text, *values)
            scrubbed += row["greetings"]
            after = (row["last_at"], row["last_id"]) if row["greetings"] == self._bite else None
        return scrubbed

    async def scrub_letters(self, before: datetime) -> int:
        """Empty letters of the inbox that came before an instant; return how many."""
        after: int | None = 0
        scrubbed = 0
        while after is not None:
            async with self._database.connection() as connection:
                query = _QUERIES["scrub_letters"].text
                (row,) = await connection.fetch(query, after, before, self._bite)
            scrubbed += row["letters"]
            after = row["last_id"] if row["letters"] == self._bite else None
        return scrubbed

    async def make_months(self, now: datetime) -> int:
        """Create what is missing of this month and the year to come; return how many parts.

        Where somebody holds a table for long, none is made: tomorrow is early enough.
        """
        async with self._database.connection() as connection:
            try:
                return await partitions.create_ahead(connection, now, MONTHS_AHEAD)
            except asyncpg.LockNotAvailableError:
                log.warning("months_not_made")
                return 0

    async def drop_months(self, now: datetime, months: int) -> Dropped:
        """Drop what ended at least so many whole months ago, unless something is still open in it.

        Where somebody holds a table for long, nothing is dropped.
        """

        async def work(connection: PooledConnection) -> Dropped:
            return await partitions.drop_settled(connection, now, months)

        try:
            return await self._database.transact(work)
        except partitions.Busy:
            log.warning("months_not_dropped")
            return Dropped(0, 0)
