"""Name what a calendar looks up. Nothing here changes a row."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol
from uuid import UUID

from heyday.domain.calendar_day import DayFilter, DayGreeting, DayPlace, DaySlice
from heyday.domain.message_types import MessageType
from heyday.domain.timezone import Window, ZoneDay


class CalendarStore(Protocol):
    """Count and list what belongs on a local date: rows, or people by their dates."""

    async def count_rows(self, on: date, window: Window) -> list[DaySlice]:
        """Return the rows of a delivery date, counted. window: their instants lie in it."""
        ...

    async def list_rows(
        self, on: date, window: Window, wanted: DayFilter, after: DayPlace | None, limit: int
    ) -> list[DayGreeting]:
        """Return up to `limit` rows that the filter wants, after a place, by instant and id."""
        ...

    async def count_people(
        self, message_type: MessageType, zone_days: Sequence[ZoneDay], last_year: int
    ) -> list[int]:
        """Return, for each zone day, how many live people who want this type have it.

        last_year: whose date is of a later year is not counted.
        """
        ...

    async def list_people(
        self,
        message_type: MessageType,
        zone_days: Sequence[ZoneDay],
        last_year: int,
        after: UUID | None,
        limit: int,
    ) -> list[tuple[int, DayGreeting]]:
        """Return up to `limit` of them, each with the number of their zone day, from 0, in order.

        after: a person of the first zone day, who was the last that the list has shown.
        """
        ...
