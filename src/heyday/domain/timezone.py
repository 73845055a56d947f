"""Turn local dates into instants. The only place in Heyday that does zone arithmetic.

Zones are read from the pinned `tzdata` package by its own file paths, so neither the operating
system's older files nor PYTHONTZPATH can change an answer.
Source: docs/adr/0003-time.md; RFC 5545 section 3.3.5 (gap, overlap); RFC 7529 (29 February).
"""

from calendar import isleap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import tzdata  # type: ignore[import-untyped]

from heyday.domain.errors import FieldProblem, InvalidInput, UnknownTimezone

TZDB_VERSION: str = tzdata.IANA_VERSION

_ONE_DAY = timedelta(days=1)
# A local date begins up to 14 h before and ends up to 12 h after the same date in UTC.
_REACH = timedelta(days=2)
# Within these every send time of every zone is an instant that Python can express.
_EARLIEST_ON, _LATEST_ON = date.min + _REACH, date.max - _REACH
_LEAP_MONTH_DAY = 229


class LeapDayPolicy(StrEnum):
    """Say when people born on 29 February are greeted in a common year."""

    BACKWARD = "BACKWARD"
    FORWARD = "FORWARD"
    OMIT = "OMIT"


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
    """

    timezone: str
    month_day: int
    delivery_on: date
    send_at: datetime
    is_today: bool


@cache
def zone_names() -> frozenset[str]:
    """Return every zone name of the pinned tz database, links included."""
    listing = files("tzdata").joinpath("zones").read_text(encoding="ascii")
    return frozenset(listing.split())


@cache
def load_zone(name: str) -> ZoneInfo:
    """Return the zone called `name`. Raises UnknownTimezone if the tz database has none."""
    if name not in zone_names():
        raise UnknownTimezone
    with files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as tzif:
        return ZoneInfo.from_file(tzif, key=name)


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
    """Answer when a greeting leaves, for one send time and one leap day policy."""

    def __init__(
        self,
        send_time: time = time(9),
        leap_day: LeapDayPolicy = LeapDayPolicy.BACKWARD,
    ) -> None:
        self._send_time = send_time
        self._leap_day = leap_day

    @property
    def tzdb_version(self) -> str:
        """Return the release of the tz database that gives the answers, such as 2026f."""
        return TZDB_VERSION

    def is_known(self, name: str) -> bool:
        """Tell whether the tz database has a zone of this name."""
        return name in zone_names()

    def local_date(self, name: str, at: datetime) -> date:
        """Return the date on the wall in a zone at an instant."""
        return _wall_date(at, load_zone(name))

    def send_at(self, name: str, on: date) -> datetime:
        """Return the UTC instant at which greetings for local date `on` leave in a zone.

        A send time that the clocks jump over moves on by the gap; one that comes twice is taken
        the first time. A date that the zone left out altogether gives the next date's instant.
        Raises InvalidInput for the first and last two days of Python's calendar, years 1 to 9999.
        """
        zone = load_zone(name)
        if not _EARLIEST_ON <= on <= _LATEST_ON:
            raise _off_the_calendar(on.isoformat())
        return datetime.combine(on, self._send_time, zone).astimezone(UTC)

    def zone_days(self, names: Iterable[str], window: Window, now: datetime) -> Iterator[ZoneDay]:
        """Yield each zone day whose instant falls into the window, zone by zone, in order.

        Some 2,000 values for a plan of two days: all that SQL needs to plan everybody.
        """
        dates = list(_dates_near(window))
        for name in sorted(names):
            today_on = self.local_date(name, now)
            for on in dates:
                send_at = self.send_at(name, on)
                if send_at in window:
                    delivery_on = self.local_date(name, send_at)
                    for month_day in self._month_days(on):
                        yield ZoneDay(
                            name, month_day, delivery_on, send_at, delivery_on == today_on
                        )

    def _month_days(self, on: date) -> Iterator[int]:
        """Yield the month-days of the people greeted for local date `on`."""
        yield on.month * 100 + on.day
        if isleap(on.year):
            return
        backward = self._leap_day is LeapDayPolicy.BACKWARD and (on.month, on.day) == (2, 28)
        forward = self._leap_day is LeapDayPolicy.FORWARD and (on.month, on.day) == (3, 1)
        if backward or forward:
            yield _LEAP_MONTH_DAY
