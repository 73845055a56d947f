"""Move greetings along the transition table, in sets."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import asyncpg

from heyday.db import queries
from heyday.db.types import PooledConnection
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.models import (
    Batch,
    Claim,
    ClaimedMessage,
    DueMessage,
    Recorded,
    TypeBalance,
    UpcomingGreeting,
)
from heyday.domain.timezone import Window
from heyday.domain.transitions import Status

_OCCASION = (
    "CASE m.message_type "
    + " ".join(f"WHEN '{t.name}' THEN p.{t.date_column}" for t in MESSAGE_TYPES)
    + " END"
)
_SQL = {n: q.fill({"occasion": _OCCASION}) for n, q in queries.load("message_logs").items()}


def _due(rows: Iterable[asyncpg.Record]) -> list[DueMessage]:
    return [DueMessage(row["id"], row["scheduled_send_time"], row["due_at"]) for row in rows]


def _claimed(row: asyncpg.Record) -> ClaimedMessage:
    return ClaimedMessage(
        id=row["id"],
        user_id=row["user_id"],
        scheduled_send_at=row["scheduled_send_time"],
        epoch=row["epoch"],
        retry_count=row["retry_count"],
        ambiguous_count=row["ambiguous_count"],
        message_type=row["message_type"],
        idempotency_key=row["idempotency_key"],
        email=row["email"],
        text=row["message_content"],
    )


def _values(outcome: Recorded) -> tuple[object, ...]:
    """Return one row for the `record` statement, in the order of its arrays."""
    return (
        outcome.message_id,
        outcome.scheduled_send_at,
        outcome.epoch,
        outcome.status.value,
        outcome.attempt,
        outcome.outcome,
        outcome.finished_at,
        outcome.retry_count,
        outcome.ambiguous_count,
        outcome.next_attempt_at,
        outcome.response_code,
        outcome.response_body,
        outcome.error,
        outcome.provider_message_id,
    )


class MessageLogRepository:
    """Run the statements of `message_logs` over one connection."""

    def __init__(self, connection: PooledConnection) -> None:
        self._connection = connection

    async def enqueue_due(
        self, now: datetime, until: datetime, skip_before: datetime, limit: int
    ) -> list[DueMessage]:
        """Move up to `limit` rows due before `until` to QUEUED; return them by instant."""
        return _due(
            await self._connection.fetch(_SQL["enqueue_due"], now, until, skip_before, limit)
        )

    async def enqueue_again(
        self, now: datetime, queued_before: datetime, skip_before: datetime, limit: int
    ) -> list[DueMessage]:
        """Return rows that fell due, were queued before an instant, and that nobody claimed."""
        rows = await self._connection.fetch(
            _SQL["enqueue_again"], now, queued_before, skip_before, limit
        )
        return _due(rows)

    async def claim(
        self, batch: Batch, now: datetime, skip_before: datetime, lease: timedelta
    ) -> Claim:
        """Take the batch's rows that are due and still wanted: QUEUED to SENDING."""
        rows = await self._connection.fetch(
            _SQL["claim"],
            list(batch.message_ids),
            batch.first_at,
            batch.last_at,
            now,
            skip_before,
            lease,
        )
        taken = [row for row in rows if row["status"] == Status.SENDING.value]
        cancelled = [row for row in rows if row["status"] == Status.CANCELLED.value]
        return Claim(
            messages=tuple(_claimed(row) for row in taken),
            changed_user_ids=tuple({row["user_id"] for row in cancelled}),
            not_sent=len(rows) - len(taken),
        )

    async def claim_expired(self, lease: timedelta, limit: int) -> list[ClaimedMessage]:
        """Take over rows whose sender let its lease run out."""
        rows = await self._connection.fetch(_SQL["claim_expired"], lease, limit)
        return [_claimed(row) for row in rows]

    async def record(self, outcomes: Sequence[Recorded]) -> int:
        """Write outcomes of attempts; return how many were still this worker's to write."""
        columns = zip(*(_values(outcome) for outcome in outcomes), strict=True)
        instants = [outcome.scheduled_send_at for outcome in outcomes]
        count: int = await self._connection.fetchval(
            _SQL["record"], *(list(column) for column in columns), min(instants), max(instants)
        )
        return count

    async def skip_late(self, skip_before: datetime) -> int:
        """Move rows that are too late to be sent to SKIPPED; return how many."""
        tag = await self._connection.execute(_SQL["skip_late"], skip_before)
        return int(tag.removeprefix("UPDATE "))

    async def balance(
        self, message_type: str, window: Window, overdue_before: datetime
    ) -> TypeBalance:
        """Return what became of the greetings scheduled in the window."""
        row = await self._connection.fetchrow(
            _SQL["balance"], message_type, window.start_at, window.end_at, overdue_before
        )
        return TypeBalance(message_type=message_type, unplanned=0, **dict(row or {}))

    async def find_next(self, now: datetime) -> UpcomingGreeting | None:
        """Return the next greeting to leave after `now`."""
        row = await self._connection.fetchrow(_SQL["find_next"], now)
        if row is None:
            return None
        return UpcomingGreeting(
            first_name=row["first_name"],
            last_name=row["last_name"],
            message_type=row["message_type"],
            timezone=row["timezone"],
            scheduled_send_at=row["scheduled_send_time"],
        )
