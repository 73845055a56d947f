"""Look at the database as a whole: its size, its months, what waits for a decision."""

import time
from datetime import datetime, timedelta

import msgspec

from heyday.db import queries
from heyday.db.connection import Database
from heyday.db.migrate import newest_revision
from heyday.db.partitions import PARTITIONED
from heyday.domain.condition_ports import (
    DatabaseFacts,
    Failing,
    MonthSize,
    ProviderPace,
    SchemaFacts,
    ServerFacts,
)
from heyday.domain.standing_ports import MOST_READ
from heyday.domain.thresholds import STUCK

_QUERIES = queries.load("condition")
# How many greetings around each of how many that failed are looked at for one that did not.
_AROUND, _FAILED = 100, 10
SET_UP = (
    "autovacuum",
    "fsync",
    "full_page_writes",
    "max_connections",
    "server_encoding",
    "server_version_num",
    "superuser_reserved_connections",
    "synchronous_commit",
)
"""The settings of PostgreSQL that are looked at."""


class PostgresCondition:
    """Ask PostgreSQL's catalogue, and count what few rows are.

    It is both a ConditionStore and a SchemaStore (domain/condition_ports.py).
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read_facts(self, failed_since: datetime) -> DatabaseFacts:
        """Return what it tells. Raises DatabaseError."""
        async with self._database.connection() as connection:
            server = _QUERIES["server"].text
            (row,) = await connection.fetch(server, failed_since, MOST_READ, STUCK)
            months = await connection.fetch(_QUERIES["months"].text, list(PARTITIONED))
            paces = await connection.fetch(_QUERIES["paces"].text)
            failing = await connection.fetch(_QUERIES["failing"].text, MOST_READ, _AROUND, _FAILED)
        return DatabaseFacts(
            **row,
            months=[
                MonthSize(
                    each["month"],
                    each["rows"] if each["rows"] is not None and each["rows"] >= 0 else None,
                    each["size"],
                )
                for each in months
            ],
            paces=[ProviderPace(**each) for each in paces],
            failing=[Failing(**each) for each in failing],
        )

    async def read_schema(self) -> SchemaFacts:
        """Return which schema there is. Raises DatabaseError."""
        async with self._database.connection() as connection:
            version: str = await connection.fetchval(_QUERIES["version"].text)
            is_migrated = await connection.fetchval(_QUERIES["is_migrated"].text)
            revision = _QUERIES["revision"].text
            months = await connection.fetch(_QUERIES["whole_months"].text, list(PARTITIONED))
            return SchemaFacts(
                version,
                await connection.fetchval(revision) if is_migrated else None,
                newest_revision(),
                frozenset(each["month"] for each in months),
            )

    async def read_server(self) -> ServerFacts:
        """Return how it is set up, also where nothing was migrated. Raises DatabaseError."""
        async with self._database.connection() as connection:
            began = time.perf_counter()
            row = await connection.fetchrow(_QUERIES["set_up"].text, list(SET_UP))
            took = timedelta(seconds=time.perf_counter() - began)
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        settings = msgspec.json.decode(row["settings"], type=dict[str, str])
        return ServerFacts(
            settings, row["sessions"], row["is_replica"], took, self._database.pool_max
        )
