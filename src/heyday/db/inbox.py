"""Keep the local mailbox in `inbox_messages`."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from heyday.db import queries
from heyday.db.connection import Database
from heyday.domain.models import ClaimedMessage, Discrepancies, InboxMessage

_QUERIES = queries.load("inbox")


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
            )
        return number

    async def list_latest(self, limit: int) -> list[InboxMessage]:
        """Return the latest letters, newest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_QUERIES["list_latest"].text, limit)
        return [
            InboxMessage(
                id=row["id"],
                email=row["email"],
                message=row["message"],
                idempotency_key=row["idempotency_key"],
                timezone=row["timezone"],
                scheduled_send_at=row["scheduled_send_time"],
                received_at=row["received_at"],
            )
            for row in rows
        ]

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
