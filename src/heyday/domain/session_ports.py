"""Name what sessions need from the database."""

from datetime import datetime
from typing import Protocol

from heyday.domain.sessions import WebSession


class SessionStore(Protocol):
    """Keep sessions, by the digests of their tokens."""

    async def insert(self, digest: bytes, session: WebSession) -> None:
        """Store a new session."""
        ...

    async def find(self, digest: bytes, now: datetime) -> WebSession | None:
        """Return the session with this token; None if there is none, or it has ended."""
        ...

    async def extend(self, digest: bytes, idle_until: datetime) -> None:
        """Have a session last longer, never shorter; one that is gone stays so."""
        ...

    async def end(self, digest: bytes) -> None:
        """End a session, once and for all."""
        ...

    async def forget(self, before: datetime) -> int:
        """Drop sessions that ended before an instant, some at a time; return how many."""
        ...
