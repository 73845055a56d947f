"""Say what is kept of a reply, so that a repeated request gets it again and does nothing."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

KEY_LENGTH = 255
KEPT_FOR = timedelta(hours=48)
"""For how long a repeated request gets the reply that it got first."""


@dataclass(frozen=True, slots=True)
class ReplyKey:
    """Name a write of one caller. key_id: of the API key.   text: the caller's name for it."""

    key_id: UUID
    text: str


@dataclass(frozen=True, slots=True)
class KeptReply:
    """Hold a reply as it was sent; subject_ids: the people whom it shows."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    subject_ids: Collection[UUID] = ()


class Write(Protocol):
    """Be one write that is under way: all that its task does in the database is one transaction."""

    async def commit(self, reply: KeptReply) -> None:
        """Keep the reply, and make it and all that was done last."""
        ...

    async def abandon(self) -> None:
        """Undo all of it, and forget the key. Does nothing after the end."""
        ...


class ReplyStore(Protocol):
    """Keep replies by key."""

    async def begin(
        self, key: ReplyKey, fingerprint: bytes, now: datetime, expired_before: datetime
    ) -> "Write | KeptReply":
        """Begin the write that a key names, or return the reply that it had.

        A twin of it that is under way is waited for. Raises KeyReused if the key stands for a
        request with another fingerprint; KeyInUse if the twin takes too long.
        """
        ...

    async def forget(self, expired_before: datetime, limit: int) -> int:
        """Drop up to `limit` replies that were kept before an instant; return how many."""
        ...
