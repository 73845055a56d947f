"""Tell what happened to a greeting, in order: steps, attempts, words of providers, decisions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from heyday.domain.audit import AuditEntry
from heyday.domain.events import TOLD, ToldEvent
from heyday.domain.resolutions import RESOLVED, Attempt, GreetingRow, History
from heyday.domain.transitions import Status
from heyday.web.marking import _
from heyday.web.message_words import EVENTS, OUTCOMES

_ZERO = timedelta()


class Kind(StrEnum):
    """Name what sort of thing happened: how it looks."""

    STEP = "step"
    DUE = "due"
    GOOD = "good"
    DOUBT = "doubt"
    BAD = "bad"
    PERSON = "person"
    COMING = "coming"


@dataclass(frozen=True, slots=True)
class Moment:
    """Say what happened when. title: to be translated, with values to be filled in.

    details: further titles.   words: what somebody said, as it is.   from_due: how long after the
    scheduled instant, or before it (less than nothing).
    """

    at: datetime
    kind: Kind
    title: str
    values: Mapping[str, object] = field(default_factory=dict)
    details: Sequence[str] = ()
    words: str | None = None
    from_due: timedelta = _ZERO

    @property
    def is_before(self) -> bool:
        """Tell whether it was before the scheduled instant."""
        return self.from_due < _ZERO

    @property
    def distance(self) -> timedelta:
        """Return how far it is from the scheduled instant."""
        return abs(self.from_due)


def timeline(history: History, deeds: Sequence[AuditEntry] = ()) -> list[Moment]:
    """Return all that is known, in order. deeds: lines of the audit log about its person."""
    row = history.greeting
    moments = [*_steps(row), *map(_attempt, history.attempts), *map(_told, history.told)]
    if row.actual_send_at and all(each.status is not Status.SENT for each in history.attempts):
        moments.append(_first_success(row))
    moments += [_deed(entry) for entry in reversed(deeds)]
    placed = [_placed(moment, row.scheduled_send_at) for moment in moments]
    return sorted(placed, key=lambda moment: moment.at)


def _steps(row: GreetingRow) -> Iterator[Moment]:
    yield Moment(row.created_at, Kind.STEP, _("Planned"))
    yield Moment(row.scheduled_send_at, Kind.DUE, _("Due"))
    if row.queued_at:
        yield Moment(row.queued_at, Kind.STEP, _("Queued, for the last time"))
    if row.next_attempt_at and row.status is Status.RETRYING:
        yield Moment(row.next_attempt_at, Kind.COMING, _("The next attempt may start"))


def _first_success(row: GreetingRow) -> Moment:
    at = row.actual_send_at or row.scheduled_send_at
    if row.sender is None:
        return Moment(at, Kind.GOOD, _("Sent at the first attempt: the provider took it"))
    title = _("Sent at the first attempt through %(sender)s: the provider took it")
    return Moment(at, Kind.GOOD, title, {"sender": row.sender})


_DECIDED = {
    Status.SENT: _("A person decided: it was sent"),
    Status.RETRYING: _("A person decided: it is sent again"),
    Status.FAILED: _("A person decided: it is given up"),
    Status.CANCELLED: _("A person decided: it is cancelled"),
}
_SETTLED = {
    Status.SENT: _("Settled as sent, by what the provider told"),
    Status.FAILED: _("Settled as failed, by what the provider told"),
}
_THEN = {
    Status.RETRYING: _("to be tried again"),
    Status.UNKNOWN: _("left to a person to decide"),
    Status.FAILED: _("given up"),
}
_KINDS = {"accepted": Kind.GOOD, "refused": Kind.BAD, "ambiguous": Kind.DOUBT}


def _attempt(attempt: Attempt) -> Moment:
    if attempt.outcome == RESOLVED:
        title = _DECIDED.get(attempt.status, _("A person decided"))
        return Moment(attempt.finished_at, Kind.PERSON, title, words=attempt.error)
    if attempt.outcome == TOLD:
        title = _SETTLED.get(attempt.status, _("Settled by what the provider told"))
        return Moment(attempt.finished_at, Kind.STEP, title, words=attempt.error)
    values: dict[str, object] = {"number": attempt.attempt}
    title = _("Attempt %(number)s")
    if attempt.sender:
        title = _("Attempt %(number)s through %(sender)s")
        values["sender"] = attempt.sender
    details = [OUTCOMES.get(attempt.outcome, attempt.outcome)]
    if attempt.status in _THEN:
        details.append(_THEN[attempt.status])
    kind = _KINDS.get(attempt.outcome, Kind.STEP)
    words = " · ".join(filter(None, [_code(attempt.response_code), attempt.error])) or None
    return Moment(attempt.finished_at, kind, title, values, details, words)


def _code(code: int | None) -> str | None:
    """Return an answer's code, of HTTP or of SMTP, as people write it."""
    return str(code) if code else None


def _told(told: ToldEvent) -> Moment:
    is_bad = told.kind.value in {"bounced", "dropped", "complained"}
    is_good = told.kind.value in {"accepted", "delivered"}
    kind = Kind.BAD if is_bad else Kind.GOOD if is_good else Kind.STEP
    title, values = _("Told by %(provider)s"), {"provider": told.provider}
    details = [EVENTS.get(told.kind.value, told.kind.value)]
    return Moment(told.happened_at, kind, title, values, details, told.code)


def _deed(entry: AuditEntry) -> Moment:
    values = {"actor": entry.actor_name, "action": entry.action}
    words = ", ".join(entry.fields) or None
    return Moment(
        entry.at, Kind.PERSON, _("Audit log: %(action)s, by %(actor)s"), values, (), words
    )


def _placed(moment: Moment, due_at: datetime) -> Moment:
    return Moment(
        moment.at,
        moment.kind,
        moment.title,
        moment.values,
        moment.details,
        moment.words,
        moment.at - due_at,
    )
