"""Hold the records that travel between floors. All are frozen; all instants are aware UTC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from heyday.domain.timezone import Window
from heyday.domain.transitions import Status


@dataclass(frozen=True, slots=True)
class PersonDraft:
    """Describe a person as given by a company and found valid.

    locale: a BCP 47 tag, by which the language of their greetings is chosen.
    """

    first_name: str
    last_name: str
    email: str
    timezone: str
    birthday_date: date | None = None
    anniversary_date: date | None = None
    location_city: str | None = None
    location_country: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class User(PersonDraft):
    """Describe a person as stored. Call it with keywords: the draft's fields come first.

    version: another text after each change, whoever made it. It tells nothing of the person, and
    makes no difference to whether two are equal.   unsubscribed_types: names of message types that
    they want no more; with unsubscribed_at set, they want none at all.
    """

    id: UUID = field(kw_only=True)
    version: str = field(kw_only=True, compare=False)
    created_at: datetime = field(kw_only=True)
    updated_at: datetime = field(kw_only=True)
    unsubscribed_at: datetime | None = field(kw_only=True, default=None)
    deleted_at: datetime | None = field(kw_only=True, default=None)
    unsubscribed_types: Sequence[str] = field(kw_only=True, default_factory=list)


@dataclass(frozen=True, slots=True)
class DueMessage:
    """Point at a row that was just enqueued: where it lies and when it may be sent."""

    id: UUID
    scheduled_send_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """Carry up to a few hundred rows that fall due together, by id alone.

    first_at, last_at: the earliest and latest scheduled_send_time, which lead PostgreSQL
    straight to the partition.   due_at: nobody may claim the batch before this instant.
    traceparent: by which it is followed; no part of what it is.
    """

    id: UUID
    due_at: datetime
    first_at: datetime
    last_at: datetime
    message_ids: tuple[UUID, ...]
    traceparent: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """Hold one greeting that this worker alone may send until `lease_until`.

    ambiguous_since: when the first attempt ended of which nobody can say whether it was accepted.
    text, subject, html: as they were frozen; html is None, and subject empty, where a row has none.
    language: a BCP 47 tag.   sender: through which it leaves, as its row says; None where its
    ambiguous attempt was made before rows said so.
    """

    id: UUID
    user_id: UUID
    scheduled_send_at: datetime
    epoch: int
    retry_count: int
    ambiguous_count: int
    message_type: str
    idempotency_key: str
    email: str
    text: str
    ambiguous_since: datetime | None = None
    subject: str = ""
    html: str | None = None
    language: str = "en"
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Hold what one claim brought.

    changed: people who left, or whose date or zone is another now, with the zone they are in.
    not_sent: how many rows of a message type were CANCELLED, SKIPPED, or left QUEUED to the replan
    of these people.
    lease_until: of all its rows, to the microsecond; None if there are none.
    """

    messages: tuple[ClaimedMessage, ...]
    changed: Mapping[UUID, str]
    not_sent: Mapping[tuple[str, str], int]
    lease_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """Say how one attempt ended, ready to be written."""

    message_id: UUID
    scheduled_send_at: datetime
    epoch: int
    status: Status
    attempt: int
    outcome: str
    finished_at: datetime
    retry_count: int
    ambiguous_count: int
    ambiguous_since: datetime | None = None
    next_attempt_at: datetime | None = None
    response_code: int | None = None
    response_body: str | None = None
    error: str | None = None
    provider_message_id: str | None = None
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class PlanRules:
    """Hold what a planning statement needs to know besides the zone days.

    now: splits instants into coming and missed.   skip_before: instants that lie before it are
    too late to be sent.   late_join: whether a person who came, or was moved, onto today after
    the send time is still greeted today.   window: of greetings that leave spread, those that leave
    in it alone; None: all of the zone days.
    """

    now: datetime
    skip_before: datetime
    late_join: bool
    tzdb_version: str
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """Hold what may leave now, for each of MESSAGE_TYPES in their order.

    skip_before: what was scheduled before this is too late.   same_occasion: within this of a
    greeting that was sent, another one of its type is about the same occasion.   since: what was
    scheduled before this has been looked at; None: nothing has.
    """

    skip_before: tuple[datetime, ...]
    same_occasion: tuple[timedelta, ...]
    since: datetime | None = None

    @property
    def earliest(self) -> datetime:
        """Return the instant before which nothing is to be looked for, whatever its type."""
        too_late = min(self.skip_before)
        return max(too_late, self.since) if self.since else too_late


@dataclass(frozen=True, slots=True)
class ZoneInstant:
    """Give the instant from which on greetings for one delivery date leave in one zone.

    spread: over how long they do.
    """

    timezone: str
    delivery_on: date
    send_at: datetime
    spread: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class PlanCounts:
    """Count what one planning run wrote."""

    planned: int = 0
    retimed: int = 0
    cancelled: int = 0

    def __add__(self, other: "PlanCounts") -> "PlanCounts":
        """Return the sums, field by field."""
        return PlanCounts(
            self.planned + other.planned,
            self.retimed + other.retimed,
            self.cancelled + other.cancelled,
        )


@dataclass(frozen=True, slots=True)
class Written:
    """Hold whose rows were written of late.

    horizon: the first transaction that this look may not have seen; the next begins there.
    user_ids: None if they are too many, or nobody can tell any more: it may be anybody.
    """

    horizon: int
    user_ids: Sequence[UUID] | None


@dataclass(frozen=True, slots=True)
class JobRun:
    """Record one run of a scheduler: what `/health/schedulers` shows."""

    id: int
    name: str
    started_at: datetime
    finished_at: datetime | None
    window: Window | None
    counts: Mapping[str, int]
    error: str | None
    is_manual: bool


@dataclass(frozen=True, slots=True)
class UpcomingGreeting:
    """Tell who is next to be greeted, and when."""

    first_name: str
    last_name: str
    message_type: str
    timezone: str
    scheduled_send_at: datetime


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """Hold one greeting as the local mailbox got it.

    message: empty once it was let go of.   subject: empty where a greeting brought none.
    html: None where there is none, or it was not asked for.   language: a BCP 47 tag.
    """

    id: int
    email: str
    message: str
    idempotency_key: str
    timezone: str | None
    scheduled_send_at: datetime | None
    received_at: datetime
    subject: str = ""
    html: str | None = None
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Discrepancies:
    """Count where rows and what a provider accepted differ.

    unconfirmed: SENT, and the provider does not have it.   unrecorded: the provider has it, and
    the row is not SENT.   orphaned: the provider has it, and there is no row.
    """

    unconfirmed: int = 0
    unrecorded: int = 0
    orphaned: int = 0


@dataclass(frozen=True, slots=True)
class TypeBalance:
    """Hold one line of the reconciliation: what was due of one type and what became of it.

    unplanned: due by users and calendar, yet without a row.   live: due, not at an end.
    overdue: of the live, those later than the grace.   late: of the sent, those more than a
    minute after their instant, which is no fault of the books.   provider: where its own records
    differ; None where it cannot be asked.
    """

    message_type: str
    due: int = 0
    sent: int = 0
    failed: int = 0
    cancelled: int = 0
    skipped: int = 0
    unknown: int = 0
    live: int = 0
    overdue: int = 0
    unplanned: int = 0
    late: int = 0
    provider: Discrepancies | None = None

    def with_unplanned(self, unplanned: int) -> "TypeBalance":
        """Return the same line with greetings that were due but have no row."""
        return replace(self, due=self.due + unplanned, unplanned=unplanned)

    @property
    def is_balanced(self) -> bool:
        """Tell whether every greeting that was due is accounted for, and the provider agrees."""
        ended = self.sent + self.failed + self.cancelled + self.skipped + self.unknown
        is_complete = self.due == ended + self.live and not self.overdue and not self.unplanned
        return is_complete and self.provider in {None, Discrepancies()}
