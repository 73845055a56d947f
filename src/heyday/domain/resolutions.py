"""Settle and cancel single greetings: a person decides, and it shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from heyday.domain.errors import Conflict, FieldProblem, IllegalMove, InvalidInput
from heyday.domain.events import TOLD, ToldEvent
from heyday.domain.transitions import LEGAL_MOVES, PENDING, Status, check_move

RESOLVED = "resolved"
"""What stands in the place of an outcome among the attempts, where a person decided."""

LONGEST_NOTE = 500

UNDONE_BY_EDITS = ("person deleted", "person unsubscribed", "date or time zone changed")
"""Why an edit cancels a greeting, as the row says. What takes the edit back brings the row back;
what was cancelled for any other reason, as by a person's decision, stays so."""


@dataclass(frozen=True, slots=True)
class GreetingRow:
    """Describe one row of message_logs without the person: neither name, address nor text."""

    id: UUID
    user_id: UUID
    idempotency_key: str
    message_type: str
    delivery_on: date
    scheduled_send_at: datetime
    actual_send_at: datetime | None
    status: Status
    retry_count: int
    ambiguous_count: int
    created_at: datetime
    queued_at: datetime | None
    next_attempt_at: datetime | None
    response_code: int | None
    error: str | None
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """Describe one row of message_attempts.

    outcome: RESOLVED where a person decided, TOLD where an event of the provider did.
    """

    attempt: int
    epoch: int
    outcome: str
    status: Status
    finished_at: datetime
    response_code: int | None
    error: str | None
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Say what happened to a greeting at an instant."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class History:
    """Hold a greeting with every attempt that was noted, and what its provider told, in order."""

    greeting: GreetingRow
    attempts: Sequence[Attempt]
    told: Sequence[ToldEvent] = ()

    def events(self) -> list[Event]:
        """Return what happened when, in order. A plain first success is known by its row alone."""
        row = self.greeting
        events = [Event(row.created_at, "planned"), Event(row.scheduled_send_at, "due")]
        if row.queued_at:
            events.append(Event(row.queued_at, "queued, for the last time"))
        events += [Event(attempt.finished_at, _told(attempt)) for attempt in self.attempts]
        events += [Event(told.happened_at, f"told by {told}") for told in self.told]
        is_noted = any(attempt.status is Status.SENT for attempt in self.attempts)
        if row.actual_send_at and not is_noted:
            text = f"accepted at the first attempt{_through(row.sender)}: SENT"
            events.append(Event(row.actual_send_at, text))
        if row.next_attempt_at and row.status is Status.RETRYING:
            events.append(Event(row.next_attempt_at, "the next attempt may start"))
        return sorted(events, key=lambda event: event.at)


def _told(attempt: Attempt) -> str:
    if attempt.outcome == RESOLVED:
        text = f"a person decided: {attempt.status}"
    elif attempt.outcome == TOLD:
        text = f"its provider's event decided: {attempt.status}"
    else:
        what = f"attempt {attempt.attempt}{_through(attempt.sender)}"
        text = f"{what}: {attempt.outcome}, to be {attempt.status}"
    if attempt.response_code:
        text += f", HTTP {attempt.response_code}"
    return f"{text} ({attempt.error})" if attempt.error else text


def _through(sender: str | None) -> str:
    return f" through {sender}" if sender else ""


def check_note(note: str | None) -> None:
    """Raise InvalidInput for a note that is empty, long, not printable, or holds an address."""
    if note is None:
        return
    detail = None
    if "@" in note:
        detail = "holds an address; leave it out: notes are kept, and shown to whoever looks"
    elif not note.strip() or not note.isprintable():
        detail = "is empty or not one line of plain text"
    elif len(note) > LONGEST_NOTE:
        detail = f"has {len(note)} characters; expected at most {LONGEST_NOTE}"
    if detail:
        raise InvalidInput([FieldProblem("note", detail)])


def decisions_for(greeting: GreetingRow) -> frozenset[Status]:
    """Return what a person may make of a greeting as it stands.

    One that FAILED is tried again only where every attempt was surely not taken: docs/adr/0048.
    """
    status = greeting.status
    if status in PENDING:
        return frozenset({Status.CANCELLED})
    is_surely_not_taken = status is Status.FAILED and not greeting.ambiguous_count
    return LEGAL_MOVES[status] if status is Status.UNKNOWN or is_surely_not_taken else frozenset()


def check_cancellation(greeting: GreetingRow) -> None:
    """Raise IllegalMove unless a person may still cancel a greeting: before it is being sent."""
    _check_decision(greeting, Status.CANCELLED)


def check_resolution(
    greeting: GreetingRow, target: Status, skip_before: Mapping[str, datetime]
) -> None:
    """Raise IllegalMove or Conflict unless a person may settle a greeting so.

    skip_before: for each message type, what was scheduled before this is too late to be sent.
    """
    if target is Status.CANCELLED:
        raise IllegalMove(greeting.status, target, "that is no settlement; cancel it instead")
    _check_decision(greeting, target)
    is_late = greeting.scheduled_send_at < skip_before[greeting.message_type]
    if target is Status.RETRYING and is_late:
        advice = "; settle it as sent or as failed" if greeting.status is Status.UNKNOWN else ""
        raise Conflict(f"its late window has passed, so a retry would only be SKIPPED{advice}")


def _check_decision(greeting: GreetingRow, target: Status) -> None:
    allowed = decisions_for(greeting)
    if target in allowed:
        check_move(greeting.status, target)
        return
    if greeting.status is Status.SENDING:
        detail = "it is being sent right now, and what comes of that is not known yet"
    elif greeting.status is Status.FAILED and target is Status.RETRYING:
        detail = "an attempt of it may have been taken, so another could be a second letter"
    elif allowed:
        detail = f"what a person may make of it now: {', '.join(sorted(allowed))}"
    else:
        detail = "there is nothing left to decide about it"
    raise IllegalMove(greeting.status, target, detail)
