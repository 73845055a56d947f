"""The statements of db/sql/resolutions.sql, on the model database (ResolutionStore)."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from heyday.domain.message_filters import MessageFilter, Place
from heyday.domain.resolutions import RESOLVED, Attempt, GreetingRow
from heyday.domain.transitions import PENDING, Status
from tests.model.rows import AttemptRow, MessageRow
from tests.model.tables import ModelDatabase

_UNTRIED = frozenset({RESOLVED, "not_tried", "forgotten"})


class ModelResolutions:
    """Settle greetings of which nobody can say whether they left."""

    def __init__(self, database: ModelDatabase) -> None:
        self._database = database

    async def lock(self, message_ids: Collection[UUID]) -> list[GreetingRow]:
        rows = self._database.tables.messages
        return [_greeting(rows[i]) for i in sorted(message_ids) if i in rows]

    async def resolve(
        self, greetings: Sequence[GreetingRow], target: Status, now: datetime, note: str | None
    ) -> list[UUID]:
        resolved = []
        for greeting in greetings:
            row = self._database.tables.messages[greeting.id]
            if row.status is Status.UNKNOWN:
                self._settle(row, target, now, note)
                resolved.append(row.id)
        return resolved

    async def retry_failed(
        self, greetings: Sequence[GreetingRow], now: datetime, note: str | None
    ) -> list[UUID]:
        retried = []
        for greeting in greetings:
            row = self._database.tables.messages[greeting.id]
            # The model's provider tells of no letters, so there are no events to look at.
            if row.status is Status.FAILED and not row.ambiguous_count:
                self._settle(row, Status.RETRYING, now, note)
                retried.append(row.id)
        return retried

    async def cancel(
        self, greetings: Sequence[GreetingRow], now: datetime, note: str | None
    ) -> list[UUID]:
        cancelled = []
        for greeting in greetings:
            row = self._database.tables.messages[greeting.id]
            if row.status in PENDING:
                reason = "cancelled by a person" + (f": {note}" if note else "")
                written = replace(
                    row, status=Status.CANCELLED, epoch=row.epoch + 1, error_message=reason
                )
                self._database.put(written)
                self._note(written, written.retry_count + 1, now, note)
                cancelled.append(row.id)
        return cancelled

    async def list_page(
        self, wanted: MessageFilter, after: Place | None, limit: int
    ) -> list[GreetingRow]:
        raise NotImplementedError("the machine looks for itself")

    async def list_by_status(self, status: Status, limit: int) -> list[GreetingRow]:
        raise NotImplementedError("the machine looks for itself")

    async def find(self, message_id: UUID) -> GreetingRow | None:
        raise NotImplementedError("the machine looks for itself")

    async def list_attempts(self, message_id: UUID) -> list[Attempt]:
        raise NotImplementedError("the machine looks for itself")

    def _settle(self, row: MessageRow, target: Status, now: datetime, note: str | None) -> None:
        is_retry = target is Status.RETRYING
        tried = [
            attempt.finished_at
            for attempt in self._database.tables.attempts
            if attempt.message_id == row.id and attempt.outcome not in _UNTRIED
        ]
        sent_at = max(tried, default=now) if target is Status.SENT else None
        written = replace(
            row,
            status=target,
            epoch=row.epoch + 1,
            retry_count=row.retry_count + is_retry,
            ambiguous_since=None if is_retry else row.ambiguous_since,
            next_attempt_at=now if is_retry else None,
            actual_send_time=sent_at,
            error_message=note or "decided by a person",
        )
        self._database.put(written)
        self._note(written, written.retry_count + (not is_retry), now, note)

    def _note(self, row: MessageRow, attempt: int, now: datetime, note: str | None) -> None:
        self._database.tables.attempts.append(
            AttemptRow(
                message_id=row.id,
                scheduled_send_time=row.scheduled_send_time,
                epoch=row.epoch,
                attempt=attempt,
                outcome=RESOLVED,
                status=row.status,
                finished_at=now,
                api_response_code=None,
                error_message=note,
            )
        )


def _greeting(row: MessageRow) -> GreetingRow:
    return GreetingRow(
        id=row.id,
        user_id=row.user_id,
        idempotency_key=row.idempotency_key,
        message_type=row.message_type,
        delivery_on=row.delivery_date,
        scheduled_send_at=row.scheduled_send_time,
        actual_send_at=row.actual_send_time,
        status=row.status,
        retry_count=row.retry_count,
        ambiguous_count=row.ambiguous_count,
        # No decision hangs on when a row was planned, so the model does not keep it.
        created_at=row.scheduled_send_time,
        queued_at=row.queued_at,
        next_attempt_at=row.next_attempt_at,
        response_code=row.api_response_code,
        error=row.error_message,
        sender=row.sender,
    )
