"""Read how Heyday stands, by indexes and up to a limit: it costs the same with any history."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from heyday.db import partitions, queries
from heyday.db.connection import Database
from heyday.db.types import PooledConnection
from heyday.domain.standing_ports import MOST_READ, Backlog, Stage, Standing

_QUERIES = queries.load("standing")
_JOB_RUNS = queries.load("job_runs")
_PLANNER = "daily"


class PostgresStanding:
    """Ask PostgreSQL (standing_ports.StandingStore)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, now: datetime, jobs: Sequence[str], tzdb_version: str) -> Standing:
        """Return how Heyday stands. Raises DatabaseError."""
        watermark = _JOB_RUNS["find_watermark"].text
        async with self._database.connection() as connection:
            other = (now, tzdb_version, MOST_READ)
            return Standing(
                backlog=await _backlog(connection, now),
                planned_until=await connection.fetchval(watermark, _PLANNER),
                of_other_tzdb=await connection.fetchval(_QUERIES["of_other_tzdb"].text, *other),
                months_ahead=await partitions.count_ahead(connection, now),
                unknown=await connection.fetchval(_QUERIES["unknown"].text, MOST_READ),
                succeeded_at={
                    row["name"]: row["started_at"]
                    for row in await connection.fetch(_QUERIES["successes"].text, jobs)
                },
            )


async def _backlog(connection: PooledConnection, now: datetime) -> Mapping[Stage, Backlog]:
    rows = await connection.fetch(_QUERIES["backlog"].text, now, MOST_READ)
    found = {row["stage"]: Backlog(row["greetings"], row["oldest_at"]) for row in rows}
    return {stage: found.get(stage, Backlog()) for stage in Stage}
