"""Know when greetings have to leave, by simple rules of the calendar.

Shares nothing with the planner but the policies: a second way to find nine o'clock. Which second
of a spread is a greeting's own, PostgreSQL tells the planner, and Python is asked here.
"""

from calendar import isleap
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from heyday.domain.policies import GapPolicy, OverlapPolicy, SkipPolicy, TimePolicies
from heyday.domain.spreading import offset_of
from heyday.domain.tzdb import TzDatabase
from heyday.simulation.scenario import Scenario

_ONE_DAY = timedelta(days=1)
_ON_TIME = timedelta(seconds=60)
# Recovery looks every ten minutes; after an outage all is to be caught up by its second look.
_CAUGHT_UP = timedelta(minutes=12)
_MINUTE = timedelta(minutes=1)
_ONE_SECOND = timedelta(seconds=1)


class Due(NamedTuple):
    """Say when a greeting has to leave.

    promised_at: when the wall clock shows the send time, or its own part of the spread later.
    at: the earliest instant at which it can leave, later than that after an outage.   until: by
    when, at the latest, not included.   is_lost: it is to be skipped, as an outage outlasted the
    late window.   is_nine: at the promised instant the wall clock shows the send time, or the
    spread from there on, and nothing holds the greeting up.
    """

    promised_at: datetime
    at: datetime
    until: datetime
    is_lost: bool = False
    is_nine: bool = True


class Calendar:
    """Know, by zone and date, when greetings of one type have to leave."""

    def __init__(
        self,
        scenario: Scenario,
        policies: TimePolicies,
        before: TzDatabase,
        after: TzDatabase,
    ) -> None:
        self._scenario = scenario
        self._policies = policies
        self._before = before
        self._after = after
        self._known: dict[tuple[str, date, str], Due | None] = {}
        self._days: dict[date, Sequence[date]] = {}

    def due(self, zone: str, on: date, key: str = "") -> Due | None:
        """Return when a greeting for a local date leaves; None if that date is left out.

        key: the greeting's, by which it has its second where the send time is spread.
        """
        own = key if self._policies.spread else ""
        try:
            return self._known[zone, on, own]
        except KeyError:
            found = self._known[zone, on, own] = self._find(zone, on, own)
            return found

    def is_of_interest(self, on: date) -> bool:
        """Tell whether a local date lies in what is simulated as a whole."""
        return self._scenario.first_on <= on <= self._scenario.last_on

    def days_of(self, occasion: date) -> Sequence[date]:
        """Return the local dates of interest on which an occasion is greeted."""
        try:
            return self._days[occasion]
        except KeyError:
            years = range(self._scenario.first_on.year, self._scenario.last_on.year + 1)
            found = (self._anniversary(occasion, year) for year in years)
            days = [on for on in found if on and self.is_of_interest(on)]
            self._days[occasion] = days
            return days

    def shown(self, zone: str, at: datetime) -> datetime:
        """Return what the wall clock of a zone shows, by the release in force."""
        update_at = self._scenario.tz_update_at
        release = self._after if update_at is None or at >= update_at else self._before
        return at.astimezone(release.load(zone)).replace(tzinfo=None)

    def wanted(self, on: date) -> datetime:
        """Return what the wall clock is to show, or to have shown where the send time is spread."""
        return datetime.combine(on, self._policies.send_time)

    def is_wanted(self, on: date, shown: datetime) -> bool:
        """Tell whether a wall clock shows what it is to show, or just after."""
        return self.wanted(on) <= shown < self.wanted(on) + self._policies.spread + _ON_TIME

    def _anniversary(self, occasion: date, year: int) -> date | None:
        if (occasion.month, occasion.day) != (2, 29) or isleap(year):
            return occasion.replace(year=year)
        others = {SkipPolicy.BACKWARD: date(year, 2, 28), SkipPolicy.FORWARD: date(year, 3, 1)}
        return others.get(self._policies.leap_day)

    def _find(self, zone: str, on: date, key: str) -> Due | None:
        at = self._own_instant(self._after, zone, on, key)
        update_at = self._scenario.tz_update_at
        if update_at:
            former = self._own_instant(self._before, zone, on, key)
            if former and former < update_at:
                at = former
            elif at and at < update_at:
                # By the old rules it was still to come, by the new ones it is late already.
                return Due(at, update_at, update_at + _CAUGHT_UP, is_nine=False)
        return self._held_up(zone, on, at) if at else None

    def _held_up(self, zone: str, on: date, at: datetime) -> Due:
        """Return when what should leave at an instant leaves, outages considered."""
        outage = self._scenario.outage
        if outage is None or not outage.start_at <= at < outage.end_at + _MINUTE:
            past = self.shown(zone, at) - self.wanted(on)
            is_nine = timedelta() <= past <= self._policies.spread
            return Due(at, at, at + _ON_TIME, is_nine=is_nine)
        is_lost = outage.end_at - at > self._policies.late_window
        earliest, until = max(at, outage.end_at), outage.end_at + _CAUGHT_UP
        return Due(at, earliest, until, is_lost=is_lost, is_nine=False)

    def _own_instant(self, release: TzDatabase, zone: str, on: date, key: str) -> datetime | None:
        """Return when one greeting leaves: its own part of the spread after the send time."""
        at = self._instant(release, zone, on)
        if at is None or not self._policies.spread:
            return at
        return at + offset_of(key, self._room(release.load(zone), at))

    def _room(self, place: tzinfo, at: datetime) -> timedelta:
        """Return the spread, as far as the wall clock goes on from an instant on the same date."""
        spread = self._policies.spread
        first, last = at.astimezone(place), (at + spread - _ONE_SECOND).astimezone(place)
        if first.utcoffset() == last.utcoffset() and first.date() == last.date():
            return spread
        room, wall = timedelta(), first.replace(tzinfo=None)
        shown = wall
        while room < spread and wall <= shown and shown.date() == wall.date():
            room += _ONE_SECOND
            shown = (at + room).astimezone(place).replace(tzinfo=None)
        return room

    def _instant(self, release: TzDatabase, zone: str, on: date) -> datetime | None:
        """Return when the wall clock shows the send time on a date, by trying the offsets near."""
        wall, place = self.wanted(on), release.load(zone)
        noon = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
        offsets = {
            (noon + timedelta(days=days)).astimezone(place).utcoffset() or timedelta()
            for days in (-1, 0, 1)
        }
        if len(offsets) == 1:
            return (wall - offsets.pop()).replace(tzinfo=UTC)
        hits = sorted(
            at
            for at in ((wall - offset).replace(tzinfo=UTC) for offset in offsets)
            if at.astimezone(place).replace(tzinfo=None) == wall
        )
        if hits:
            return hits[-1] if self._policies.overlap is OverlapPolicy.SECOND else hits[0]
        return self._jumped_over(release, zone, on)

    def _jumped_over(self, release: TzDatabase, zone: str, on: date) -> datetime | None:
        """Return when a greeting leaves whose time of day does not come."""
        wall, place = self.wanted(on), release.load(zone)
        at = wall.replace(tzinfo=UTC) - timedelta(hours=26)
        while (shown := (at + _MINUTE).astimezone(place).replace(tzinfo=None)) < wall:
            at += _MINUTE
        before = at.astimezone(place).utcoffset() or timedelta()
        if shown.date() == on:
            is_edge = self._policies.gap is GapPolicy.EDGE
            return at + _MINUTE if is_edge else (wall - before).replace(tzinfo=UTC)
        if self._policies.missing_date is SkipPolicy.OMIT:
            return None
        forward = self._policies.missing_date is SkipPolicy.FORWARD
        return self._instant(release, zone, on + (_ONE_DAY if forward else -_ONE_DAY))
