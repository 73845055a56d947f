"""Keep sessions of browsers in `web_sessions`."""

from datetime import datetime

from heyday.db import queries
from heyday.db.connection import Database
from heyday.domain.sessions import WebSession

_SQL = {name: query.text for name, query in queries.load("web_sessions").items()}
_BITE = 1000


class WebSessionRepository:
    """Run the statements of db/sql/web_sessions.sql (session_ports.SessionStore)."""

    def __init__(self, database: Database, bite: int = _BITE) -> None:
        self._database = database
        self._bite = bite

    async def insert(self, digest: bytes, session: WebSession) -> None:
        """Store a new session. The audit log has it with the same commit."""
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(
                _SQL["insert"],
                digest,
                session.key_id,
                session.created_at,
                session.idle_until,
                session.ends_at,
            )

    async def find(self, digest: bytes, now: datetime) -> WebSession | None:
        """Return the session with this token; None if there is none, or it has ended."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_SQL["find"], digest, now)
        if row is None:
            return None
        return WebSession(
            key_id=row["key_id"],
            key_prefix=row["prefix"],
            created_at=row["created_at"],
            idle_until=row["idle_until"],
            ends_at=row["ends_at"],
        )

    async def extend(self, digest: bytes, idle_until: datetime) -> None:
        """Have a session last longer, never shorter; one that is gone stays so."""
        async with self._database.connection() as connection:
            await connection.execute(_SQL["extend"], digest, idle_until)

    async def end(self, digest: bytes) -> None:
        """End a session. The audit log has it with the same commit."""
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_SQL["end"], digest)

    async def forget(self, before: datetime) -> int:
        """Drop sessions that ended before an instant, in small bites; return how many."""
        forgotten = 0
        while True:
            async with self._database.connection() as connection:
                tag = await connection.execute(_SQL["forget"], before, self._bite)
            some = int(tag.rpartition(" ")[2])
            forgotten += some
            if some < self._bite:
                return forgotten
