"""Hold what belongs on one local date: how many greetings, where, and at which place of the list.

A date is celebrated for more than a day: nine o'clock of 1 January comes first at UTC+14, and 26
hours later at UTC-12.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.timezone import Window
from heyday.domain.transitions import Status

K = TypeVar("K", bound=Hashable)

_ONE_DAY = timedelta(days=1)
# UTC+14 and UTC-12: no clock is further.
_EAST, _WEST = timedelta(hours=14), timedelta(hours=12)
_BETWEEN = "~"
_NO_PLACE = "is no place of this list; go back to its beginning"


class DaySource(StrEnum):
    """Say what a day's greetings are read from.

    RECORDS: rows, of a day that is over everywhere.   PLANS: rows, of a day that is not, and that
    is planned for every zone.   FORECAST: people and their dates as they are now.
    """

    RECORDS = "records"
    PLANS = "plans"
    FORECAST = "forecast"


@dataclass(frozen=True, slots=True)
class DaySlice:
    """Count greetings that have a zone, an instant and a message type in common.

    status: of rows; None in a forecast.   month_day: month * 100 + day of the people there.
    """

    timezone: str
    send_at: datetime
    message_type: str
    count: int
    status: Status | None = None
    month_day: int = 0


@dataclass(frozen=True, slots=True)
class DayFilter:
    """Say which greetings of a day are wanted; None: all the same."""

    zones: frozenset[str] | None = None
    message_type: str | None = None

    def takes(self, part: DaySlice) -> bool:
        """Tell whether greetings are wanted."""
        is_there = self.zones is None or part.timezone in self.zones
        return is_there and self.message_type in {None, part.message_type}


@dataclass(frozen=True, slots=True)
class DayInstant:
    """Hold how many leave at an instant: of each message type, and in each zone."""

    at: datetime
    counts: Mapping[str, int]
    zones: Mapping[str, int]

    @property
    def total(self) -> int:
        """Return how many of all types."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class CountedDay:
    """Hold the greetings of a local date, counted."""

    on: date
    source: DaySource
    slices: Sequence[DaySlice]

    def narrowed(self, wanted: DayFilter) -> "CountedDay":
        """Return what a filter leaves."""
        return replace(self, slices=[part for part in self.slices if wanted.takes(part)])

    @property
    def total(self) -> int:
        """Return how many there are."""
        return sum(part.count for part in self.slices)

    @property
    def by_type(self) -> dict[str, int]:
        """Return how many of each message type that has any."""
        return self._add_up(lambda part: part.message_type)

    @property
    def by_status(self) -> dict[Status, int]:
        """Return how many rows stand how; nothing for a forecast."""
        return {status: n for status, n in self._add_up(lambda p: p.status).items() if status}

    @property
    def by_zone(self) -> dict[str, int]:
        """Return how many in each zone that has any."""
        return self._add_up(lambda part: part.timezone)

    @property
    def by_instant(self) -> list[DayInstant]:
        """Return the instants at which greetings leave, in order."""
        parts: dict[datetime, list[DaySlice]] = {}
        for part in self.slices:
            parts.setdefault(part.send_at, []).append(part)
        found = {at: replace(self, slices=slices) for at, slices in parts.items()}
        return [DayInstant(at, found[at].by_type, found[at].by_zone) for at in sorted(found)]

    @property
    def span(self) -> Window | None:
        """Return the instants of all greetings; None if there are none."""
        instants = [part.send_at for part in self.slices]
        if not instants:
            return None
        return Window(min(instants), max(instants) + timedelta(microseconds=1))

    def _add_up(self, key: Callable[[DaySlice], K]) -> dict[K, int]:
        counts: Counter[K] = Counter()
        for part in self.slices:
            counts[key(part)] += part.count
        return dict(counts)


@dataclass(frozen=True, slots=True)
class DayGreeting:
    """Show one greeting of a day with its person. What is None stands in rows alone."""

    user_id: UUID
    first_name: str
    last_name: str
    message_type: str
    timezone: str
    send_at: datetime
    message_id: UUID | None = None
    status: Status | None = None
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True, order=True)
class DayPlace:
    """Point between two greetings of a day's list.

    id: of the row, or of the person in a forecast, which goes zone by zone.
    """

    at: datetime
    timezone: str
    message_type: str
    month_day: int
    id: UUID

    @classmethod
    def parse(cls, text: str) -> "DayPlace":
        """Return the place that `write` has written. Raises InvalidInput."""
        try:
            at, zone, message_type, month_day, uuid = text.split(_BETWEEN)
            place = cls(datetime.fromisoformat(at), zone, message_type, int(month_day), UUID(uuid))
        except ValueError:
            raise _no_place() from None
        if place.at.tzinfo is None:
            raise _no_place()
        return place

    def write(self) -> str:
        """Return the place as a text."""
        at = self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        parts = (at, self.timezone, self.message_type, str(self.month_day), str(self.id))
        return _BETWEEN.join(parts)


@dataclass(frozen=True, slots=True)
class DayPage:
    """Hold some greetings of a day's list, and where it goes on, if it does."""

    greetings: Sequence[DayGreeting]
    next: DayPlace | None


def find_source(
    on: date, send_times: Sequence[time], now: datetime, planned_until: datetime | None
) -> DaySource:
    """Return what a day is to be read from.

    send_times: of all message types.   planned_until: how far rows are written; None: nowhere.
    """
    last_at = datetime.combine(on, max(send_times), UTC) + _WEST
    if last_at < now:
        return DaySource.RECORDS
    is_planned = planned_until is not None and last_at < planned_until
    return DaySource.PLANS if is_planned else DaySource.FORECAST


def day_window(on: date) -> Window:
    """Return the instants at which a local date is today anywhere, whatever the send time."""
    midnight = datetime.combine(on, time(), UTC)
    return Window(midnight - _EAST, midnight + _ONE_DAY + _WEST)


def _no_place() -> InvalidInput:
    return InvalidInput([FieldProblem("after", _NO_PLACE)])
