"""Check what left against the calendar: each greeting once, on its date, at nine.

What is expected comes from people and dates alone, not from `message_logs`; that table is asked
in the end whether everything came to an end.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.transitions import Status
from heyday.simulation.expectations import Calendar, Due
from heyday.simulation.sender import Letter

_LIVE = {s.value for s in (Status.SCHEDULED, Status.QUEUED, Status.SENDING, Status.RETRYING)}


class Person(NamedTuple):
    """Hold what decides about a person's greetings. dates: by column of users."""

    id: UUID
    timezone: str
    dates: Mapping[str, date | None]


class Broken(NamedTuple):
    """Describe one broken promise."""

    promise: str
    key: str
    detail: str


@dataclass(slots=True)
class Findings:
    """Gather what a check finds.

    sent_on: greetings by local date.   skipped: those that an outage kept for too long.
    around: letters for dates just before and after those of interest.
    earliest, latest: the least and the most seconds after the promised instant.
    """

    broken: list[Broken] = field(default_factory=list)
    sent_on: Counter[date] = field(default_factory=Counter)
    skipped: int = 0
    around: int = 0
    earliest: float | None = None
    latest: float | None = None

    def note_lateness(self, seconds: float) -> None:
        """Widen the span from the earliest to the latest."""
        self.earliest = seconds if self.earliest is None else min(self.earliest, seconds)
        self.latest = seconds if self.latest is None else max(self.latest, seconds)


class Check:
    """Hold letters against calendars, one for each message type by name."""

    def __init__(self, calendars: Mapping[str, Calendar]) -> None:
        self._calendars = calendars

    def run(
        self, people: Iterable[Person], letters: Iterable[Letter], outcomes: Mapping[str, str]
    ) -> Findings:
        """Return what left, how late, and every promise that was broken.

        outcomes: the status, by key, of all that fell due and is not SENT in the end.
        """
        findings = Findings()
        left: dict[str, list[datetime]] = {}
        for letter in letters:
            left.setdefault(letter.key, []).append(letter.left_at)
        zones: dict[str, str] = {}
        for person in people:
            zones[str(person.id)] = person.timezone
            for key, on, calendar in self._owed(person):
                due = calendar.due(person.timezone, on, key)
                if due:
                    self._judge(
                        findings,
                        _Case(key, on, person.timezone, due, calendar),
                        left.pop(key, []),
                        outcomes,
                    )
        for key, instants in left.items():
            self._judge_unexpected(findings, key, instants, zones)
        for key, status in outcomes.items():
            if status in _LIVE:
                findings.broken.append(Broken("terminal", key, f"is still {status}"))
        return findings

    def _owed(self, person: Person) -> Iterator[tuple[str, date, Calendar]]:
        """Yield key, local date and calendar of each greeting that a person is to get."""
        for message_type in MESSAGE_TYPES:
            occasion = person.dates[message_type.date_column]
            if occasion is None:
                continue
            calendar = self._calendars[message_type.name]
            for on in calendar.days_of(occasion):
                if on.year - occasion.year >= message_type.first_year:
                    yield f"{person.id}:{message_type.name}:{on}", on, calendar

    def _judge(
        self,
        findings: Findings,
        case: "_Case",
        instants: Sequence[datetime],
        outcomes: Mapping[str, str],
    ) -> None:
        """Judge what became of one greeting that was owed."""
        key, due = case.key, case.due
        if due.is_lost and not instants and outcomes.get(key) == Status.SKIPPED.value:
            findings.skipped += 1
            return
        if not instants:
            status = outcomes.get(key, "not planned, or sent by nobody")
            findings.broken.append(Broken("missing", key, f"{case.zone}, status: {status}"))
            return
        findings.sent_on[case.on] += 1
        if len(instants) > 1:
            shown = ", ".join(str(at) for at in instants)
            findings.broken.append(Broken("twice", key, f"left at {shown}"))
        for at in instants:
            findings.note_lateness((at - due.promised_at).total_seconds())
            if fault := case.fault_of(at):
                findings.broken.append(Broken(fault, key, case.describe(at)))

    def _judge_unexpected(
        self,
        findings: Findings,
        key: str,
        instants: Sequence[datetime],
        zones: Mapping[str, str],
    ) -> None:
        """Judge letters that nobody was owed, or for dates around those of interest."""
        user_id, type_name, on_text = key.split(":")
        on, calendar = date.fromisoformat(on_text), self._calendars[type_name]
        if calendar.is_of_interest(on) or user_id not in zones:
            findings.broken.append(Broken("date", key, "was not to be greeted on this date"))
            return
        findings.around += 1
        if len(instants) > 1:
            findings.broken.append(Broken("twice", key, f"left {len(instants)} times"))
        if any(calendar.shown(zones[user_id], at) < calendar.wanted(on) for at in instants):
            findings.broken.append(Broken("early", key, f"left at {min(instants)}"))


class _Case(NamedTuple):
    """Hold one greeting that is owed."""

    key: str
    on: date
    zone: str
    due: Due
    calendar: Calendar

    def fault_of(self, at: datetime) -> str | None:
        """Name the promise that a letter at this instant breaks."""
        due = self.due
        if at < due.at:
            return "early"
        if due.is_lost:
            return "skipped"
        if at >= due.until:
            return "late"
        if not due.is_nine:
            return None
        shown = self.calendar.shown(self.zone, at)
        if shown.date() != self.on:
            return "date"
        return None if self.calendar.is_wanted(self.on, shown) else "nine"

    def describe(self, at: datetime) -> str:
        """Tell where, and when, the letter left and should have."""
        return f"{self.zone}, left at {at}, due at {self.due.at}"
