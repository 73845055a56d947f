"""Look up one person with all their greetings."""

from collections.abc import Collection
from datetime import UTC, date
from uuid import UUID

import asyncpg

from heyday.db import queries
from heyday.db.connection import Database
from heyday.domain.cases import CaseGreeting, CasePerson
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.transitions import Status

_QUERIES = queries.load("cases")


class CaseRepository:
    """Find people, deleted or not, and what became of their greetings."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_by_id(self, user_id: UUID) -> CasePerson | None:
        """Return the person with this id."""
        return await self._find("find_by_id", user_id)

    async def find_by_email(self, email: str) -> CasePerson | None:
        """Return the live person with this address, else the last who was deleted with it."""
        live = await self._find("find_live_by_email", email)
        return live or await self._find("find_deleted_by_email", email)

    async def list_greetings(self, user_id: UUID) -> list[CaseGreeting]:
        """Return the rows of a person's greetings, by instant."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_QUERIES["list_greetings"].text, user_id)
        return [_greeting(row) for row in rows]

    async def list_keys(self, user_id: UUID, dates: Collection[date]) -> set[tuple[str, date]]:
        """Return what the ledger holds for a person on these dates, as (type, date)."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_QUERIES["list_keys"].text, user_id, list(dates))
        return {(row["message_type"], row["delivery_date"]) for row in rows}

    async def _find(self, name: str, value: object) -> CasePerson | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_QUERIES[name].text, value)
        return _person(row) if row else None


def _person(row: asyncpg.Record) -> CasePerson:
    return CasePerson(
        id=row["id"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        email=row["email"],
        timezone=row["timezone"],
        dates={t.name: row[t.date_column] for t in MESSAGE_TYPES},
        created_at=row["created_at"],
        deleted_at=row["deleted_at"],
        unsubscribed_at=row["unsubscribed_at"],
        left_at={t.name: at for t in MESSAGE_TYPES if (at := row[t.unsubscribed_column])},
        # asyncpg returns -infinity, which SQL may have set, without a zone.
        eligible_since=row["eligible_since"].replace(tzinfo=UTC),
        dates_changed_at=row["dates_changed_at"],
        erased_at=row["erased_at"],
    )


def _greeting(row: asyncpg.Record) -> CaseGreeting:
    return CaseGreeting(
        message_type=row["message_type"],
        delivery_on=row["delivery_date"],
        occasion_on=row["occasion_date"],
        timezone=row["timezone"],
        tzdb_version=row["tzdb_version"],
        status=Status(row["status"]),
        scheduled_send_at=row["scheduled_send_time"],
        actual_send_at=row["actual_send_time"],
        next_attempt_at=row["next_attempt_at"],
        retry_count=row["retry_count"],
        ambiguous_count=row["ambiguous_count"],
        error=row["error_message"],
    )
