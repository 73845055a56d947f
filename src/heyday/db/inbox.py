"""Keep the local mailbox in `inbox_messages`."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

import asyncpg

from heyday.db import queries
from heyday.db.connection import Database
from heyday.domain.models import ClaimedMessage, Discrepancies, InboxMessage

_QUERIES = queries.load("inbox")
_NO_END = 2**63 - 1


class InboxRepository:
    """Store letters, one statement a letter; list them, and hold them against the rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, message: ClaimedMessage, now: datetime) -> int:
        """Store a letter once for each idempotency key; return its number."""
        async with self._database.connection() as connection:
            number: int = await connection.fetchval(
                _QUERIES["add"].text,
                message.idempotency_key,
                message.email,
                message.text,
                message.scheduled_send_at,
                now,
                message.user_id,
                message.subject,
                message.html,
                message.language,
            )
        return number

    async def list_page(
        self, limit: int, *, first: int = 0, before: int | None = None
    ) -> list[InboxMessage]:
        """Return the latest letters from number `first` on and before another, newest first."""
        end = _NO_END if before is None else before
        async with self._database.connection() as connection:
            rows = await connection.fetch(_QUERIES["list_page"].text, limit, first, end)
        return [_letter(row) for row in rows]

    async def find(self, number: int) -> InboxMessage | None:
        """Return one letter, whole."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_QUERIES["find"].text, number)
        return _letter(row) if row else None

    async def compare(self, settled_before: datetime) -> Mapping[str, Discrepancies]:
        """Return, by name of the message type, where letters and rows differ.

        settled_before: what is on its way and younger than this may still differ.
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(_QUERIES["compare"].text, settled_before)
        found: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for row in rows:
            found[row["message_type"]][row["kind"]] = row["letters"]
        return {name: Discrepancies(**counts) for name, counts in found.items()}


def _letter(row: asyncpg.Record) -> InboxMessage:
    return InboxMessage(
        id=row["id"],
        email=row["email"],
        message=row["message"],
        idempotency_key=row["idempotency_key"],
        timezone=row["timezone"],
        scheduled_send_at=row["scheduled_send_time"],
        received_at=row["received_at"],
        subject=row["subject"],
        html=row["html"],
        language=row["language"],
    )
