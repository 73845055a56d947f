"""Name what services and pages need of the local mailbox."""

from datetime import datetime
from typing import Protocol

from heyday.domain.models import ClaimedMessage, InboxMessage


class InboxStore(Protocol):
    """Keep the local mailbox."""

    async def add(self, message: ClaimedMessage, now: datetime) -> int:
        """Store a letter once for each idempotency key; return its number."""
        ...

    async def list_page(
        self, limit: int, *, first: int = 0, before: int | None = None
    ) -> list[InboxMessage]:
        """Return the latest letters from number `first` on and before another, newest first.

        They come without their HTML, which is long.
        """
        ...

    async def find(self, number: int) -> InboxMessage | None:
        """Return one letter, whole."""
        ...
