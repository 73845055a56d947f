"""The statements of db/sql/job_runs.sql, on the model database (ports.JobRunStore)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from heyday.domain.models import JobRun
from heyday.domain.timezone import Window
from tests.model.rows import JobRow
from tests.model.tables import ModelDatabase


class ModelJobs:
    """Remember scheduler runs."""

    def __init__(self, database: ModelDatabase) -> None:
        self._database = database

    async def start(
        self,
        name: str,
        now: datetime,
        window: Window | None,
        *,
        is_manual: bool,
        traceparent: str | None = None,  # noqa: ARG002 - nothing is followed here
    ) -> int:
        number = self._database.id_of_job()
        bounds = (window.start_at, window.end_at) if window else (None, None)
        self._database.tables.jobs[number] = JobRow(
            id=number,
            name=name,
            started_at=now,
            window_start=bounds[0],
            window_end=bounds[1],
            is_manual=is_manual,
        )
        return number

    async def finish(
        self,
        run_id: int,
        now: datetime,
        counts: Mapping[str, int],  # noqa: ARG002 - shown to people alone
        error: str | None,
    ) -> None:
        jobs = self._database.tables.jobs
        if run_id in jobs:
            jobs[run_id] = replace(jobs[run_id], finished_at=now, error=error)

    async def find_traceparent(self, name: str, at: datetime) -> str | None:  # noqa: ARG002
        return None

    async def find_watermark(self, name: str) -> datetime | None:
        ends = [
            job.window_end
            for job in self._database.tables.jobs.values()
            if job.name == name and job.finished_at and job.error is None and not job.is_manual
            if job.window_end
        ]
        return max(ends, default=None)

    async def list_latest(self) -> list[JobRun]:
        raise NotImplementedError("the machine does not look at health")

    async def count_failures(self, names: Sequence[str], most: int) -> Mapping[str, int]:
        raise NotImplementedError("the machine does not look at health")

    async def list_page(
        self, name: str | None, *, is_failed: bool | None, before: int | None, limit: int
    ) -> list[JobRun]:
        raise NotImplementedError("the machine does not look at runs")

    async def forget(self, before: datetime) -> int:
        jobs = self._database.tables.jobs
        old = [
            job.id
            for job in jobs.values()
            if job.started_at < before
            and (job.window_end is None or job.error is not None or job.is_manual)
        ]
        for number in old:
            del jobs[number]
        return len(old)
