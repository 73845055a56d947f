"""Name what the figures of days need from the outside world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from heyday.domain.day_figures import DayFigures, Tally
from heyday.domain.timezone import Window

MOST_COUNTED = 10_000
"""So many greetings that wait for somebody are counted; of more it is said that there are more."""


@dataclass(frozen=True, slots=True)
class SlotCounts:
    """Hold what was counted of some quarter hours: tallies, and for each how late it was sent.

    lateness: by the beginning of the quarter hour, greetings in each bucket.
    """

    tallies: Sequence[Tally]
    lateness: Mapping[datetime, Mapping[int, int]]


@dataclass(frozen=True, slots=True)
class Attention:
    """Count what waits for somebody, at most MOST_COUNTED of each.

    unknown: of whatever day.   failed: of one day.   overdue: due for a while, and still here.
    """

    unknown: int
    failed: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Upcoming:
    """Tell of a greeting that leaves soon."""

    message_id: UUID
    user_id: UUID
    first_name: str
    last_name: str
    message_type: str
    timezone: str
    scheduled_send_at: datetime


@dataclass(frozen=True, slots=True)
class KeptDay:
    """Say what a day that was counted and kept means to a budget.

    open: greetings that were not yet at an end, or are UNKNOWN.
    """

    on: date
    counted_at: datetime
    open: int
    kept: int
    missed: int


class DayStore(Protocol):
    """Count the greetings of days, and keep what was counted."""

    async def count_slots(self, window: Window) -> SlotCounts:
        """Count the greetings of some quarter hours. It reads all their rows."""
        ...

    async def find_attention(self, day: Window, overdue_before: datetime) -> Attention:
        """Return what waits for somebody. It reads no more rows than it counts."""
        ...

    async def list_upcoming(self, after: datetime, limit: int) -> Sequence[Upcoming]:
        """Return the greetings that leave next, in their order."""
        ...

    async def count_people(self) -> Mapping[str, int]:
        """Return how many live people there are in each zone. It reads an index of all."""
        ...

    async def list_kept(self, start_on: date, before_on: date) -> Sequence[KeptDay]:
        """Return the days in this span that are kept, in order."""
        ...

    async def find_kept(self, on: date) -> DayFigures | None:
        """Return a day that is kept, in full."""
        ...

    async def keep(self, figures: DayFigures, counted_at: datetime) -> bool:
        """Keep a day; return whether it was, and nobody has counted it later."""
        ...

    async def find_first_on(self) -> date | None:
        """Return the day in UTC of the oldest greeting there is."""
        ...
