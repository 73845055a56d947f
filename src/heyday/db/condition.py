"""Look at the database as a whole: its size, its months, what waits for a decision."""

from datetime import datetime

from heyday.db import queries
from heyday.db.connection import Database
from heyday.db.partitions import PARTITIONED
from heyday.domain.condition_ports import (
    MOST_COUNTED,
    DatabaseFacts,
    MonthSize,
    ProviderPace,
)

_QUERIES = queries.load("condition")


class PostgresCondition:
    """Ask PostgreSQL's catalogue, and count what few rows are (condition_ports.ConditionStore)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read_facts(self, failed_since: datetime) -> DatabaseFacts:
        """Return what it tells. Raises DatabaseError."""
        async with self._database.connection() as connection:
            server = _QUERIES["server"].text
            (row,) = await connection.fetch(server, failed_since, MOST_COUNTED)
            months = await connection.fetch(_QUERIES["months"].text, list(PARTITIONED))
            paces = await connection.fetch(_QUERIES["paces"].text)
        return DatabaseFacts(
            **row,
            months=[
                MonthSize(each["month"], each["rows"] if each["rows"] >= 0 else None, each["size"])
                for each in months
            ],
            paces=[ProviderPace(**each) for each in paces],
        )
