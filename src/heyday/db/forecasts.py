"""Count people by day and zone, for a forecast."""

from collections import defaultdict
from datetime import date

from heyday.db import queries
from heyday.db.connection import Database
from heyday.domain.forecast import PeopleByDay
from heyday.domain.message_types import MessageType

_QUERIES = queries.load("forecasts")


def statement(name: str, message_type: MessageType) -> str:
    """Return a statement for one message type."""
    columns = {
        "date": message_type.date_column,
        "month_day": message_type.month_day_column,
        "left_at": message_type.unsubscribed_column,
    }
    return _QUERIES[name].fill(columns)


class ForecastRepository:
    """Count people from the indexes, one aggregate a message type."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count_people(self, message_type: MessageType, recent_since: date) -> PeopleByDay:
        """Return how many live, subscribed people there are for each day and zone.

        recent_since: people whose date is not before it are also counted by year.
        """
        async with (
            self._database.connection() as connection,
            # One snapshot: whoever is recent is also counted among all.
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            rows = await connection.fetch(statement("count_by_day", message_type))
            young = await connection.fetch(statement("count_recent", message_type), recent_since)
        counts = {zone: dict(zip(days, people, strict=True)) for zone, days, people in rows}
        return PeopleByDay(counts, {zone: _by_day(dates, n) for zone, dates, n in young})


def _by_day(dates: list[date], people: list[int]) -> dict[int, list[tuple[int, int]]]:
    """Return pairs of year and number of people by month * 100 + day."""
    found: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for on, count in zip(dates, people, strict=True):
        found[on.month * 100 + on.day].append((on.year, count))
    return dict(found)
