"""Look at greetings without their people; settle and cancel them as a person decides."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg

from heyday.db import queries
from heyday.db.types import PooledConnection
from heyday.domain.message_filters import MessageFilter, Place
from heyday.domain.resolutions import Attempt, GreetingRow
from heyday.domain.transitions import Status

_QUERIES = queries.load("resolutions")
_EVER, _NEVER = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_BEFORE_ALL = UUID(int=0)
# What these statements and their callers never read: text, answer, zone, birthday.
COLUMNS: Final = (
    "id, user_id, idempotency_key, message_type, delivery_date, scheduled_send_time, "
    "actual_send_time, status, retry_count, ambiguous_count, created_at, queued_at, "
    "next_attempt_at, api_response_code, error_message, sender"
)
"""What a greeting is shown with."""


def statement(name: str) -> str:
    """Return a statement with its columns filled in."""
    return _QUERIES[name].fill({"columns": COLUMNS, "conditions": ""})


def page_statement(names: Sequence[str]) -> str:
    """Return the statement of a list with these conditions, whose values are $5 and so on."""
    filled = "\n".join(conditions(names, 5))
    return _QUERIES["list_page"].fill({"columns": COLUMNS, "conditions": filled})


def conditions(names: Sequence[str], first: int) -> list[str]:
    """Return what a list is to meet, with values from the parameter $`first` on."""
    return [_QUERIES[name].fill({"n": str(n)}) for n, name in enumerate(names, start=first)]


class ResolutionRepository:
    """Run the statements of db/sql/resolutions.sql over one connection."""

    def __init__(self, connection: PooledConnection) -> None:
        self._connection = connection

    async def lock(self, message_ids: Collection[UUID]) -> list[GreetingRow]:
        """Return those of the rows that exist, and keep them as they are until the commit."""
        rows = await self._connection.fetch(statement("lock"), list(message_ids))
        return [read_greeting(row) for row in rows]

    async def resolve(
        self, greetings: Sequence[GreetingRow], target: Status, now: datetime, note: str | None
    ) -> list[UUID]:
        """Move those that are UNKNOWN, with a trace among the attempts; return their ids."""
        instants = [greeting.scheduled_send_at for greeting in greetings]
        rows = await self._connection.fetch(
            statement("resolve"),
            [greeting.id for greeting in greetings],
            instants,
            target.value,
            now,
            note,
            min(instants),
            max(instants),
        )
        return [row["id"] for row in rows]

    async def retry_failed(
        self, greetings: Sequence[GreetingRow], now: datetime, note: str | None
    ) -> list[UUID]:
        """Move those that FAILED and were surely never taken, with a trace; return their ids."""
        return await self._move("retry_failed", greetings, now, note)

    async def cancel(
        self, greetings: Sequence[GreetingRow], now: datetime, note: str | None
    ) -> list[UUID]:
        """Cancel those not yet being sent, for good and with a trace; return their ids."""
        return await self._move("cancel", greetings, now, note)

    async def list_page(
        self, wanted: MessageFilter, after: Place | None, limit: int
    ) -> list[GreetingRow]:
        """Return up to `limit` rows that the filter wants, after a place, in order of places."""
        values = values_of(wanted)
        start = Place(wanted.scheduled_from or _EVER, _BEFORE_ALL)
        if after and after.scheduled_send_at >= start.scheduled_send_at:
            start = after
        rows = await self._connection.fetch(
            page_statement(list(values)),
            start.scheduled_send_at,
            wanted.scheduled_until or _NEVER,
            start.message_id,
            limit,
            *values.values(),
        )
        return [read_greeting(row) for row in rows]

    async def list_by_status(self, status: Status, limit: int) -> list[GreetingRow]:
        """Return up to `limit` rows of a status, by instant."""
        rows = await self._connection.fetch(statement("list_by_status"), status.value, limit)
        return [read_greeting(row) for row in rows]

    async def find(self, message_id: UUID) -> GreetingRow | None:
        """Return one row."""
        row = await self._connection.fetchrow(statement("find"), message_id)
        return read_greeting(row) if row else None

    async def list_attempts(self, message_id: UUID) -> list[Attempt]:
        """Return the attempts at a greeting that were noted, in order."""
        rows = await self._connection.fetch(statement("list_attempts"), message_id)
        return [
            Attempt(
                attempt=row["attempt"],
                epoch=row["epoch"],
                outcome=row["outcome"],
                status=Status(row["status"]),
                finished_at=row["finished_at"],
                response_code=row["api_response_code"],
                error=row["error_message"],
                sender=row["sender"],
            )
            for row in rows
        ]

    async def _move(
        self, name: str, greetings: Sequence[GreetingRow], now: datetime, note: str | None
    ) -> list[UUID]:
        instants = [greeting.scheduled_send_at for greeting in greetings]
        ids = [greeting.id for greeting in greetings]
        rows = await self._connection.fetch(
            statement(name), ids, instants, now, note, min(instants), max(instants)
        )
        return [row["id"] for row in rows]


def values_of(wanted: MessageFilter) -> dict[str, object]:
    """Return the conditions that a list is to meet, by name, with the value of each."""
    values = {
        "of_status": wanted.status and wanted.status.value,
        "of_type": wanted.message_type,
        "of_person": wanted.user_id,
        "of_doubt": wanted.is_ambiguous,
        "delivered_from": wanted.delivered_from,
        "delivered_to": wanted.delivered_to,
        "of_zone": wanted.timezone,
        "of_sender": wanted.sender,
        "of_lateness": wanted.late_at,
    }
    return {name: value for name, value in values.items() if value is not None}


def read_greeting(row: asyncpg.Record) -> GreetingRow:
    """Return a row of COLUMNS."""
    return GreetingRow(
        id=row["id"],
        user_id=row["user_id"],
        idempotency_key=row["idempotency_key"],
        message_type=row["message_type"],
        delivery_on=row["delivery_date"],
        scheduled_send_at=row["scheduled_send_time"],
        actual_send_at=row["actual_send_time"],
        status=Status(row["status"]),
        retry_count=row["retry_count"],
        ambiguous_count=row["ambiguous_count"],
        created_at=row["created_at"],
        queued_at=row["queued_at"],
        next_attempt_at=row["next_attempt_at"],
        response_code=row["api_response_code"],
        error=row["error_message"],
        sender=row["sender"],
    )
