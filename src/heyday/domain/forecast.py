"""Add up what will be sent when: people by day and zone on the one side, instants on the other."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, TypeVar

from heyday.domain.timezone import Window, ZoneDay

# Up to this span each hour has a row of its own; beyond it, each hour of the day.
_SPAN_BY_HOUR = timedelta(days=3)
LONGEST_DAYS, USUAL_DAYS = 1100, 366
"""How many days a forecast may span, and spans where nobody says."""

_SECOND, _HOUR, _DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)

K = TypeVar("K")


class Grouping(StrEnum):
    """Name by what a forecast may be shown."""

    HOUR = "hour"
    DAY = "day"
    ZONE = "zone"
    TYPE = "type"


@dataclass(frozen=True, slots=True)
class PeopleByDay:
    """Count the people who are to be greeted: for each zone, by month * 100 + day of their date.

    counts: all of them.   recent: of those, people whose date lies in a recent year, as pairs of
    year and number: some message types do not greet them yet.
    """

    counts: Mapping[str, Mapping[int, int]]
    recent: Mapping[str, Mapping[int, Sequence[tuple[int, int]]]]

    def count(self, day: ZoneDay, first_year: int) -> int:
        """Return how many are greeted on a zone day, at least `first_year` years after."""
        zone, month_day = day.timezone, day.month_day
        if zone not in self.counts or month_day not in self.counts[zone]:
            return 0
        count = self.counts[zone][month_day]
        if zone in self.recent and month_day in self.recent[zone]:
            last_year = day.delivery_on.year - first_year
            count -= sum(n for year, n in self.recent[zone][month_day] if year > last_year)
        return count


class Stretch(NamedTuple):
    """Span a time over which greetings leave, from `start_at` on, in each second as many."""

    start_at: datetime
    spread: timedelta

    def share(self, count: int, start_at: datetime, end_at: datetime) -> int:
        """Return how many of `count` leave between two instants; all shares make `count`."""
        before, inside = start_at - self.start_at, end_at - self.start_at
        return self._until(count, inside) - self._until(count, before)

    def by_hour(self, count: int) -> Iterator[tuple[datetime, int]]:
        """Yield when each of its hours begins, with how many of `count` leave in it."""
        at, end_at = self.start_at, self.start_at + self.spread
        while at < end_at:
            next_at = min(_floor(at, _HOUR) + _HOUR, end_at)
            yield at, self.share(count, at, next_at)
            at = next_at

    def _until(self, count: int, passed: timedelta) -> int:
        return round(count * min(max(passed / self.spread, 0), 1))


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """Hold one line of a forecast: how many of each message type. at: when it begins, if it does.

    label: an hour, a day, a zone or a message type.
    """

    label: str
    at: datetime | None
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """Return how many of all types."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Forecast:
    """Hold what will be sent in a window, for each message type by instant and by zone.

    unplaced: greetings a year that nobody gets, by zone: the tz database does not have that zone.
    by_stretch: of message types whose send time is spread. Who leaves when is not looked at: it is
    as even as chance.
    """

    window: Window
    tzdb_version: str
    by_instant: Mapping[str, Mapping[datetime, int]]
    by_zone: Mapping[str, Mapping[str, int]]
    unplaced: Mapping[str, int]
    by_stretch: Mapping[str, Mapping[Stretch, int]] = field(default_factory=dict)

    @property
    def totals(self) -> dict[str, int]:
        """Return how many of each message type."""
        return {
            name: sum(counts.values()) + sum(self.by_stretch.get(name, {}).values())
            for name, counts in self.by_instant.items()
        }

    @property
    def is_spread(self) -> bool:
        """Tell whether some leave at seconds that are not foreseen."""
        return any(self.by_stretch.values())

    @property
    def busiest(self) -> tuple[datetime, int] | None:
        """Return the second in which most leave, the first of equals; None if none leave.

        And how many; of those that are spread, on the average.
        """
        together: Counter[datetime] = Counter()
        rates: Counter[datetime] = Counter()
        for counts in self.by_instant.values():
            together.update(counts)
        for stretches in self.by_stretch.values():
            for stretch, count in stretches.items():
                rates[stretch.start_at] += count * _DAY // stretch.spread
                rates[stretch.start_at + stretch.spread] -= count * _DAY // stretch.spread
        most: tuple[datetime, float] | None = None
        a_day = 0
        for at in sorted(together.keys() | rates.keys()):
            a_day += rates[at]
            leaving = together[at] + a_day / (_DAY // _SECOND)
            if leaving > (most[1] if most else 0):
                most = at, leaving
        return (most[0], max(round(most[1]), 1)) if most else None

    def rows(self, grouping: Grouping) -> list[ForecastRow]:
        """Return the lines of a table: in order of time, or the largest zone first.

        By hour: each hour of the window if it spans at most three days, else the 24 of the day.
        """
        match grouping:
            case Grouping.HOUR if self.window.end_at - self.window.start_at <= _SPAN_BY_HOUR:
                return self._rows_in_time(_HOUR, "%Y-%m-%d %H:00")
            case Grouping.HOUR:
                hours = [(f"{hour:02}:00", hour) for hour in range(24)]
                found = self._grouped(lambda at: at.hour)
                return [self._row(label, None, found, hour) for label, hour in hours]
            case Grouping.DAY:
                return self._rows_in_time(_DAY, "%Y-%m-%d")
            case Grouping.ZONE:
                zones = {zone for counts in self.by_zone.values() for zone in counts}
                rows = [self._row(zone, None, self.by_zone, zone) for zone in zones]
                return sorted(rows, key=lambda row: (-row.total, row.label))
            case Grouping.TYPE:
                return [ForecastRow(name, None, {name: n}) for name, n in self.totals.items()]

    def _rows_in_time(self, step: timedelta, label: str) -> list[ForecastRow]:
        found = self._grouped(lambda at: _floor(at, step))
        rows, at = [], _floor(self.window.start_at, step)
        while at < self.window.end_at:
            rows.append(self._row(at.strftime(label), at, found, at))
            at += step
        return rows

    def _grouped(self, key: Callable[[datetime], K]) -> dict[str, Counter[K]]:
        grouped = {}
        for name, counts in self.by_instant.items():
            counter: Counter[K] = Counter()
            for at, count in counts.items():
                counter[key(at)] += count
            for stretch, count in self.by_stretch.get(name, {}).items():
                for at, share in stretch.by_hour(count):
                    counter[key(at)] += share
            grouped[name] = counter
        return grouped

    @staticmethod
    def _row(
        label: str, at: datetime | None, found: Mapping[str, Mapping[K, int]], key: K
    ) -> ForecastRow:
        return ForecastRow(label, at, {name: c.get(key, 0) for name, c in found.items()})


@dataclass(frozen=True, slots=True)
class Tally:
    """Count the greetings of one message type as the zone days go by."""

    people: PeopleByDay
    first_year: int
    by_instant: Counter[datetime]
    by_zone: Counter[str]
    by_stretch: Counter[Stretch]

    @classmethod
    def of(cls, people: PeopleByDay, first_year: int) -> "Tally":
        """Return a tally with nothing in it."""
        return cls(people, first_year, Counter(), Counter(), Counter())

    def add(self, day: ZoneDay, window: Window) -> None:
        """Count the people who are greeted on a zone day, and in the window."""
        count = self.people.count(day, self.first_year)
        if count and day.spread:
            count = self._add_spread(day, window, count)
        elif count:
            self.by_instant[day.send_at] += count
        if count:
            self.by_zone[day.timezone] += count

    def _add_spread(self, day: ZoneDay, window: Window, count: int) -> int:
        """Return how many of them leave in the window."""
        start_at = max(day.send_at, window.start_at)
        end_at = min(day.send_at + day.spread, window.end_at)
        inside = Stretch(day.send_at, day.spread).share(count, start_at, end_at)
        if inside:
            self.by_stretch[Stretch(start_at, end_at - start_at)] += inside
        return inside


def _floor(at: datetime, step: timedelta) -> datetime:
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (at - midnight) // step * step
