"""Turn local dates into instants. The only place in Heyday that does zone arithmetic.

Source: docs/adr/0003-time.md; docs/time.md.
"""

from calendar import isleap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.policies import GapPolicy, OverlapPolicy, SkipPolicy, TimePolicies
from heyday.domain.tzdb import PINNED, TzDatabase

_ONE_DAY = timedelta(days=1)
# No clock moves by so much but for a zone that goes to the other side of the date line.
_ACROSS = timedelta(hours=20)
_ONE_SECOND = timedelta(seconds=1)
# A local date begins up to 14 h before and ends up to 12 h after the same date in UTC.
_REACH = timedelta(days=2)
# Within these every send time of every zone is an instant that Python can express.
_EARLIEST_ON, _LATEST_ON = date.min + _REACH, date.max - _REACH
_LEAP_MONTH_DAY = 229


@dataclass(frozen=True, slots=True)
class Window:
    """Span the instants from `start_at` up to, but not including, `end_at`."""

    start_at: datetime
    end_at: datetime

    def __post_init__(self) -> None:
        """Refuse naive or reversed bounds at birth."""
        if self.start_at.tzinfo is None or self.end_at.tzinfo is None:
            raise ValueError("a window needs aware datetimes, got a naive one")
        if self.end_at < self.start_at:
            raise ValueError(f"a window cannot end at {self.end_at} before {self.start_at}")

    def __contains__(self, at: datetime) -> bool:
        """Tell whether an instant lies in the window."""
        return self.start_at <= at < self.end_at


@dataclass(frozen=True, slots=True)
class ZoneDay:
    """Give the instant of a greeting for everyone of one zone and one month and day.

    month_day: month * 100 + day of the date people were given, 229 for 29 February.
    delivery_on: the local date on which their greeting belongs.
    is_today: whether that was the local date in the zone at the moment of asking.
    spread: over how long from that instant on they leave, each at a second of their own.
    """

    timezone: str
    month_day: int
    delivery_on: date
    send_at: datetime
    is_today: bool
    spread: timedelta = timedelta()


def _dates_near(window: Window) -> Iterator[date]:
    """Yield every date that may have its send time in the window, in whatever zone."""
    # Clamped before the reach is added: the calendar ends with the years 1 and 9999.
    on = max(_wall_date(window.start_at, UTC), _EARLIEST_ON + _REACH) - _REACH
    last_on = min(_wall_date(window.end_at, UTC), _LATEST_ON - _REACH) + _REACH
    while on <= last_on:
        yield on
        on += _ONE_DAY


def _wall_date(at: datetime, zone: tzinfo) -> date:
    """Return the date on the wall. Raises InvalidInput outside the years 1 to 9999."""
    try:
        return at.astimezone(zone).date()
    except OverflowError:
        raise _off_the_calendar(at.isoformat()) from None


def _off_the_calendar(given: str) -> InvalidInput:
    detail = f"{given} lies where the calendar ends; expected a year from 2 to 9998"
    return InvalidInput([FieldProblem("at", detail)])


class TimezoneService:
    """Answer when greetings leave, by one set of policies and one release of the tz database."""

    def __init__(self, policies: TimePolicies | None = None, tzdb: TzDatabase = PINNED) -> None:
        self._policies = policies or TimePolicies()
        self._tzdb = tzdb
        self._near: tuple[tuple[date, date], Sequence[tuple[date, Sequence[int]]]] | None = None

    @property
    def policies(self) -> TimePolicies:
        """Return the policies that give the answers."""
        return self._policies

    @property
    def tzdb(self) -> TzDatabase:
        """Return the release of the tz database that gives the answers."""
        return self._tzdb

    def local_date(self, name: str, at: datetime) -> date:
        """Return the date on the wall in a zone at an instant."""
        return _wall_date(at, self._tzdb.load(name))

    def find_send_at(self, name: str, on: date) -> datetime | None:
        """Return the UTC instant at which greetings for local date `on` leave in a zone.

        None for a date that the zone left out, under OMIT; the other policies give the instant of
        a neighbour. Raises UnknownTimezone, and InvalidInput for the first and last two days of
        Python's calendar, years 1 to 9999.
        """
        found = self._find(name, on)
        return found[1] if found else None

    def send_at(self, name: str, on: date) -> datetime:
        """Return the same for a date that the zone has. Raises InvalidInput if it has not."""
        at = self.find_send_at(name, on)
        if at is None:
            raise InvalidInput([FieldProblem("on", f"{name} left the date {on} out")])
        return at

    def zone_days(
        self, names: Iterable[str], window: Window, now: datetime, only: int | None = None
    ) -> Iterator[ZoneDay]:
        """Yield each zone day that leaves in the window, or in part, zone by zone, in order.

        Some 2,000 values for a plan of two days: all that SQL needs to plan everybody.
        only: a month-day of people; other days are left out, and most often nothing is left.
        """
        dates = self._dates_near(window)
        if only is not None:
            dates = [(on, (only,)) for on, days in dates if only in days]
        if not dates:
            return
        for name in sorted(names):
            today_on = self.local_date(name, now)
            for on, days in dates:
                found = self._find(name, on)
                if found is None or not self._may_leave_in(window, found[1]):
                    continue
                delivery_on, send_at = found
                is_today, spread = delivery_on == today_on, self.spread_from(name, send_at)
                if send_at in window or send_at + spread > window.start_at:
                    for month_day in days:
                        yield ZoneDay(name, month_day, delivery_on, send_at, is_today, spread)

    def spread_from(self, name: str, send_at: datetime) -> timedelta:
        """Return over how long greetings of a zone leave from their send time on.

        As long as is set; less where the local date ends before, or the clocks go back to a time
        of day before the one that they showed.
        """
        spread = self._policies.spread
        if not spread:
            return spread
        zone = self._tzdb.load(name)
        begun, last_at = send_at.astimezone(zone), send_at + spread - _ONE_SECOND
        last = last_at.astimezone(zone)
        if last.utcoffset() == begun.utcoffset() and last.date() == begun.date():
            return spread
        return min(spread, _room_on_the_wall(begun, last_at))

    def _may_leave_in(self, window: Window, send_at: datetime) -> bool:
        """Tell whether an instant, or the spread that is set from there on, meets the window."""
        is_before = send_at < window.start_at < send_at + self._policies.spread
        return is_before or send_at in window

    def days_on(self, names: Iterable[str], on: date, now: datetime) -> Iterator[ZoneDay]:
        """Yield each zone day that is delivered on a local date, zone by zone, in order.

        Raises InvalidInput for the first and last days of Python's calendar.
        """
        skip = self._policies.missing_date
        # Whose greetings a zone that left their date out would bring to this one.
        moved = {SkipPolicy.FORWARD: [-_ONE_DAY], SkipPolicy.BACKWARD: [_ONE_DAY]}.get(skip, [])
        dates = [on + reach for reach in (timedelta(), *moved)]
        month_days_of = {each: tuple(month_days(each, self._policies.leap_day)) for each in dates}
        for name in sorted(names):
            today_on = self.local_date(name, now)
            for each in dates:
                found = self._find(name, each)
                if found and found[0] == on:
                    spread = self.spread_from(name, found[1])
                    for month_day in month_days_of[each]:
                        yield ZoneDay(name, month_day, on, found[1], on == today_on, spread)

    def find_movers(self, names: Iterable[str], first_on: date, last_on: date) -> frozenset[str]:
        """Return the zones that cross the date line between two dates; others leave no date out."""
        ends = [datetime.combine(on, time(12), UTC) for on in (first_on, last_on)]
        found = set()
        for name in names:
            before, after = (at.astimezone(self._tzdb.load(name)).utcoffset() for at in ends)
            if before is not None and after is not None and abs(after - before) >= _ACROSS:
                found.add(name)
        return frozenset(found)

    def month_days_near(self, window: Window) -> frozenset[int]:
        """Return the month-days of which a zone day may fall into the window, in whatever zone."""
        return frozenset(day for _, days in self._dates_near(window) for day in days)

    def _dates_near(self, window: Window) -> Sequence[tuple[date, Sequence[int]]]:
        """Return every date that may have its send time in the window, with its month-days.

        Windows move on with each request, and their dates with each day.
        """
        ends = _wall_date(window.start_at, UTC), _wall_date(window.end_at, UTC)
        if self._near is None or self._near[0] != ends:
            leap_day = self._policies.leap_day
            dates = [(on, tuple(month_days(on, leap_day))) for on in _dates_near(window)]
            self._near = ends, dates
        return self._near[1]

    def _find(self, name: str, on: date) -> tuple[date, datetime] | None:
        """Return the local date on which `on` is greeted, and the instant."""
        if not _EARLIEST_ON <= on <= _LATEST_ON:
            raise _off_the_calendar(on.isoformat())
        wall = datetime.combine(on, self._policies.send_time, self._tzdb.load(name))
        at = wall.astimezone(UTC)
        shown = at.astimezone(wall.tzinfo)
        gap = shown - wall  # within a zone, Python subtracts what the wall shows
        if not gap:
            is_second = self._policies.overlap is OverlapPolicy.SECOND
            return on, wall.replace(fold=1).astimezone(UTC) if is_second else at
        if gap < _ONE_DAY:
            is_edge = self._policies.gap is GapPolicy.EDGE
            return on, _jump_between(at - gap, at, wall.tzinfo) if is_edge else at
        if self._policies.missing_date is SkipPolicy.BACKWARD:
            return self._find(name, on - _ONE_DAY)
        return (shown.date(), at) if self._policies.missing_date is SkipPolicy.FORWARD else None


def month_day_of(on: date) -> int:
    """Return the month-day of a person's date, as `users` has it: month * 100 + day."""
    return on.month * 100 + on.day


def month_days(on: date, leap_day: SkipPolicy) -> Iterator[int]:
    """Yield the month-days (month * 100 + day) of the people greeted for local date `on`."""
    yield month_day_of(on)
    if isleap(on.year):
        return
    backward = leap_day is SkipPolicy.BACKWARD and (on.month, on.day) == (2, 28)
    forward = leap_day is SkipPolicy.FORWARD and (on.month, on.day) == (3, 1)
    if backward or forward:
        yield _LEAP_MONTH_DAY


def _jump_between(before: datetime, after: datetime, zone: tzinfo | None) -> datetime:
    """Return the instant, to the second, at which clocks jumped between two instants."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > _ONE_SECOND:
        middle = before + (after - before) // 2
        is_before = middle.astimezone(zone).utcoffset() == offset
        before, after = (middle, after) if is_before else (before, middle)
    return after.replace(microsecond=0)


def _room_on_the_wall(begun: datetime, last_at: datetime) -> timedelta:
    """Return for how long the wall shows the date of an instant, and no time of day before its own.

    begun: the instant, on the wall of its zone.   last_at: clocks change at most once until then.
    """
    first_at, zone = begun.astimezone(UTC), begun.tzinfo
    midnight = datetime.combine(begun.date() + _ONE_DAY, time(), zone)
    left = midnight - begun  # within a zone, Python subtracts what the wall shows
    if last_at.astimezone(zone).utcoffset() == begun.utcoffset():
        return left
    jump_at = _jump_between(first_at, last_at, zone)
    shown = jump_at.astimezone(zone)
    if left <= jump_at - first_at or shown < begun or shown.date() != begun.date():
        return min(left, jump_at - first_at)
    return jump_at - first_at + (midnight - shown)
