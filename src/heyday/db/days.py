"""Count the greetings of days, and keep what was counted in rows of `kept_days`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import msgspec

from heyday.db import queries
from heyday.db.connection import Database
from heyday.domain.day_figures import LATENESS_BOUNDS, DayFigures, Fate, Tally
from heyday.domain.day_ports import MOST_COUNTED, Attention, KeptDay, SlotCounts, Upcoming
from heyday.domain.error_budget import OBJECTIVE
from heyday.domain.timezone import Window

_QUERIES = queries.load("days")
# As PostgreSQL keeps them: a tally is a list of its values.
_Tallies = list[tuple[datetime, str, str, Fate, int]]


class DayRepository:
    """Give the figures of days (day_ports.DayStore)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count_slots(self, window: Window) -> SlotCounts:
        """Count the greetings of some quarter hours. It reads all their rows."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                _QUERIES["count_slots"].text,
                window.start_at,
                window.end_at,
                LATENESS_BOUNDS,
                OBJECTIVE.within,
            )
        tallies: defaultdict[tuple[datetime, str, str, str], int] = defaultdict(int)
        lateness: defaultdict[datetime, dict[int, int]] = defaultdict(dict)
        for *key, bucket, count in rows:
            slot_at, zone, message_type, fate = key
            tallies[slot_at, zone, message_type, fate] += count
            if bucket is not None:
                buckets = lateness[slot_at]
                buckets[bucket] = buckets.get(bucket, 0) + count
        return SlotCounts(
            [Tally(at, zone, kind, Fate(fate), n) for (at, zone, kind, fate), n in tallies.items()],
            lateness,
        )

    async def find_attention(self, day: Window, overdue_before: datetime) -> Attention:
        """Return what waits for somebody. It reads no more rows than it counts."""
        values = (day.start_at, day.end_at, overdue_before, MOST_COUNTED)
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_QUERIES["attention"].text, *values)
        return Attention(*(row or (0, 0, 0)))

    async def list_upcoming(self, after: datetime, limit: int) -> Sequence[Upcoming]:
        """Return the greetings that leave next, in their order."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_QUERIES["list_upcoming"].text, after, limit)
        return [Upcoming(*row) for row in rows]

    async def count_people(self) -> Mapping[str, int]:
        """Return how many live people there are in each zone. It reads an index of all."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_QUERIES["count_people"].text)
        return {row["timezone"]: row["people"] for row in rows}

    async def list_kept(self, start_on: date, before_on: date) -> Sequence[KeptDay]:
        """Return the days in this span that are kept, in order."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_QUERIES["list_kept_days"].text, start_on, before_on)
        return [KeptDay(*row) for row in rows]

    async def find_kept(self, on: date) -> DayFigures | None:
        """Return a day that is kept, in full."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_QUERIES["find_kept_day"].text, on)
        if row is None:
            return None
        tallies = msgspec.json.decode(row["tallies"], type=_Tallies)
        lateness = msgspec.json.decode(row["lateness"], type=dict[int, int])
        return DayFigures(on, [Tally(*values) for values in tallies], lateness)

    async def keep(self, figures: DayFigures, counted_at: datetime) -> bool:
        """Keep a day; return whether it was, and nobody has counted it later."""
        tallies = [
            (t.slot_at, t.timezone, t.message_type, t.fate.value, t.greetings)
            for t in figures.tallies
        ]
        async with self._database.connection() as connection:
            kept_on = await connection.fetchval(
                _QUERIES["keep_day"].text,
                figures.on,
                counted_at,
                figures.open,
                figures.kept,
                figures.missed,
                msgspec.json.encode(tallies).decode(),
                msgspec.json.encode(figures.lateness).decode(),
            )
        return kept_on is not None

    async def find_first_on(self) -> date | None:
        """Return the day in UTC of the oldest greeting there is."""
        async with self._database.connection() as connection:
            at: datetime | None = await connection.fetchval(_QUERIES["find_first"].text)
        return at.astimezone(UTC).date() if at else None
