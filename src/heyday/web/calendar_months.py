"""Lay a year out in months and weeks, and draw it."""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from heyday.domain.calendar_year import CalendarDay, CalendarYear
from heyday.domain.wall_clock import write_date

_WEEKS = calendar.Calendar(calendar.MONDAY)
# Against a day in the middle: up to which share a day has a colour; more has the last one.
_SHARES = (0.5, 0.9, 1.25, 2.0)
_UNITS = ((1_000_000, "M"), (1_000, "k"))
# From here on a number of units is written without a fraction.
_WIDE = 10
# A day that is fuller than so many usual ones would leave nothing of the others to be seen.
_HIGHEST = 8


@dataclass(frozen=True, slots=True)
class Cell:
    """Show a day of a month. day: None for one that is not counted, because it is over."""

    on: date
    name: str
    level: int
    day: CalendarDay | None

    @property
    def short(self) -> str:
        """Return how many greetings, in as few letters as a cell has room for."""
        return shorten(self.day.total) if self.day and self.day.total else ""


@dataclass(frozen=True, slots=True)
class Month:
    """Show a month: its weeks from Monday to Sunday. None stands where no day of it is shown."""

    first_on: date
    counts: Mapping[str, int]
    weeks: Sequence[Sequence[Cell | None]]

    @property
    def name(self) -> str:
        """Return such as January 2027."""
        return f"{self.first_on:%B %Y}"

    @property
    def total(self) -> int:
        """Return how many greetings, of the days that are counted."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Series:
    """Draw the days of a message type, on those of the types before it: a path of bars."""

    message_type: str
    path: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Name a month below the bars. at: from the left, in percent."""

    name: str
    at: str
    is_first_of_two: bool


@dataclass(frozen=True, slots=True)
class YearChart:
    """Draw a year: a bar a day, one unit wide and at most 100 units high.

    cut_at: how many greetings the highest bar stands for, if others would be higher.
    """

    days: int
    cut_at: int | None
    series: Sequence[Series]
    ticks: Sequence[Tick]


def lay_out(year: CalendarYear) -> list[Month]:
    """Return the months of a calendar. Of the first also the days that are over are shown."""
    usual = year.usual
    months = []
    for (number, month), days in groupby(year.days, key=lambda day: (day.on.year, day.on.month)):
        counted = {day.on: day for day in days}
        last_on = max(counted)
        weeks = [
            [
                _cell(on, counted.get(on), usual) if on.month == month and on <= last_on else None
                for on in week
            ]
            for week in _WEEKS.monthdatescalendar(number, month)
        ]
        counts = {
            name: sum(day.counts[name] for day in counted.values())
            for name in next(iter(counted.values())).counts
        }
        shown = [week for week in weeks if any(week)]
        months.append(Month(date(number, month, 1), counts, shown))
    return months


def level_of(total: int, usual: float) -> int:
    """Return how dark a day is: 0 without greetings, 3 for a usual one, 5 for twice as many."""
    if not total or not usual:
        return 0
    return 1 + sum(total > share * usual for share in _SHARES)


def shorten(number: int) -> str:
    """Write a number in at most four letters: 950, 1.2k, 14k, 3M."""
    for size, unit in _UNITS:
        # What would round up to a thousand of a unit is one of the next.
        if number >= size - (size // 2000):
            value = number / size
            return f"{value:.0f}{unit}" if value >= _WIDE - 0.05 else f"{value:.1f}{unit}"
    return str(number)


def draw(year: CalendarYear) -> YearChart:
    """Return the bars of a year, types upon each other."""
    most = max((day.total for day in year.days), default=0) or 1
    highest = max(round(_HIGHEST * year.usual), 1)
    top = min(most, highest)
    types = year.days[0].counts if year.days else ()
    series, floors = [], [0] * len(year.days)
    for name in types:
        bars = []
        for number, day in enumerate(year.days):
            low, floors[number] = floors[number], floors[number] + day.counts[name]
            bars.append(_bar(number, _height(low, top), _height(floors[number], top)))
        series.append(Series(name, "".join(bars)))
    firsts = [(n, day.on) for n, day in enumerate(year.days) if day.on.day == 1]
    ticks = [
        Tick(f"{on:%b}", f"{100 * n / len(year.days):.1f}%", place % 2 == 0)
        for place, (n, on) in enumerate(firsts)
    ]
    return YearChart(len(year.days), highest if most > highest else None, series, ticks)


def _cell(on: date, day: CalendarDay | None, usual: float) -> Cell:
    return Cell(on, write_date(on), level_of(day.total, usual) if day else 0, day)


def _height(count: int, top: int) -> float:
    return 100 * min(count, top) / top


def _bar(number: int, low: float, high: float) -> str:
    """Return one bar of a path; where there is nothing, nothing."""
    height = round(high - low, 1)
    return f"M{number} {100 - low:.4g}v-{height:g}h1v{height:g}z" if height else ""
