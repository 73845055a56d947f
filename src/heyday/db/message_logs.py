"""Move greetings along the transition table, in sets."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from heyday.db import queries
from heyday.db.types import PooledConnection
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
from heyday.domain.queue_ports import AGES, OnTheWay
from heyday.domain.sender_plan import Assigned
from heyday.domain.timezone import Window
from heyday.domain.transitions import Status

_QUERIES = queries.load("message_logs")
# What a claim makes of rows whose people have left, or have another date or zone now.
_OF_CHANGED_PEOPLE = frozenset({Status.CANCELLED.value, Status.QUEUED.value})
# How much wider than a batch the bounds of statements are that find its rows one by one.
_AROUND = timedelta(days=7)
# Which parameter of a statement holds the instants before which it is too late.
_SKIP_BEFORE = {
    "enqueue_due": "$5",
    "news": "$3",
    "enqueue_again": "$5",
    "claim": "$5",
    "skip_late": "$1",
}


def statement(name: str, *, is_doubtful: bool = False, is_of_one_instant: bool = False) -> str:
    """Return a statement; some are others for rows that are doubtful, or of one instant."""
    fragments = {}
    if name in _SKIP_BEFORE:
        fragments["skip_before"] = _element_of(f"{_SKIP_BEFORE[name]}::timestamptz[]")
    if name in {"claim", "read_ahead"}:
        first, last = "($2::timestamptz[])[1]", "($2::timestamptz[])[2]"
        fragments["within"] = f"= {first}" if is_of_one_instant else f"BETWEEN {first} AND {last}"
    if name == "claim":
        fragments |= _claim_fragments(is_doubtful=is_doubtful)
    return _QUERIES[name].fill(fragments)


def _claim_fragments(*, is_doubtful: bool) -> dict[str, str]:
    same_occasion = {"same_occasion": _element_of("$7::interval[]")}
    doubt = _QUERIES["is_doubtful"].fill(same_occasion)
    person = {
        "occasion": _by_type({t.name: f"p.{t.date_column}" for t in MESSAGE_TYPES}),
        "left": ", ".join(f"u.{t.unsubscribed_column}" for t in MESSAGE_TYPES),
        "left_at": _by_type({t.name: f"p.{t.unsubscribed_column}" for t in MESSAGE_TYPES}),
    }
    if not is_doubtful:
        return {**person, "twin": "", "greeted": "", "which": f"NOT {doubt}"}
    return {
        **person,
        "twin": _QUERIES["twin"].fill(same_occasion),
        "greeted": _QUERIES["greeted"].text,
        "which": f"{doubt} AND twin.is_leaving IS NOT TRUE",
    }


def _element_of(array: str) -> str:
    """Return the element, for a row's message type, of an array in the order of MESSAGE_TYPES."""
    names = [message_type.name for message_type in MESSAGE_TYPES]
    return _by_type({name: f"({array})[{place}]" for place, name in enumerate(names, start=1)})


def _by_type(values: Mapping[str, str]) -> str:
    cases = " ".join(f"WHEN '{name}' THEN {value}" for name, value in values.items())
    return f"CASE m.message_type {cases} END"


_ENQUEUE_DUE, _ENQUEUE_AGAIN = statement("enqueue_due"), statement("enqueue_again")
# By whether rows are doubtful, and the batch is of one instant.
_CLAIM = {
    (doubtful, one): statement("claim", is_doubtful=doubtful, is_of_one_instant=one)
    for doubtful in (False, True)
    for one in (False, True)
}
_READ_AHEAD = {one: statement("read_ahead", is_of_one_instant=one) for one in (False, True)}
_PROLONG, _RECORD, _SKIP_LATE = map(statement, ("prolong", "record", "skip_late"))


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
        ambiguous_since=row["ambiguous_since"],
        message_type=row["message_type"],
        idempotency_key=row["idempotency_key"],
        email=row["email"],
        text=row["message_content"],
        sender=row["sender"],
        subject=row["message_subject"],
        html=row["message_html"],
        language=row["language"],
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
        outcome.ambiguous_since,
        outcome.next_attempt_at,
        outcome.response_code,
        outcome.response_body,
        outcome.error,
        outcome.provider_message_id,
        outcome.sender,
    )


def _bounds_around(instants: Sequence[datetime]) -> list[datetime]:
    """Return two instants, well before the first of these and well after the last."""
    return [min(instants) - _AROUND, max(instants) + _AROUND]


class MessageLogRepository:
    """Run the statements of `message_logs` over one connection."""

    def __init__(self, connection: PooledConnection) -> None:
        self._connection = connection

    async def enqueue_due(
        self, now: datetime, until: datetime, rules: ClaimRules, limit: int
    ) -> list[DueMessage]:
        """Move up to `limit` rows due before `until` to QUEUED; return them by instant."""
        bounds = (rules.earliest, limit, list(rules.skip_before))
        return _due(await self._connection.fetch(_ENQUEUE_DUE, now, until, *bounds))

    async def enqueue_again(
        self,
        now: datetime,
        *,
        queued_before: datetime,
        due_before: datetime,
        rules: ClaimRules,
        limit: int,
    ) -> list[DueMessage]:
        """Return rows that were due and queued before these instants, and that nobody claimed."""
        bounds = (rules.earliest, limit, list(rules.skip_before), queued_before)
        return _due(await self._connection.fetch(_ENQUEUE_AGAIN, now, due_before, *bounds))

    async def read_ahead(self, batch: Batch) -> None:
        """Read what a claim of the batch will read, and change nothing: then it is in memory."""
        instants = [batch.first_at, batch.last_at]
        query = _READ_AHEAD[batch.first_at == batch.last_at]
        await self._connection.execute(query, list(batch.message_ids), instants)

    async def claim(
        self,
        batch: Batch,
        now: datetime,
        rules: ClaimRules,
        lease: timedelta,
        assigned: Assigned | None = None,
    ) -> Claim:
        """Take the batch's rows that are due and still wanted: QUEUED to SENDING.

        Most batches need one statement; only one that leaves rows over is looked at for doubtful
        ones, which take a search in other months.
        """
        instants = [batch.first_at, batch.last_at]
        values = (
            list(batch.message_ids),
            instants,
            _bounds_around(instants),
            now,
            list(rules.skip_before),
            lease,
            list(rules.same_occasion),
            list(assigned.senders) if assigned else [],
            list(assigned.spares) if assigned else [],
        )
        is_of_one_instant = batch.first_at == batch.last_at
        rows = await self._connection.fetch(_CLAIM[False, is_of_one_instant], *values)
        if len(rows) < len(batch.message_ids):
            await self._connection.execute(_QUERIES["lock_doubtful"].text)
            rows += await self._connection.fetch(_CLAIM[True, is_of_one_instant], *values)
        taken = [row for row in rows if row["status"] == Status.SENDING.value]
        others = [row for row in rows if row["status"] != Status.SENDING.value]
        changed = [row for row in others if row["status"] in _OF_CHANGED_PEOPLE]
        return Claim(
            messages=tuple(_claimed(row) for row in taken),
            changed={row["user_id"]: row["person_timezone"] for row in changed},
            not_sent=Counter((row["message_type"], row["status"]) for row in others),
            lease_until=taken[0]["lease_until"] if taken else None,
        )

    async def find_held(
        self, messages: Sequence[ClaimedMessage], lease_until: datetime
    ) -> set[UUID]:
        """Return the ids of those that stand as the claim with this lease left them."""
        rows = await self._connection.fetch(
            _QUERIES["find_held"].text,
            [message.id for message in messages],
            [message.scheduled_send_at for message in messages],
            [message.epoch for message in messages],
            lease_until,
        )
        return {row["id"] for row in rows}

    async def claim_expired(self, lease: timedelta, limit: int) -> list[ClaimedMessage]:
        """Take over rows whose sender let its lease run out."""
        rows = await self._connection.fetch(_QUERIES["claim_expired"].text, lease, limit)
        return [_claimed(row) for row in rows]

    async def prolong(self, held: Sequence[ClaimedMessage], lease: timedelta) -> set[UUID]:
        """Let the lease of rows that are still this worker's begin anew; return their ids."""
        instants = [message.scheduled_send_at for message in held]
        rows = await self._connection.fetch(
            _PROLONG,
            [message.id for message in held],
            instants,
            [message.epoch for message in held],
            lease,
            *_bounds_around(instants),
        )
        return {row["id"] for row in rows}

    async def record(self, outcomes: Sequence[Recorded]) -> int:
        """Write outcomes of attempts; return how many were this worker's to write.

        What it has written before, and lost the answer to, counts as well.
        """
        columns = [list(c) for c in zip(*(_values(outcome) for outcome in outcomes), strict=True)]
        bounds = _bounds_around([outcome.scheduled_send_at for outcome in outcomes])
        written: int = await self._connection.fetchval(_RECORD, *columns, *bounds)
        if written == len(outcomes):
            return written
        ours: int = await self._connection.fetchval(
            _QUERIES["count_recorded"].text, *columns[:3], *bounds
        )
        return ours

    async def skip_late(self, rules: ClaimRules) -> int:
        """Move rows that are too late to be sent to SKIPPED; return how many."""
        before = list(rules.skip_before)
        tag = await self._connection.execute(_SKIP_LATE, before, max(before))
        return int(tag.removeprefix("UPDATE "))

    async def balance(
        self, message_type: str, window: Window, overdue_before: datetime
    ) -> TypeBalance:
        """Return what became of the greetings scheduled in the window."""
        row = await self._connection.fetchrow(
            _QUERIES["balance"].text, message_type, window.start_at, window.end_at, overdue_before
        )
        return TypeBalance(message_type=message_type, unplanned=0, **dict(row or {}))

    async def count_on_the_way(self, now: datetime) -> OnTheWay:
        """Return how many greetings are QUEUED or SENDING, and for how long they have been due."""
        bounds = [age.total_seconds() for age in AGES]
        rows = await self._connection.fetch(_QUERIES["count_on_the_way"].text, now, bounds)
        queued = [0] * (1 + len(AGES))
        for row in rows:
            if row["status"] == Status.QUEUED.value:
                queued[row["age"]] = row["greetings"]
        return OnTheWay(
            coming=queued[0],
            queued=queued[1:],
            sending=sum(row["greetings"] for row in rows) - sum(queued),
            oldest_due_at=min((row["oldest_due_at"] for row in rows), default=None),
        )

    async def find_next(self, now: datetime) -> UpcomingGreeting | None:
        """Return the next greeting to leave after `now`."""
        row = await self._connection.fetchrow(_QUERIES["find_next"].text, now)
        if row is None:
            return None
        return UpcomingGreeting(
            first_name=row["first_name"],
            last_name=row["last_name"],
            message_type=row["message_type"],
            timezone=row["timezone"],
            scheduled_send_at=row["scheduled_send_time"],
        )
