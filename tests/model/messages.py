"""The statements of db/sql/message_logs.sql, on the model database (ports.MessageLogStore)."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.models import (
    Batch,
    Claim,
    ClaimedMessage,
    ClaimRules,
    DueMessage,
    Recorded,
    TypeBalance,
    UpcomingGreeting,
)
from heyday.domain.queue_ports import OnTheWay
from heyday.domain.sender_plan import Assigned
from heyday.domain.timezone import Window
from heyday.domain.transitions import IN_FLIGHT, PENDING, Status
from tests.model.plans import is_fit
from tests.model.rows import AttemptRow, MessageRow, PersonRow
from tests.model.tables import ModelDatabase

_TYPES = {t.name: t for t in MESSAGE_TYPES}
_PLACES = {t.name: place for place, t in enumerate(MESSAGE_TYPES)}
_WAITING = frozenset({Status.SCHEDULED, Status.RETRYING})
_GREETED = frozenset({Status.SENT, Status.UNKNOWN})
_ROOM = timedelta(days=2)
_LATE = timedelta(minutes=1)


class ModelMessages:
    """Move greetings along the transition table."""

    def __init__(self, database: ModelDatabase) -> None:
        self._database = database

    async def enqueue_due(
        self, now: datetime, until: datetime, rules: ClaimRules, limit: int
    ) -> list[DueMessage]:
        self._database.statements.append("enqueue_due")
        due = self._take(lambda row: row.status in _WAITING, until, rules, limit)
        moved = [
            self._database.put(replace(row, status=Status.QUEUED, queued_at=now)) for row in due
        ]
        return [_due(row) for row in moved]

    async def enqueue_again(
        self,
        now: datetime,
        *,
        queued_before: datetime,
        due_before: datetime,
        rules: ClaimRules,
        limit: int,
    ) -> list[DueMessage]:
        self._database.statements.append("enqueue_again")
        lost = self._take(
            lambda row: (
                row.status is Status.QUEUED
                and row.queued_at is not None
                and row.queued_at < queued_before
            ),
            due_before,
            rules,
            limit,
        )
        return [_due(self._database.put(replace(row, queued_at=now))) for row in lost]

    async def read_ahead(self, batch: Batch) -> None:
        """Have no disk to read from."""

    async def claim(
        self,
        batch: Batch,
        now: datetime,
        rules: ClaimRules,
        lease: timedelta,
        assigned: Assigned | None = None,
    ) -> Claim:
        self._database.statements.append("claim")
        # The machine has one sender, and so no spares.
        senders = dict(zip(batch.message_ids, assigned.senders if assigned else (), strict=False))
        rows = self._claim(batch, now, rules, lease, senders, is_doubtful=False)
        if len(rows) < len(batch.message_ids):
            rows += self._claim(batch, now, rules, lease, senders, is_doubtful=True)
        taken = [row for row in rows if row.status is Status.SENDING]
        changed = [row for row in rows if row.status in {Status.CANCELLED, Status.QUEUED}]
        return Claim(
            messages=tuple(row.as_claimed(self._person(row).email) for row in taken),
            changed={row.user_id: self._person(row).timezone for row in changed},
            not_sent=Counter(
                (row.message_type, row.status.value)
                for row in rows
                if row.status is not Status.SENDING
            ),
            lease_until=taken[0].lease_until if taken else None,
        )

    async def find_held(
        self, messages: Sequence[ClaimedMessage], lease_until: datetime
    ) -> set[UUID]:
        rows = [self._own(m.id, m.scheduled_send_at, m.epoch) for m in messages]
        return {
            row.id
            for row in rows
            if row and row.status is Status.SENDING and row.lease_until == lease_until
        }

    async def claim_expired(self, lease: timedelta, limit: int) -> list[ClaimedMessage]:
        self._database.statements.append("claim_expired")
        now = self._database.now()
        expired = [
            row
            for row in self._rows()
            if row.status is Status.SENDING and row.lease_until and row.lease_until < now
        ]
        expired.sort(key=_instant)
        taken = [
            self._database.put(
                replace(
                    row,
                    epoch=row.epoch + 1,
                    lease_until=now + lease,
                    ambiguous_since=row.ambiguous_since or row.lease_until - lease,
                )
            )
            for row in expired[:limit]
            if row.lease_until
        ]
        return [row.as_claimed(self._person(row).email) for row in taken]

    async def prolong(self, held: Sequence[ClaimedMessage], lease: timedelta) -> set[UUID]:
        lease_until = self._database.now() + lease
        kept = set()
        for message in held:
            row = self._own(message.id, message.scheduled_send_at, message.epoch)
            if row and row.status is Status.SENDING:
                self._database.put(replace(row, lease_until=lease_until))
                kept.add(row.id)
        return kept

    async def record(self, outcomes: Sequence[Recorded]) -> int:
        self._database.statements.append("record")
        noted = {(a.message_id, a.epoch) for a in self._database.tables.attempts}
        for outcome in outcomes:
            row = self._own(outcome.message_id, outcome.scheduled_send_at, outcome.epoch)
            if row and row.status is Status.SENDING:
                self._database.put(_recorded(row, outcome))
            is_plain = outcome.status is Status.SENT and outcome.attempt == 1
            if not is_plain and (outcome.message_id, outcome.epoch) not in noted:
                self._database.tables.attempts.append(_attempt(outcome))
        rows = [self._own(o.message_id, o.scheduled_send_at, o.epoch) for o in outcomes]
        return sum(row is not None and row.status is not Status.SENDING for row in rows)

    async def skip_late(self, rules: ClaimRules) -> int:
        late = [
            row
            for row in self._rows()
            if row.status in PENDING and row.scheduled_send_time < _skip_before(row, rules)
        ]
        for row in late:
            self._database.put(
                replace(
                    row,
                    status=Status.SKIPPED,
                    epoch=row.epoch + 1,
                    error_message="the late window had passed",
                )
            )
        return len(late)

    async def balance(
        self, message_type: str, window: Window, overdue_before: datetime
    ) -> TypeBalance:
        rows = [
            row
            for row in self._rows()
            if row.message_type == message_type and row.scheduled_send_time in window
        ]
        live = [row for row in rows if row.status in IN_FLIGHT]
        counts = Counter(row.status for row in rows)
        return TypeBalance(
            message_type=message_type,
            due=len(rows),
            sent=counts[Status.SENT],
            failed=counts[Status.FAILED],
            cancelled=counts[Status.CANCELLED],
            skipped=counts[Status.SKIPPED],
            unknown=counts[Status.UNKNOWN],
            live=len(live),
            overdue=sum(row.due_at < overdue_before for row in live),
            late=sum(
                row.actual_send_time - row.scheduled_send_time > _LATE
                for row in rows
                if row.actual_send_time
            ),
        )

    async def count_on_the_way(self, now: datetime) -> OnTheWay:
        raise NotImplementedError("the machine looks for itself")

    async def find_next(self, now: datetime) -> UpcomingGreeting | None:
        coming = [
            row for row in self._rows() if row.status in PENDING and row.scheduled_send_time > now
        ]
        if not coming:
            return None
        row = min(coming, key=_instant)
        person = self._person(row)
        return UpcomingGreeting(
            person.first_name,
            person.last_name,
            row.message_type,
            row.timezone,
            row.scheduled_send_time,
        )

    def _own(self, message_id: UUID, scheduled_send_at: datetime, epoch: int) -> MessageRow | None:
        """Return a row if nobody has claimed it since this epoch."""
        row = self._database.tables.messages.get(message_id)
        is_own = row and (row.scheduled_send_time, row.epoch) == (scheduled_send_at, epoch)
        return row if is_own else None

    def _rows(self) -> list[MessageRow]:
        return list(self._database.tables.messages.values())

    def _person(self, row: MessageRow) -> PersonRow:
        return self._database.tables.people[row.user_id]

    def _take(
        self,
        is_meant: Callable[[MessageRow], bool],
        until: datetime,
        rules: ClaimRules,
        limit: int,
    ) -> list[MessageRow]:
        """Return rows due before an instant that are not too late, oldest first."""
        found = [
            row
            for row in self._rows()
            if is_meant(row)
            and rules.earliest <= row.scheduled_send_time < until
            and row.scheduled_send_time >= _skip_before(row, rules)
            and (row.next_attempt_at is None or row.next_attempt_at < until)
        ]
        return sorted(found, key=_instant)[:limit]

    def _claim(  # noqa: PLR0913 - as many as the statement takes
        self,
        batch: Batch,
        now: datetime,
        rules: ClaimRules,
        lease: timedelta,
        senders: Mapping[UUID, str],
        *,
        is_doubtful: bool,
    ) -> list[MessageRow]:
        """Run one of the two statements: all rows are judged before any is written."""
        judged = [
            (row, self._judge(row, batch, rules, is_doubtful=is_doubtful))
            for message_id in batch.message_ids
            if (row := self._database.tables.messages.get(message_id)) is not None
            and batch.first_at <= row.scheduled_send_time <= batch.last_at
            and row.status is Status.QUEUED
            and row.due_at <= now
            and self._is_doubtful(row, rules) is is_doubtful
        ]
        lease_until = self._database.now() + lease
        return [
            self._database.put(
                replace(
                    row,
                    status=verdict[0],
                    epoch=row.epoch + 1,
                    lease_until=lease_until if verdict[0] is Status.SENDING else None,
                    error_message=verdict[1] or row.error_message,
                    sender=row.sender
                    if row.ambiguous_since or verdict[0] is not Status.SENDING
                    else senders.get(row.id, row.sender),
                )
            )
            for row, verdict in judged
            if verdict is not None
        ]

    def _judge(
        self, row: MessageRow, batch: Batch, rules: ClaimRules, *, is_doubtful: bool
    ) -> tuple[Status, str | None] | None:
        """Return what becomes of a row, and why; None if it has to wait for its twin."""
        person = self._person(row)
        twins = self._twins(row, batch, rules) if is_doubtful else []
        if any(_is_leaving(twin) for twin in twins):
            return None
        if not person.is_wanted:
            kind = "deleted" if person.deleted_at is not None else "unsubscribed"
            return Status.CANCELLED, f"person {kind}"
        if not is_fit(row, person, person.date_of(_TYPES[row.message_type])):
            return Status.QUEUED, None
        if row.scheduled_send_time < _skip_before(row, rules):
            return Status.SKIPPED, "the late window had passed"
        if greeted := [t.delivery_date for t in twins if _is_perhaps_greeted(t)]:
            return Status.SKIPPED, f"greeted for this occasion on {max(greeted)}"
        return Status.SENDING, None

    def _is_doubtful(self, row: MessageRow, rules: ClaimRules) -> bool:
        changed_at = self._person(row).dates_changed_at
        since = row.scheduled_send_time - _same_occasion(row, rules) - _ROOM
        return (
            changed_at is not None and changed_at > since
        ) or row.delivery_date.day != row.occasion_date.day

    def _twins(self, row: MessageRow, batch: Batch, rules: ClaimRules) -> list[MessageRow]:
        """Return the person's other greetings of this type that are about the same occasion."""
        near = _same_occasion(row, rules)
        return [
            other
            for other in self._rows()
            if other.user_id == row.user_id
            and other.message_type == row.message_type
            and other.delivery_date != row.delivery_date
            and _days_apart(other.delivery_date, row.delivery_date) < near
            and abs(other.scheduled_send_time - row.scheduled_send_time) < near + _ROOM
            and (
                other.status in _GREETED
                or other.status is Status.SENDING
                or other.ambiguous_count > 0
                or (
                    other.status is Status.QUEUED
                    and other.id in batch.message_ids
                    and other.delivery_date < row.delivery_date
                )
            )
        ]


def _is_leaving(twin: MessageRow) -> bool:
    is_next = twin.status is Status.QUEUED and twin.ambiguous_count == 0
    return twin.status is Status.SENDING or is_next


def _is_perhaps_greeted(twin: MessageRow) -> bool:
    is_open = twin.status is not Status.SENDING and twin.ambiguous_count > 0
    return twin.status in _GREETED or is_open


def _days_apart(one: date, other: date) -> timedelta:
    return abs(one - other)


def _instant(row: MessageRow) -> datetime:
    return row.scheduled_send_time


def _skip_before(row: MessageRow, rules: ClaimRules) -> datetime:
    return rules.skip_before[_PLACES[row.message_type]]


def _same_occasion(row: MessageRow, rules: ClaimRules) -> timedelta:
    return rules.same_occasion[_PLACES[row.message_type]]


def _due(row: MessageRow) -> DueMessage:
    return DueMessage(row.id, row.scheduled_send_time, row.due_at)


def _recorded(row: MessageRow, outcome: Recorded) -> MessageRow:
    return replace(
        row,
        status=outcome.status,
        actual_send_time=outcome.finished_at if outcome.status is Status.SENT else None,
        retry_count=outcome.retry_count,
        ambiguous_count=outcome.ambiguous_count,
        ambiguous_since=outcome.ambiguous_since,
        next_attempt_at=outcome.next_attempt_at,
        lease_until=None,
        api_response_code=outcome.response_code,
        api_response_body=outcome.response_body,
        error_message=outcome.error,
        provider_message_id=outcome.provider_message_id,
    )


def _attempt(outcome: Recorded) -> AttemptRow:
    return AttemptRow(
        message_id=outcome.message_id,
        scheduled_send_time=outcome.scheduled_send_at,
        epoch=outcome.epoch,
        attempt=outcome.attempt,
        outcome=outcome.outcome,
        status=outcome.status,
        finished_at=outcome.finished_at,
        api_response_code=outcome.response_code,
        error_message=outcome.error,
        sender=outcome.sender,
    )
