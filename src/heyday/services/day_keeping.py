"""Keep what each day was like once it is over, so that a month need not be counted again."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from heyday.domain.day_figures import ONE_DAY, day_window
from heyday.domain.day_ports import DayStore, KeptDay
from heyday.domain.ports import Clock
from heyday.services.day_book import DayBook

# Later than this after its end a day without open greetings is not counted again.
_GRACE = timedelta(hours=1)
# So far back days are kept: this month's budget, and the one before to compare.
_LOOK_BACK = timedelta(days=62)
# A day of a million takes seconds, in which recovery does nothing else.
_DAYS_A_RUN = 2


class DayKeepingService:
    """Count days that are over, the latest first. Any number may run at once.

    late_window: how late a greeting may leave. A day is counted when it is over, again when nothing
    of it can leave any more, and while something of it is open, once an hour.
    """

    def __init__(self, store: DayStore, clock: Clock, late_window: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._late_window = late_window

    async def run(self) -> int:
        """Count what is to be counted; return how many days that were."""
        now = self._clock.now()
        days = await self._find_due(now)
        for on in days[:_DAYS_A_RUN]:
            counted_at = self._clock.now()
            figures = await DayBook(on, self._store, self._clock).refresh()
            await self._store.keep(figures, counted_at)
        return min(len(days), _DAYS_A_RUN)

    async def _find_due(self, now: datetime) -> Sequence[date]:
        """Return the days that are to be counted, the latest first."""
        today_on = now.astimezone(UTC).date()
        first_on = await self._store.find_first_on()
        if first_on is None:
            return []
        on = max(first_on, today_on - _LOOK_BACK)
        kept = {day.on: day for day in await self._store.list_kept(on, today_on)}
        days = [on + ONE_DAY * n for n in range((today_on - on).days)]
        return [day for day in reversed(days) if self._is_due(day, kept.get(day), now)]

    def _is_due(self, on: date, kept: KeptDay | None, now: datetime) -> bool:
        if kept is None:
            return True
        settled_at = day_window(on).end_at + self._late_window + _GRACE
        if kept.counted_at < settled_at <= now:
            return True
        return kept.open > 0 and now - kept.counted_at >= _GRACE
