"""Show what belongs on which local date: a year ahead, and one day with its people."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from operator import attrgetter

from heyday.domain.audit import concern
from heyday.domain.calendar_day import (
    CountedDay,
    DayFilter,
    DayGreeting,
    DayPage,
    DayPlace,
    DaySlice,
    DaySource,
    day_window,
    find_source,
)
from heyday.domain.calendar_ports import CalendarStore
from heyday.domain.calendar_year import SHOWN_DAYS, CalendarYear, count_year
from heyday.domain.message_types import MESSAGE_TYPES, MessageType, get_message_type
from heyday.domain.ports import Clock, Store
from heyday.domain.report_ports import ForecastStore
from heyday.domain.timezone import TimezoneService, ZoneDay
from heyday.services.kept import Kept, KeptEach, Snapshot
from heyday.services.scheduling import DAILY

YEAR_EVERY, DAY_EVERY = timedelta(minutes=15), timedelta(seconds=30)
"""How old a year, and a day, may become before it is counted again."""

_DAYS_KEPT = 64
# A year is kept past midnight, and shown from the new day on.
_SPARE_DAYS = 2
_IN_ORDER = attrgetter("send_at", "timezone", "message_type", "month_day")
_BY_TYPE = attrgetter("message_type")


class CalendarService:
    """Count and list greetings by their local date. Figures are kept, and counted again behind.

    store: knows how far greetings are planned.   rows: the greetings, and people by their dates.
    timezones: for each message type, by name, what answers when it leaves.
    """

    def __init__(
        self,
        store: Store,
        rows: CalendarStore,
        people: ForecastStore,
        timezones: Mapping[str, TimezoneService],
        clock: Clock,
    ) -> None:
        self._store = store
        self._rows = rows
        self._people = people
        self._timezones = timezones
        self._clock = clock
        self._year = Kept(self._count_year, YEAR_EVERY, clock)
        self._days = KeptEach(self._count_day, DAY_EVERY, clock, most=_DAYS_KEPT)

    def today(self) -> date:
        """Return the date in UTC."""
        return self._clock.now().date()

    async def find_year(self, patience: timedelta) -> Snapshot[CalendarYear] | None:
        """Return the days from today on, counted; None if they are still being counted.

        patience: how long to wait for the first count.
        """
        try:
            async with asyncio.timeout(patience.total_seconds()):
                kept = await self._year.get()
        except TimeoutError:
            return None
        return Snapshot(kept.value.from_day(self.today()), kept.read_at)

    async def count_day(self, on: date) -> Snapshot[CountedDay]:
        """Return the greetings of a local date, counted."""
        return await self._days.get(on)

    async def list_day(
        self, counted: CountedDay, wanted: DayFilter, after: DayPlace | None, limit: int
    ) -> DayPage:
        """Return up to `limit` greetings of a counted day that a filter wants, after a place."""
        day = counted.narrowed(wanted)
        if day.source is DaySource.FORECAST:
            found = await self._list_people(day, after, limit + 1)
        else:
            found = await self._list_rows(day, wanted, after, limit + 1)
        shown = found[:limit]
        concern([greeting.user_id for _, greeting in shown])
        is_more = len(found) > limit
        return DayPage([greeting for _, greeting in shown], shown[-1][0] if is_more else None)

    async def close(self) -> None:
        """End what is being counted."""
        await self._year.close()
        await self._days.close()

    async def _count_year(self) -> CalendarYear:
        first_on = self.today()
        people = {}
        for message_type in MESSAGE_TYPES:
            since = date(first_on.year - message_type.first_year + 1, 1, 1)
            people[message_type] = await self._people.count_people(message_type, since)
        days = SHOWN_DAYS + _SPARE_DAYS
        # Adding up all zones takes a moment, in which a server goes on with other things.
        return await asyncio.to_thread(count_year, people, self._timezones, first_on, days)

    async def _count_day(self, on: date) -> CountedDay:
        async with self._store.session() as session:
            planned_until = await session.jobs.find_watermark(DAILY)
        send_times = [rules.policies.send_time for rules in self._timezones.values()]
        source = find_source(on, send_times, self._clock.now(), planned_until)
        if source is DaySource.FORECAST:
            slices = [part for t in MESSAGE_TYPES for part in await self._count_people(t, on)]
        else:
            slices = await self._rows.count_rows(on, day_window(on))
        return CountedDay(on, source, sorted(slices, key=_IN_ORDER))

    async def _count_people(self, message_type: MessageType, on: date) -> list[DaySlice]:
        rules = self._timezones[message_type.name]
        days = list(rules.days_on(rules.tzdb.served, on, self._clock.now()))
        counts = await self._rows.count_people(message_type, days, _last_year(message_type, on))
        return [
            DaySlice(day.timezone, day.send_at, message_type.name, count, None, day.month_day)
            for day, count in zip(days, counts, strict=True)
            if count > 0
        ]

    async def _list_rows(
        self, day: CountedDay, wanted: DayFilter, after: DayPlace | None, limit: int
    ) -> list[tuple[DayPlace, DayGreeting]]:
        if (window := day.span) is None:
            return []
        found = await self._rows.list_rows(day.on, window, wanted, after, limit)
        return [
            (DayPlace(row.send_at, "", "", 0, row.message_id or row.user_id), row) for row in found
        ]

    async def _list_people(
        self, day: CountedDay, after: DayPlace | None, limit: int
    ) -> list[tuple[DayPlace, DayGreeting]]:
        """Go from zone to zone until there are enough."""
        found: list[tuple[DayPlace, DayGreeting]] = []
        left = [part for part in day.slices if after is None or _IN_ORDER(part) >= _key(after)]
        while left and len(found) < limit:
            some = list(_take(left, limit - len(found), after))
            left = left[len(some) :]
            for message_type, parts in groupby(sorted(some, key=_BY_TYPE), key=_BY_TYPE):
                found += await self._list_parts(day.on, message_type, list(parts), after, limit)
            found.sort(key=lambda pair: pair[0])
        return found[:limit]

    async def _list_parts(
        self, on: date, name: str, parts: Sequence[DaySlice], after: DayPlace | None, limit: int
    ) -> list[tuple[DayPlace, DayGreeting]]:
        message_type = get_message_type(name)
        days = [ZoneDay(p.timezone, p.month_day, on, p.send_at, is_today=False) for p in parts]
        last_id = after.id if after and _key(after) == _IN_ORDER(parts[0]) else None
        last_year = _last_year(message_type, on)
        people = await self._rows.list_people(message_type, days, last_year, last_id, limit)
        return [(DayPlace(*_IN_ORDER(parts[n]), person.user_id), person) for n, person in people]


def _key(place: DayPlace) -> tuple[object, ...]:
    return place.at, place.timezone, place.message_type, place.month_day


def _take(slices: Sequence[DaySlice], enough: int, after: DayPlace | None) -> Iterator[DaySlice]:
    """Yield slices until they hold enough people, not counting one of which some were shown."""
    count = 0
    for part in slices:
        yield part
        if after is None or _key(after) != _IN_ORDER(part):
            count += part.count
        if count >= enough:
            return


def _last_year(message_type: MessageType, on: date) -> int:
    return on.year - message_type.first_year
