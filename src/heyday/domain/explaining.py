"""Say, rule by rule, why a person is greeted on a date, or is not.

It asks what planning and sending ask, in their order (db/sql/plans.sql, db/sql/message_logs.sql),
with what is known of the person now.   Source: docs/time.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from heyday.domain.cases import Case, CaseGreeting, Effect, Explanation, Finding, Verdict
from heyday.domain.dates import format_date, has_year
from heyday.domain.explained_rows import RowRules, leaving_at, verdict_of
from heyday.domain.idempotency import IdempotencyKey
from heyday.domain.message_types import MessageType
from heyday.domain.occasions import Occasion
from heyday.domain.policies import SkipPolicy
from heyday.domain.spreading import offset_of
from heyday.domain.timezone import TimezoneService, ZoneDay
from heyday.domain.tzdb import TzDatabase
from heyday.domain.wall_clock import (
    WallClock,
    write_clock,
    write_date,
    write_instant,
    write_length,
    write_span,
)

EARLIEST_ON, LATEST_ON = date(1900, 1, 1), date(9990, 12, 31)
"""Between these a local date can be asked about."""

_NO_LEAP_DAY = {SkipPolicy.BACKWARD: (2, 28), SkipPolicy.FORWARD: (3, 1)}
_LEAP_DAY = 29

Findings = list[Finding]


def explain_person(case: Case, tzdb: TzDatabase) -> Findings:
    """Return what holds for all of a person's greetings."""
    person = case.person
    name = f"{person.first_name} {person.last_name}, {person.email}"
    found = f"{name}, is known since {write_instant(person.created_at)} (id {person.id})."
    findings = [Finding("person", found)]
    if person.deleted_at:
        gone = f"Deleted on {write_instant(person.deleted_at)}; nothing is sent to them any more."
        findings.append(Finding("deleted", gone, Effect.STOPS))
    if person.erased_at:
        text = f"Erased on {write_instant(person.erased_at)}; what follows stands for nobody."
        findings.append(Finding("erased", text, Effect.STOPS))
    if person.unsubscribed_at:
        left = f"Unsubscribed on {write_instant(person.unsubscribed_at)}; nothing is sent to them."
        findings.append(Finding("unsubscribed", left, Effect.STOPS))
    return [*findings, *_explain_zone(case, tzdb)]


def _explain_zone(case: Case, tzdb: TzDatabase) -> Iterator[Finding]:
    zone, release = case.person.timezone, f"the tz database {tzdb.version}"
    if zone not in tzdb.served:
        text = f"{release} has no zone {zone}, so nobody knows their clock. Correct it."
        yield Finding("time zone", text, Effect.STOPS)
        return
    if successor := tzdb.vanished.get(zone):
        text = f"{release} has no {zone} any more; the clock of {successor}, its successor, counts."
        yield Finding("time zone", text, Effect.MOVES)
    clock = WallClock.read(tzdb, zone, case.now)
    text = f"{zone}, by {release}. Their clock shows {write_clock(clock)} now."
    yield Finding("time zone", text)


# Of a row that was written by other means than Heyday's.
_NO_MORE = "Its record says no more."


@dataclass(frozen=True, slots=True)
class Question:
    """Ask about one message type, for a local date or (None) the next occasion.

    horizon: how far ahead rows are written.
    """

    case: Case
    message_type: MessageType
    timezones: TimezoneService
    horizon: timedelta
    on: date | None = None

    def explain(self) -> Explanation:
        """Return the answer."""
        day, findings = self._find_day()
        on = self.on or (day.delivery_on if day else None)
        if day:
            at = self._own_instant(day)
            findings += self._explain_day(day, at)
            day = replace(day, send_at=at)
        is_stopped = self._is_stopped(findings)
        row = self._find_row(on)
        rules = RowRules(self.case, self.message_type, self.timezones, self.horizon)
        findings += rules.explain(row, day, is_stopped=is_stopped)
        return self._conclude(on, day.send_at if day else None, row, findings)

    def asked_on(self) -> date | None:
        """Return the local date that the answer is about; None if there is none."""
        if self.on:
            return self.on
        day = (occasion := self._occasion()) and occasion.find_next(self.case.now)
        return day.delivery_on if day else None

    def _occasion(self) -> Occasion | None:
        """Return what is celebrated; None without a date or a zone that is known."""
        person = self.case.person
        on = person.dates[self.message_type.name]
        if on is None or person.timezone not in self.timezones.tzdb.served:
            return None
        return Occasion(self.message_type, self.timezones, person.timezone, on)

    def _is_stopped(self, findings: Findings) -> bool:
        general = explain_person(self.case, self.timezones.tzdb)
        return any(finding.effect is Effect.STOPS for finding in (*general, *findings))

    def _find_row(self, on: date | None) -> CaseGreeting | None:
        rows = (
            row
            for row in self.case.greetings
            if row.message_type == self.message_type.name and row.delivery_on == on
        )
        return next(rows, None)

    def _find_day(self) -> tuple[ZoneDay | None, Findings]:
        """Return the zone day that is asked about, and how the date leads to it, or does not."""
        what = self.message_type.date_column
        given = self.case.person.dates[self.message_type.name]
        if given is None:
            text = f"{what} is not set, so there is nothing to greet them for."
            return None, [Finding("date", text, Effect.STOPS)]
        written = write_date(given) if has_year(given) else f"{format_date(given)}, without a year"
        findings = [*self._explain_leaving(), Finding("date", f"{what} is {written}.")]
        occasion = self._occasion()
        if occasion is None:
            return None, findings
        if self.on is None:
            day = occasion.find_next(self.case.now)
        else:
            day = occasion.find_on(self.on, self.case.now)
        if day is None:
            return None, [*findings, *self._explain_other_day(occasion)]
        return day, [*findings, _explain_calendar(occasion, day), _explain_years(occasion, day)]

    def _explain_leaving(self) -> Iterator[Finding]:
        """Say whether they want greetings of this type no more."""
        name = self.message_type.name
        if left_at := self.case.person.left_at.get(name):
            text = f"Unsubscribed from {name} greetings on {write_instant(left_at)}."
            yield Finding("unsubscribed", text, Effect.STOPS)

    def _explain_other_day(self, occasion: Occasion) -> Iterator[Finding]:
        """Say why there is no greeting on the date that was asked about."""
        if self.on is None:
            text = "None of the next years brings a day on which they are greeted."
            yield Finding("day", text, Effect.STOPS)
            return
        day = occasion.find_in(self.on.year, self.case.now)
        if day:
            yield _explain_calendar(occasion, day)
            text = f"That year's greeting is on {write_date(day.delivery_on)}, not on this date."
        elif occasion.nominal_in(self.on.year).day != occasion.given_on.day:
            policy = self.timezones.policies.leap_day
            text = f"{self.on.year} has no 29 February, and the policy leap_day is {policy}."
        else:
            nominal = write_date(occasion.nominal_in(self.on.year))
            policy = self.timezones.policies.missing_date
            text = f"{occasion.timezone} left {nominal} out; the policy missing_date is {policy}."
        yield Finding("day", text, Effect.STOPS)

    def _own_instant(self, day: ZoneDay) -> datetime:
        """Return when this person's greeting of a zone day leaves."""
        key = IdempotencyKey(self.case.person.id, self.message_type.name, day.delivery_on)
        return day.send_at + offset_of(str(key), day.spread)

    def _explain_day(self, day: ZoneDay, at: datetime) -> Iterator[Finding]:
        """Say at which moment of the day the greeting leaves. at: that moment."""
        policies = self.timezones.policies
        clock = WallClock.read(self.timezones.tzdb, day.timezone, day.send_at)
        set_for, leaves = policies.send_time.isoformat(), clock.shown.time().isoformat()
        begins = f"from {set_for} onwards" if day.spread else f"at {set_for}"
        yield Finding("send time", f"Greetings leave {begins} on the person's own clock.")
        if leaves != set_for:
            text = f"The clocks jump over {set_for} on this date; by the policy gap={policies.gap}"
            yield Finding("gap", f"{text} it leaves at {leaves}.", Effect.MOVES)
        elif clock.comes_twice:
            text = f"{set_for} comes twice on this date; by the policy overlap={policies.overlap}"
            yield Finding("overlap", f"{text} it leaves at {clock.offset}.", Effect.MOVES)
        if day.spread:
            text = f"They leave over {write_span(day.spread)}, each at its own second, which stays "
            text += f"the same: this one {write_length(at - day.send_at)} after the send time."
            yield Finding("spread", text, Effect.MOVES)
            clock = WallClock.read(self.timezones.tzdb, day.timezone, at)
        text = f"{write_instant(at)}; their clock then shows {write_clock(clock)}."
        yield Finding("instant", text)
        if change := clock.change():
            text = f"The clocks change on this date: it begins at {change[0]}, ends at {change[1]}."
            yield Finding("clock change", text)

    def _conclude(
        self,
        on: date | None,
        send_at: datetime | None,
        row: CaseGreeting | None,
        findings: Findings,
    ) -> Explanation:
        """Sum up. send_at: the instant by the calendar."""
        everything = [*explain_person(self.case, self.timezones.tzdb), *findings]
        verdict = verdict_of(row, everything)
        at = leaving_at(verdict, send_at, row)
        when = f" on {write_date(on)}" if on else ""
        what = f"The {self.message_type.name} greeting{when}"
        stops = (finding.text for finding in everything if finding.effect is Effect.STOPS)
        if verdict is Verdict.NOT or at is None:
            summary = f"{what} is not sent. {next(stops, _NO_MORE)}"
        elif verdict is Verdict.OPEN:
            summary = f"How {what[0].lower()}{what[1:]} ended is not known yet."
        elif verdict is Verdict.WILL and at <= self.case.now:
            summary = f"{what} is due; it leaves within ten minutes where Heyday runs."
        else:
            clock = WallClock.read(self.timezones.tzdb, self.case.person.timezone, at)
            shown = f"{write_clock(clock)} on their clock"
            summary = f"{what} {verdict.value} at {write_instant(at)}, {shown}."
        return Explanation(self.message_type.name, on, verdict, summary, at, findings)


def _explain_calendar(occasion: Occasion, day: ZoneDay) -> Finding:
    """Say how the date leads to the date of delivery."""
    given, on, policies = occasion.given_on, day.delivery_on, occasion.timezones.policies
    if (given.month, given.day) == (on.month, on.day):
        return Finding("day", f"In {on.year} that is {write_date(on)}.")
    if (on.month, on.day) == _NO_LEAP_DAY.get(policies.leap_day) and given.day == _LEAP_DAY:
        text = f"{on.year} has no 29 February; by the policy leap_day={policies.leap_day}"
        return Finding("29 February", f"{text} it is {write_date(on)}.", Effect.MOVES)
    text = f"{day.timezone} left that date out; by the policy missing_date={policies.missing_date}"
    return Finding("date left out", f"{text} it is {write_date(on)}.", Effect.MOVES)


def _explain_years(occasion: Occasion, day: ZoneDay) -> Finding:
    years = occasion.years_on(day.delivery_on)
    message_type = occasion.message_type
    if not has_year(occasion.given_on):
        return Finding("years", "Nobody knows how many years it is, so the text counts none.")
    if occasion.is_old_enough(day.delivery_on):
        span = "1 year" if years == 1 else f"{years} years"
        return Finding("years", f"It is {span} after the date.")
    text = f"It would be year {years}; {message_type.name} greetings begin with year"
    return Finding("years", f"{text} {message_type.first_year}.", Effect.STOPS)
