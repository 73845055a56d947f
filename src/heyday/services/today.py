"""Tell how a day is going: what pages show, kept and shared by all who look."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta

from heyday.domain.day_figures import DayFigures, day_window
from heyday.domain.day_ports import Attention, DayStore, Upcoming
from heyday.domain.error_budget import OBJECTIVE, ErrorBudget, first_of_month
from heyday.domain.ports import Clock
from heyday.services.day_book import DayBook
from heyday.services.kept import Kept, KeptEach, Snapshot

_SHOWN = 6
_AHEAD = timedelta(minutes=2)
# Days whose quarter hours are remembered; today is always among the latest.
_BOOKS = 8


@dataclass(frozen=True, slots=True)
class TodayConfig:
    """Say how often what is read, while somebody looks.

    every: what changes all the time.   month_every: what the days before today add up to.
    people_every: how many people each zone has.   overdue_after: a worker that is so late is not
    only busy.   patience: a page that cannot say yet how the day is says so after this.
    """

    every: timedelta = timedelta(seconds=5)
    month_every: timedelta = timedelta(minutes=5)
    people_every: timedelta = timedelta(hours=1)
    overdue_after: timedelta = timedelta(minutes=2)
    patience: timedelta = timedelta(milliseconds=120)


@dataclass(frozen=True, slots=True)
class Present:
    """Hold what is only of interest now: what waits for somebody, and who is next."""

    attention: Attention
    upcoming: Sequence[Upcoming]


@dataclass(frozen=True, slots=True)
class MonthSoFar:
    """Hold what a month's days before today add up to.

    days: of those, how many are counted and kept.   of_days: how many there are.
    """

    kept: int
    missed: int
    days: int
    of_days: int

    def budget(self, today: DayFigures, overdue: int) -> ErrorBudget:
        """Return the budget with today in it. What is overdue has missed the objective already."""
        return OBJECTIVE.budget(self.kept + today.kept, self.missed + today.missed + overdue)


class TodayService:
    """Answer at once, from what was read a few seconds ago."""

    def __init__(self, store: DayStore, clock: Clock, config: TodayConfig | None = None) -> None:
        self._store = store
        self._clock = clock
        self._config = config = config or TodayConfig()
        self._books: dict[date, DayBook] = {}
        # However many days somebody leafs through, the database counts one of them.
        self._looking_back = asyncio.Lock()
        every, patience = config.every, config.patience
        self._days = KeptEach(self._read_day, every, clock, patience)
        self._present = Kept(self._read_present, every, clock, patience)
        self._months = KeptEach(self._read_month, config.month_every, clock, patience, most=2)
        self._people = Kept(store.count_people, config.people_every, clock)

    def today_on(self) -> date:
        """Return the present date in UTC."""
        return self._clock.now().astimezone(UTC).date()

    async def day(self, on: date) -> Snapshot[DayFigures] | None:
        """Return what a day is like; None where to count it takes long: then it goes on.

        Raises DatabaseError while nothing is known of it.
        """
        return await self._days.find(on, self._config.patience)

    async def present(self) -> Snapshot[Present]:
        """Return what is of interest now. Raises DatabaseError while nothing is known."""
        return await self._present.get()

    async def month(self) -> Snapshot[MonthSoFar]:
        """Return what the days of the month before today add up to. Raises DatabaseError."""
        return await self._months.get(self.today_on())

    def people(self) -> Mapping[str, int]:
        """Return how many people there are in each zone; none until that was counted."""
        snapshot = self._people.look()
        return snapshot.value if snapshot else {}

    def warm_up(self) -> None:
        """Begin to read what the first visitor will want to see."""
        self._days.look(self.today_on())
        self._people.look()

    async def close(self) -> None:
        """End what is being read."""
        for kept in (self._days, self._present, self._months, self._people):
            await kept.close()

    async def _read_day(self, on: date) -> DayFigures:
        if on >= self.today_on():
            return await self._follow(on)
        async with self._looking_back:
            return await self._look_back(on)

    async def _look_back(self, on: date) -> DayFigures:
        """Return a day that is over: as it was kept, where nothing of it is open."""
        kept = await self._store.find_kept(on)
        return await self._follow(on) if kept is None or kept.open else kept

    async def _follow(self, on: date) -> DayFigures:
        book = self._books.pop(on, None) or DayBook(on, self._store, self._clock)
        figures = await book.refresh()
        self._books[on] = book
        while len(self._books) > _BOOKS:
            del self._books[next(iter(self._books))]
        return figures

    async def _read_present(self) -> Present:
        now = self._clock.now()
        # Who looks at midnight need not wait for the new day.
        self._days.look((now + _AHEAD).astimezone(UTC).date())
        today = day_window(self.today_on())
        attention = await self._store.find_attention(today, now - self._config.overdue_after)
        return Present(attention, await self._store.list_upcoming(now, _SHOWN))

    async def _read_month(self, on: date) -> MonthSoFar:
        first_on = first_of_month(on)
        days = await self._store.list_kept(first_on, on)
        kept, missed = sum(day.kept for day in days), sum(day.missed for day in days)
        return MonthSoFar(kept, missed, len(days), (on - first_on).days)
