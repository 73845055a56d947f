"""Remember scheduler runs in `job_runs`."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg
import msgspec

from heyday.db import queries
from heyday.db.types import PooledConnection
from heyday.domain.models import JobRun
from heyday.domain.timezone import Window

_QUERIES = queries.load("job_runs")


class JobRunRepository:
    """Store and find scheduler runs over one connection."""

    def __init__(self, connection: PooledConnection) -> None:
        self._connection = connection

    async def start(
        self,
        name: str,
        now: datetime,
        window: Window | None,
        *,
        is_manual: bool,
        traceparent: str | None = None,
    ) -> int:
        """Record that a run began; return its number. traceparent: by which it is followed."""
        bounds = (window.start_at, window.end_at) if window else (None, None)
        run_id: int = await self._connection.fetchval(
            _QUERIES["start"].text, name, now, *bounds, is_manual, traceparent
        )
        return run_id

    async def finish(
        self, run_id: int, now: datetime, counts: Mapping[str, int], error: str | None
    ) -> None:
        """Record how a run ended."""
        document = msgspec.json.encode(counts).decode()
        await self._connection.execute(_QUERIES["finish"].text, run_id, now, document, error)

    async def find_watermark(self, name: str) -> datetime | None:
        """Return how far the finished runs of this name that nobody started by hand reach."""
        watermark: datetime | None = await self._connection.fetchval(
            _QUERIES["find_watermark"].text, name
        )
        return watermark

    async def find_traceparent(self, name: str, at: datetime) -> str | None:
        """Return by what the run is followed whose window was the first to reach an instant."""
        query = _QUERIES["find_traceparent"].text
        traceparent: str | None = await self._connection.fetchval(query, name, at)
        return traceparent

    async def list_latest(self) -> list[JobRun]:
        """Return the latest run of each name that nobody started by hand."""
        return [_job_run(row) for row in await self._connection.fetch(_QUERIES["list_latest"].text)]

    async def count_failures(self, names: Sequence[str], most: int) -> Mapping[str, int]:
        """Return how many runs of each name have failed in a row; up to `most` are counted."""
        query = _QUERIES["count_failures"].text
        rows = await self._connection.fetch(query, list(names), most)
        return {row["name"]: row["failures"] for row in rows}

    async def list_page(
        self, name: str | None, *, is_failed: bool | None, before: int | None, limit: int
    ) -> list[JobRun]:
        """Return up to `limit` runs, the latest first, that began before the one of a number."""
        rows = await self._connection.fetch(
            _QUERIES["list_page"].text, before, name, is_failed, limit
        )
        return [_job_run(row) for row in rows]

    async def forget(self, before: datetime) -> int:
        """Drop runs that began before an instant and hold no watermark; return how many."""
        tag = await self._connection.execute(_QUERIES["forget"].text, before)
        return int(tag.removeprefix("DELETE "))


def _job_run(row: asyncpg.Record) -> JobRun:
    window = Window(row["window_start"], row["window_end"]) if row["window_start"] else None
    return JobRun(
        id=row["id"],
        name=row["name"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        window=window,
        counts=msgspec.json.decode(row["counts"], type=dict[str, int]),
        error=row["error"],
        is_manual=row["is_manual"],
    )
