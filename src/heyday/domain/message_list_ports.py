"""Name what looking through greetings needs from the database."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from heyday.domain.message_filters import Place
from heyday.domain.message_lists import LetterRow, ListedGreeting, Look, PersonName


class MessageListStore(Protocol):
    """Look through greetings, never at more rows than is said."""

    async def look(self, look: Look, limit: int, most: int) -> list[ListedGreeting]:
        """Return up to `limit` greetings that fit, out of the first `most` rows."""
        ...

    async def find_end(self, look: Look, most: int) -> Place | None:
        """Return the place of the last of the first `most` rows; None if there are fewer."""
        ...

    async def count(self, look: Look, most: int) -> tuple[int, int]:
        """Return how many of the first `most` rows fit, and how many rows there were."""
        ...

    async def find_names(self, user_ids: Collection[UUID]) -> Mapping[UUID, PersonName]:
        """Return what people are called, the deleted ones as well."""
        ...

    async def find_letter(self, message_id: UUID, scheduled_at: datetime) -> LetterRow | None:
        """Return what one greeting says."""
        ...
