"""Name what API keys need from the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from heyday.domain.access import ApiKey, KeyDraft, StoredKey


class KeyStore(Protocol):
    """Keep API keys. Each change is announced to all processes when it is committed."""

    async def insert(
        self, draft: KeyDraft, prefix: str, digest: bytes, now: datetime
    ) -> ApiKey | None:
        """Store a new key; None if its prefix is taken."""
        ...

    async def insert_first(
        self, draft: KeyDraft, prefix: str, digest: bytes, now: datetime
    ) -> ApiKey | None:
        """Store a new key if there never was one; None otherwise, however many try at once."""
        ...

    async def has_any(self) -> bool:
        """Tell whether there ever was a key."""
        ...

    async def list_valid(self, now: datetime) -> Sequence[StoredKey]:
        """Return every key that opens something."""
        ...

    async def list_all(self) -> Sequence[ApiKey]:
        """Return every key there ever was, the oldest first."""
        ...

    async def revoke(self, prefix: str, now: datetime) -> ApiKey | None:
        """Revoke a key, once and for all; None if there is no such key."""
        ...

    async def note_use(self, used_at: Mapping[UUID, datetime]) -> None:
        """Write down when these keys were last used; an earlier instant changes nothing."""
        ...
