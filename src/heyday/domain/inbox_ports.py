"""Name what services and pages need of the local mailbox."""

from datetime import datetime
from typing import Protocol

from heyday.domain.models import ClaimedMessage, InboxMessage


class InboxStore(Protocol):
    """Keep the local mailbox."""

    async def add(self, message: ClaimedMessage, now: datetime) -> int:
        """Store a letter once for each idempotency key; return its number."""
        ...

    async def list_latest(self, limit: int) -> list[InboxMessage]:
        """Return the latest letters, newest first."""
        ...
