"""Follow one day: count all of it now and then, and often only what may have changed."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from heyday.domain.day_figures import LIVE, SLOT, DayFigures, Tally, day_window, slot_of
from heyday.domain.day_ports import DayStore
from heyday.domain.ports import Clock
from heyday.domain.timezone import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

# A person who comes, or a decision, may change any quarter hour. So all of a day is counted again
# after so many times as long as that took, which is at once where the day is small.
_REST = 200
_ALL_EVERY = timedelta(minutes=10)


class DayBook:
    """Hold what was counted of a day, quarter hour by quarter hour.

    Counting reads rows, and a day may have a million. Those whose instant has not come change only
    as people do; those that are at an end hardly change. So between two counts of the whole day,
    which cost a two-hundredth of a core at most, it counts from the first quarter hour in which
    something is on its way to the present one.
    """

    def __init__(self, on: date, store: DayStore, clock: Clock) -> None:
        self._on = on
        self._store = store
        self._clock = clock
        self._tallies: dict[datetime, list[Tally]] = {}
        self._lateness: dict[datetime, Mapping[int, int]] = {}
        self._counted_at: datetime | None = None
        self._rest = timedelta()

    async def refresh(self) -> DayFigures:
        """Return the day as it is now. Raises DatabaseError. Only one at a time may run."""
        now = self._clock.now()
        if self._is_all_due(now):
            asked_at = self._clock.monotonic()
            await self._count(day_window(self._on))
            took = timedelta(seconds=self._clock.monotonic() - asked_at)
            self._counted_at, self._rest = now, min(took * _REST, _ALL_EVERY)
        elif window := self._moving(now):
            await self._count(window)
        return self._figures()

    def _is_all_due(self, now: datetime) -> bool:
        """Tell whether it is time to count the whole day; a clock may also have been put back."""
        return self._counted_at is None or not timedelta() <= now - self._counted_at < self._rest

    def _moving(self, now: datetime) -> Window | None:
        """Return the quarter hours in which greetings are under way, if there are any."""
        day = day_window(self._on)
        # Batches are queued before their instant: what leaves next is looked at as well.
        end_at = min(slot_of(now) + 2 * SLOT, day.end_at)
        live = [
            at
            for at, tallies in self._tallies.items()
            if at < end_at and any(tally.fate in LIVE for tally in tallies)
        ]
        return Window(min(live), end_at) if live else None

    async def _count(self, window: Window) -> None:
        """Put what is counted in the place of what was known of a window."""
        counts = await self._store.count_slots(window)
        for at in [at for at in self._tallies if at in window]:
            del self._tallies[at]
            self._lateness.pop(at, None)
        for tally in counts.tallies:
            self._tallies.setdefault(tally.slot_at, []).append(tally)
        self._lateness |= counts.lateness

    def _figures(self) -> DayFigures:
        lateness: dict[int, int] = {}
        for buckets in self._lateness.values():
            for bucket, count in buckets.items():
                lateness[bucket] = lateness.get(bucket, 0) + count
        tallies = [tally for tallies in self._tallies.values() for tally in tallies]
        return DayFigures(self._on, tallies, lateness)
