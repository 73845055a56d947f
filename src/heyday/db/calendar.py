"""Count and list what belongs on a local date."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import asyncpg

from heyday.db import queries
from heyday.db.connection import Database
from heyday.domain.calendar_day import DayFilter, DayGreeting, DayPlace, DaySlice
from heyday.domain.message_types import MessageType
from heyday.domain.timezone import Window, ZoneDay
from heyday.domain.transitions import Status

_QUERIES = queries.load("calendar")
_FIRST_ID = UUID(int=0)
# Nobody who is so much too young is on record by mistake alone.
_YOUNGEST = 100


def statement(name: str, message_type: MessageType) -> str:
    """Return a statement, about the people of one message type if it is about people."""
    columns = {
        "conditions": "",
        "date": message_type.date_column,
        "month_day": message_type.month_day_column,
        "left_at": message_type.unsubscribed_column,
    }
    return _QUERIES[name].fill(columns)


def list_statement(wanted: DayFilter) -> tuple[str, list[object]]:
    """Return the statement that lists rows as a filter wants, and the values after the fifth."""
    given = {
        "of_zones": sorted(wanted.zones) if wanted.zones is not None else None,
        "of_type": wanted.message_type,
    }
    asked = {name: value for name, value in given.items() if value is not None}
    numbered = enumerate(asked, start=6)
    conditions = " ".join(_QUERIES[name].fill({"n": str(n)}) for n, name in numbered)
    return _QUERIES["list_rows"].fill({"conditions": conditions}), list(asked.values())


def counting() -> str:
    """Return the statement that counts rows."""
    return _QUERIES["count_rows"].text


class CalendarRepository:
    """Look at rows by their delivery date, and at people by zone day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count_rows(self, on: date, window: Window) -> list[DaySlice]:
        """Return the rows of a delivery date, counted. window: their instants lie in it."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(counting(), on, window.start_at, window.end_at)
        return [
            DaySlice(
                row["timezone"],
                row["scheduled_send_time"],
                row["message_type"],
                row["count"],
                Status(row["status"]),
            )
            for row in rows
        ]

    async def list_rows(
        self, on: date, window: Window, wanted: DayFilter, after: DayPlace | None, limit: int
    ) -> list[DayGreeting]:
        """Return up to `limit` rows that the filter wants, after a place, by instant and id."""
        start_at, last_id = window.start_at, _FIRST_ID
        if after and after.at >= start_at:
            start_at, last_id = after.at, after.id
        sql, values = list_statement(wanted)
        async with self._database.connection() as connection:
            rows = await connection.fetch(sql, on, start_at, window.end_at, last_id, limit, *values)
        return [_greeting(row) for row in rows]

    async def count_people(
        self, message_type: MessageType, zone_days: Sequence[ZoneDay], last_year: int
    ) -> list[int]:
        """Return, for each zone day, how many live people who want this type have it.

        last_year: whose date is of a later year is not counted.
        """
        days = [day.month_day for day in zone_days], [day.timezone for day in zone_days]
        young_on = _dates_after(last_year, set(days[0]))
        async with (
            self._database.connection() as connection,
            # One snapshot: whoever is too young is also counted among all.
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            counts = await connection.fetch(statement("count_people", message_type), *days)
            rows = await connection.fetch(statement("count_young", message_type), young_on)
        young = {(row["timezone"], row["month_day"]): row["people"] for row in rows}
        return [
            row[0] - young.get((day.timezone, day.month_day), 0)
            for row, day in zip(counts, zone_days, strict=True)
        ]

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
        days = [day.month_day for day in zone_days], [day.timezone for day in zone_days]
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                statement("list_people", message_type), *days, last_year, after, limit
            )
        return [(row["number"], _person(row, message_type, zone_days)) for row in rows]


def _dates_after(year: int, month_days: set[int]) -> list[date]:
    """Return the dates with these month-days in the years after one; none that do not exist."""
    found = []
    for later in range(year + 1, min(year + _YOUNGEST, date.max.year) + 1):
        for month_day in month_days:
            # 29 February in common years.
            try:
                found.append(date(later, month_day // 100, month_day % 100))
            except ValueError:
                continue
    return found


def _person(
    row: asyncpg.Record, message_type: MessageType, zone_days: Sequence[ZoneDay]
) -> DayGreeting:
    day = zone_days[row["number"]]
    names = row["first_name"], row["last_name"]
    return DayGreeting(row["id"], *names, message_type.name, day.timezone, day.send_at)


def _greeting(row: asyncpg.Record) -> DayGreeting:
    return DayGreeting(
        user_id=row["user_id"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        message_type=row["message_type"],
        timezone=row["timezone"],
        send_at=row["scheduled_send_time"],
        message_id=row["id"],
        status=Status(row["status"]),
        sent_at=row["actual_send_time"],
    )
