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
    """Ask PostgreSQL (standing_ports.StandingStore). jobs: names of schedulers."""

    def __init__(self, database: Database, jobs: Sequence[str]) -> None:
        self._database = database
        self._jobs = jobs

    async def read(self, now: datetime) -> Standing:
        """Return how Heyday stands. Raises DatabaseError."""
        watermark, versions = _JOB_RUNS["find_watermark"].text, _QUERIES["tzdb_versions"].text
        async with self._database.connection() as connection:
            return Standing(
                backlog=await _backlog(connection, now),
                planned_until=await connection.fetchval(watermark, _PLANNER),
                tzdb_versions={
                    row["tzdb_version"]: row["greetings"]
                    for row in await connection.fetch(versions, now, MOST_READ)
                },
                months_ahead=await partitions.count_ahead(connection, now),
                unknown=await connection.fetchval(_QUERIES["unknown"].text, MOST_READ),
                succeeded_at={
                    row["name"]: row["started_at"]
                    for row in await connection.fetch(_QUERIES["successes"].text, self._jobs)
                },
            )


async def _backlog(connection: PooledConnection, now: datetime) -> Mapping[Stage, Backlog]:
    rows = await connection.fetch(_QUERIES["backlog"].text, now, MOST_READ)
    found = {row["stage"]: Backlog(row["greetings"], row["oldest_at"]) for row in rows}
    return {stage: found.get(stage, Backlog()) for stage in Stage}
