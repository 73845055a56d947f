"""Hold one person's case: what is known of them, and what the rules make of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from heyday.domain.transitions import Status


@dataclass(frozen=True, slots=True)
class CasePerson:
    """Describe a person as stored, deleted or not. dates: by name of the message type.

    left_at: since when they want none of a message type, by its name; those that they left alone.
    """

    id: UUID
    first_name: str
    last_name: str
    email: str
    timezone: str
    dates: Mapping[str, date | None]
    created_at: datetime
    deleted_at: datetime | None
    unsubscribed_at: datetime | None
    eligible_since: datetime
    dates_changed_at: datetime | None
    erased_at: datetime | None = None
    left_at: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseGreeting:
    """Describe one row of message_logs, whatever became of it."""

    message_type: str
    delivery_on: date
    occasion_on: date
    timezone: str
    tzdb_version: str
    status: Status
    scheduled_send_at: datetime
    actual_send_at: datetime | None
    next_attempt_at: datetime | None
    retry_count: int
    ambiguous_count: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """Hold all that a decision about one person rests on.

    keys: (message type, delivery date) of what the ledger holds, of the dates asked about.
    """

    person: CasePerson
    greetings: Sequence[CaseGreeting]
    keys: frozenset[tuple[str, date]]
    now: datetime


class Effect(StrEnum):
    """Say what a rule does: nothing; moves the day or the moment; or stops the greeting."""

    HOLDS = "holds"
    MOVES = "moves"
    STOPS = "stops"


@dataclass(frozen=True, slots=True)
class Finding:
    """Say in a sentence how one rule applies. rule: a word or two for it."""

    rule: str
    text: str
    effect: Effect = Effect.HOLDS


class Verdict(StrEnum):
    """Say what becomes of a greeting. OPEN: nobody knows yet how it ended."""

    WILL = "will be sent"
    SENT = "was sent"
    NOT = "is not sent"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Say why a greeting is, or is not, sent on a local date.

    on: None where there is no date to speak of.   send_at: the instant at which it leaves or
    left; None if it does not.
    """

    message_type: str
    on: date | None
    verdict: Verdict
    summary: str
    send_at: datetime | None
    findings: Sequence[Finding]
