"""Count greetings by the local date on which they belong, a year ahead.

A forecast counts by instant, and so by dates in UTC. Who asks about 1 January means the date on
the calendars of those who are greeted.
"""

from calendar import isleap
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from heyday.domain.forecast import PeopleByDay
from heyday.domain.message_types import MessageType
from heyday.domain.policies import SkipPolicy
from heyday.domain.timezone import TimezoneService, month_days

SHOWN_DAYS = 366
"""How many days a calendar shows."""

_ONE_DAY = timedelta(days=1)
_LEAP_MONTH_DAY = 229


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """Hold how many greetings of each message type belong on a local date."""

    on: date
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """Return how many of all types."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class LeapDay:
    """Say what becomes of those whose date is 29 February, in one year, for one message type.

    greeted_on: when they are greeted that year; None: they are not.   policy: None in a leap year,
    which needs none.   people: how many there are, as far as they are greeted that year.
    """

    message_type: str
    year: int
    policy: SkipPolicy | None
    greeted_on: date | None
    people: int


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """Hold the days of a calendar, in order, and its ends of February."""

    days: Sequence[CalendarDay]
    leap_days: Sequence[LeapDay]

    def from_day(self, on: date, shown: int = SHOWN_DAYS) -> "CalendarYear":
        """Return so many days from a date on: what was kept may begin the day before."""
        last_on = on + timedelta(days=shown - 1)
        days = [day for day in self.days if on <= day.on <= last_on]
        leap_days = [
            leap for leap in self.leap_days if on <= _end_of_february(leap.year) <= last_on
        ]
        return CalendarYear(days, leap_days)

    @property
    def totals(self) -> dict[str, int]:
        """Return how many of each message type."""
        totals: Counter[str] = Counter()
        for day in self.days:
            totals.update(day.counts)
        return dict(totals)

    @property
    def busiest(self) -> CalendarDay | None:
        """Return the day with most greetings, the first of equals; None if there are none."""
        found = max(self.days, key=lambda day: (day.total, -day.on.toordinal()), default=None)
        return found if found and found.total else None

    @property
    def usual(self) -> float:
        """Return how many greetings the day in the middle has, of those that have any."""
        totals = sorted(day.total for day in self.days if day.total)
        if not totals:
            return 0
        middle = len(totals) // 2
        return (totals[middle] + totals[-middle - 1]) / 2


def count_year(
    people: Mapping[MessageType, PeopleByDay],
    rules: Mapping[str, TimezoneService],
    first_on: date,
    days: int,
) -> CalendarYear:
    """Return how many greetings belong on each of so many local dates.

    rules: for each message type, by name, what answers when it leaves.
    """
    dates = [first_on + timedelta(days=number) for number in range(days)]
    counted = {t.name: _count_days(t, found, rules[t.name], dates) for t, found in people.items()}
    years = range(dates[0].year, dates[-1].year + 1)
    return CalendarYear(
        [CalendarDay(on, {name: counts[on] for name, counts in counted.items()}) for on in dates],
        [_find_leap_day(t, p, rules[t.name], year) for year in years for t, p in people.items()],
    )


@dataclass(frozen=True, slots=True)
class _Crowd:
    """Count people by month-day, whatever their zone; and those of recent years by year."""

    everybody: Mapping[int, int]
    recent: Mapping[int, Mapping[int, int]]

    @classmethod
    def of(cls, people: PeopleByDay, zones: Collection[str]) -> "_Crowd":
        everybody: Counter[int] = Counter()
        recent: defaultdict[int, Counter[int]] = defaultdict(Counter)
        for zone in zones:
            everybody.update(people.counts[zone])
            for month_day, years in people.recent.get(zone, {}).items():
                recent[month_day].update(dict(years))
        return cls(everybody, recent)

    def count(self, month_day: int, last_year: int) -> int:
        """Return how many have a month-day, of that year at the latest."""
        recent = self.recent.get(month_day, {})
        later = sum(count for year, count in recent.items() if year > last_year)
        return self.everybody.get(month_day, 0) - later


def _count_days(
    message_type: MessageType, people: PeopleByDay, rules: TimezoneService, dates: Sequence[date]
) -> dict[date, int]:
    zones = people.counts.keys() & rules.tzdb.served
    movers = rules.find_movers(zones, dates[0] - _ONE_DAY, dates[-1] + _ONE_DAY)
    # Of all zones but these the same month-days are greeted: a year of each would take seconds.
    crowd = _Crowd.of(people, zones - movers)
    counts = {}
    for on in dates:
        last_year = on.year - message_type.first_year
        days = month_days(on, rules.policies.leap_day)
        moved = rules.days_on(movers, on, datetime.combine(on, time(12), UTC))
        counts[on] = sum(crowd.count(day, last_year) for day in days) + sum(
            people.count(day, message_type.first_year) for day in moved
        )
    return counts


def _find_leap_day(
    message_type: MessageType, people: PeopleByDay, rules: TimezoneService, year: int
) -> LeapDay:
    crowd = _Crowd.of(people, people.counts.keys() & rules.tzdb.served)
    count = crowd.count(_LEAP_MONTH_DAY, year - message_type.first_year)
    policy = None if isleap(year) else rules.policies.leap_day
    on = {
        None: _end_of_february(year),
        SkipPolicy.BACKWARD: date(year, 2, 28),
        SkipPolicy.FORWARD: date(year, 3, 1),
        SkipPolicy.OMIT: None,
    }
    return LeapDay(message_type.name, year, policy, on[policy], count)


def _end_of_february(year: int) -> date:
    return date(year, 3, 1) - _ONE_DAY
