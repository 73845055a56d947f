"""Name what a person's decisions need from the database."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from heyday.domain.message_filters import MessageFilter, Place
from heyday.domain.resolutions import Attempt, GreetingRow
from heyday.domain.transitions import Status


class ResolutionStore(Protocol):
    """Look at greetings without their people; settle and cancel them as a person decides."""

    async def lock(self, message_ids: Collection[UUID]) -> list[GreetingRow]:
        """Return those of the rows that exist, and keep them as they are until the commit."""
        ...

    async def resolve(
        self, greetings: Sequence[GreetingRow], target: Status, now: datetime, note: str | None
    ) -> list[UUID]:
        """Move those that are UNKNOWN, with a trace among the attempts; return their ids."""
        ...

    async def retry_failed(
        self, greetings: Sequence[GreetingRow], now: datetime, note: str | None
    ) -> list[UUID]:
        """Move those that FAILED and were surely never taken, with a trace; return their ids."""
        ...

    async def cancel(
        self, greetings: Sequence[GreetingRow], now: datetime, note: str | None
    ) -> list[UUID]:
        """Cancel those not yet being sent, for good and with a trace; return their ids."""
        ...

    async def list_page(
        self, wanted: MessageFilter, after: Place | None, limit: int
    ) -> list[GreetingRow]:
        """Return up to `limit` rows that the filter wants, after a place, in order of places."""
        ...

    async def list_by_status(self, status: Status, limit: int) -> list[GreetingRow]:
        """Return up to `limit` rows of a status, by instant."""
        ...

    async def find(self, message_id: UUID) -> GreetingRow | None:
        """Return one row."""
        ...

    async def list_attempts(self, message_id: UUID) -> list[Attempt]:
        """Return the attempts at a greeting that were noted, in order."""
        ...
