"""Tell in one look how a day goes, where greetings leave now, and what is wrong."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from heyday.domain.day_figures import DayFigures
from heyday.domain.errors import DatabaseError
from heyday.domain.ports import Clock
from heyday.domain.send_line import Passing, Turn, find_turns
from heyday.domain.timezone import TimezoneService
from heyday.services.condition import Condition, ConditionService
from heyday.services.today import Present, TodayService


@dataclass(frozen=True, slots=True)
class Overview:
    """Hold one look.

    here: where the send time is at this moment, and has been for up to a quarter of an hour.
    following: where it comes next; None where the day in UTC has no more of it.   figures, present:
    None where they are not known.
    """

    now: datetime
    here: Sequence[Turn]
    following: Turn | None
    figures: DayFigures | None
    present: Present | None
    condition: Condition


class OverviewService:
    """Ask the services behind the pages. timezones: of the first message type."""

    def __init__(
        self,
        today: TodayService,
        condition: ConditionService,
        timezones: TimezoneService,
        clock: Clock,
    ) -> None:
        self._today = today
        self._condition = condition
        self._timezones = timezones
        self._clock = clock
        self._turns: tuple[object, Sequence[Turn]] = (None, ())

    async def look(self) -> Overview:
        """Return how it goes. Raises nothing for what does not answer."""
        on = self._today.today_on()
        figures, present, condition = await asyncio.gather(
            self._find_figures(on), self._find_present(), self._condition.look()
        )
        now = self._clock.now()
        zones = figures.by_zone if figures and figures.by_zone else self._timezones.tzdb.names
        turns = self._find_turns(on, zones)
        here = [turn for turn in turns if turn.passing(now) is Passing.NOW]
        following = next((t for t in turns if t.passing(now) is Passing.TO_COME), None)
        return Overview(now, here, following, figures, present, condition)

    def _find_turns(self, on: date, zones: Iterable[str]) -> Sequence[Turn]:
        key = (on, frozenset(zones))
        if self._turns[0] != key:
            self._turns = (key, find_turns(self._timezones, key[1], on))
        return self._turns[1]

    async def _find_figures(self, on: date) -> DayFigures | None:
        try:
            snapshot = await self._today.day(on)
        except DatabaseError:
            return None
        return snapshot.value if snapshot else None

    async def _find_present(self) -> Present | None:
        try:
            return (await self._today.present()).value
        except DatabaseError:
            return None
