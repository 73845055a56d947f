"""Say what the database holds of a greeting, and what will become of it.

Source: db/sql/plans.sql (plan, cancel_unwanted), db/sql/message_logs.sql (claim, skip_late).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from heyday.domain.cases import Case, CaseGreeting, Effect, Finding, Verdict
from heyday.domain.message_types import MessageType
from heyday.domain.resolutions import UNDONE_BY_EDITS
from heyday.domain.timezone import TimezoneService, ZoneDay
from heyday.domain.transitions import Status
from heyday.domain.wall_clock import write_date, write_instant, write_span

_LIVE = frozenset({Status.SCHEDULED, Status.QUEUED, Status.RETRYING})
_OPEN = frozenset({Status.SENDING, Status.UNKNOWN})
_GREETED = frozenset({Status.SENT, Status.UNKNOWN})
# A moved zone shifts an instant by 26 h at most.
_ZONE_SHIFT = timedelta(days=2)

_TOLD = {
    Status.SCHEDULED: "Planned for {scheduled}.",
    Status.QUEUED: "Queued, to leave at {scheduled}.",
    Status.SENDING: "A worker is sending it right now.",
    Status.SENT: "Sent at {sent}; its instant was {scheduled}.",
    Status.RETRYING: "Tried {tries} so far ({error}); the next attempt is at {next}.",
    Status.FAILED: "Tried {tries} and given up: {error}.",
    Status.SKIPPED: "Skipped: {error}.",
    Status.CANCELLED: "Cancelled: {error}.",
    Status.UNKNOWN: "Nobody can say whether the provider took it ({error}). Its own records may "
    "show it; then somebody must decide: `heyday messages`.",
}


def verdict_of(row: CaseGreeting | None, findings: Sequence[Finding]) -> Verdict:
    """Return what becomes of a greeting, by its row and all that was found."""
    if row and row.status is Status.SENT:
        return Verdict.SENT
    if row and row.status in _OPEN:
        return Verdict.OPEN
    is_stopped = any(finding.effect is Effect.STOPS for finding in findings)
    return Verdict.NOT if is_stopped else Verdict.WILL


def leaving_at(
    verdict: Verdict, send_at: datetime | None, row: CaseGreeting | None
) -> datetime | None:
    """Return when it left or is to leave. send_at: its instant by the calendar."""
    if verdict is Verdict.NOT:
        return None
    if row is None:
        return send_at
    if row.status is Status.SENT:
        return row.actual_send_at
    due_at = send_at or row.scheduled_send_at
    return max(due_at, row.next_attempt_at or due_at)


@dataclass(frozen=True, slots=True)
class RowRules:
    """Apply what the database knows to a day. horizon: how far ahead rows are written."""

    case: Case
    message_type: MessageType
    timezones: TimezoneService
    horizon: timedelta

    def explain(
        self, row: CaseGreeting | None, day: ZoneDay | None, *, is_stopped: bool
    ) -> Iterator[Finding]:
        """Yield what holds for a row, or for a day that has none.

        day: None if the date is not theirs.   is_stopped: another rule has said no already.
        """
        if row:
            yield from self._explain_row(row, day, is_stopped=is_stopped)
        if day and not is_stopped and (row is None or row.status in _LIVE):
            yield from self._explain_lateness(day)
            yield from self._explain_twin(row, day)
        if day and not is_stopped and row is None:
            yield from self._explain_absence(day)
        yield from self._explain_former(row)

    def _explain_row(
        self, row: CaseGreeting, day: ZoneDay | None, *, is_stopped: bool
    ) -> Iterator[Finding]:
        text = _TOLD[row.status].format(
            scheduled=write_instant(row.scheduled_send_at),
            sent=write_instant(row.actual_send_at or row.scheduled_send_at),
            tries="once" if row.retry_count == 0 else f"{row.retry_count + 1} times",
            error=row.error or "no reason was noted",
            next=write_instant(row.next_attempt_at or row.scheduled_send_at),
        )
        is_final = row.status in {Status.FAILED, Status.SKIPPED}
        is_undone = row.status is Status.CANCELLED and row.error in UNDONE_BY_EDITS
        is_back = is_undone and day and not is_stopped and self._is_owed(day)
        if row.status is Status.CANCELLED and not is_back:
            is_final = True
        yield Finding(row.status, text, Effect.STOPS if is_final else Effect.HOLDS)
        if is_back:
            yield Finding("back", "It fits again: the sweep, every ten minutes, brings it back.")
        if row.ambiguous_count:
            text = f"Of {row.ambiguous_count} of the attempts nobody can say how they ended."
            yield Finding("ambiguous", text)
        if row.status in _LIVE:
            yield from self._explain_move(row, day, is_stopped=is_stopped)
        if row.tzdb_version != self.timezones.tzdb.version:
            now = self.timezones.tzdb.version
            text = f"The row was planned by release {row.tzdb_version}; the one in use is {now}."
            yield Finding("tz database", text)

    def _explain_move(
        self, row: CaseGreeting, day: ZoneDay | None, *, is_stopped: bool
    ) -> Iterator[Finding]:
        """Say what happens to a row that is not what would be planned now."""
        if is_stopped or day is None:
            yield Finding("not wanted", "It will be cancelled: at the latest before it is sent.")
        elif row.ambiguous_count == 0 and row.scheduled_send_at != day.send_at:
            text = f"The rules now give {write_instant(day.send_at)}; the row is moved there, "
            text += "within ten minutes of an edit, or by the next daily run."
            yield Finding("moved", text, Effect.MOVES)

    def _explain_lateness(self, day: ZoneDay) -> Iterator[Finding]:
        late, window = self.case.now - day.send_at, self.timezones.policies.late_window
        if late > window:
            text = f"Its instant is past by more than the late window of {write_span(window)}."
            yield Finding("late window", text, Effect.STOPS)
        elif late > timedelta():
            text = f"Its instant is past, but within the late window of {write_span(window)}."
            yield Finding("late window", text)

    def _explain_twin(self, row: CaseGreeting | None, day: ZoneDay) -> Iterator[Finding]:
        """Say whether another greeting was about the same occasion."""
        span, person = self.timezones.policies.same_occasion, self.case.person
        occasion_on = row.occasion_on if row else person.dates[self.message_type.name]
        is_elsewhere = occasion_on is not None and occasion_on.day != day.delivery_on.day
        changed_at = person.dates_changed_at
        is_changed = changed_at is not None and changed_at > day.send_at - span - _ZONE_SHIFT
        if not (is_elsewhere or is_changed):
            return
        for other in self._others(row):
            is_near = abs(other.delivery_on - day.delivery_on) < span
            if is_near and other.status is Status.SENDING:
                text = f"That of {write_date(other.delivery_on)} is being sent: this one waits."
                yield Finding("same occasion", text)
            elif is_near and (other.status in _GREETED or other.ambiguous_count):
                text = f"They were greeted on {write_date(other.delivery_on)} ({other.status}), "
                text += f"within the {write_span(span)} of the policy same_occasion, and the date "
                text += "was changed since, or has another day this year: no second greeting."
                yield Finding("same occasion", text, Effect.STOPS)
                return

    def _explain_absence(self, day: ZoneDay) -> Iterator[Finding]:
        """Say why there is no row, or not yet."""
        now, since = self.case.now, self.case.person.eligible_since
        if (self.message_type.name, day.delivery_on) in self.case.keys:
            text = "It was planned once, and its row is gone: dropped with an old month, or with "
            text += "a person who was removed. What was planned once is not planned again."
            yield Finding("ledger", text, Effect.STOPS)
        elif day.send_at >= now:
            text = f"Not planned yet: rows are written {write_span(self.horizon)} ahead."
            yield Finding("plan", text)
        elif since <= day.send_at:
            text = "It should have been planned; the next sweep does that, every ten minutes."
            yield Finding("plan", text)
        elif self._is_owed(day):
            text = f"They came, or were changed, on {write_instant(since)}, after the instant. It "
            text += "is still that date where they are, and the policy late_join greets at once."
            yield Finding("late join", text)
        else:
            text = f"They came, or were changed, on {write_instant(since)}, after the instant; "
            text += "the policy late_join is off." if day.is_today else "the date was over by now."
            yield Finding("late join", text, Effect.STOPS)

    def _explain_former(self, row: CaseGreeting | None) -> Iterator[Finding]:
        """Name the last other greeting of the type, which questions are often about."""
        former = max(self._others(row), key=lambda other: other.delivery_on, default=None)
        if former:
            text = f"Another of their greetings: {write_date(former.delivery_on)}, {former.status}."
            yield Finding("another", text)

    def _others(self, row: CaseGreeting | None) -> list[CaseGreeting]:
        return [
            other
            for other in self.case.greetings
            if other.message_type == self.message_type.name and other is not row
        ]

    def _is_owed(self, day: ZoneDay) -> bool:
        """Tell whether planning takes a day: to come, missed, or joined late."""
        is_joined = day.is_today and self.timezones.policies.late_join
        is_missed = self.case.person.eligible_since <= day.send_at
        return day.send_at >= self.case.now or is_missed or is_joined
