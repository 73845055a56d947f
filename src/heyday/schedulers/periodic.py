"""Run one job again and again."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import final

import structlog

from heyday.domain.errors import ClockUntrusted, SendingPaused
from heyday.domain.ports import Clock, ClockGuard, Wakeup
from heyday.services.scheduling import MessageSchedulerService
from heyday.telemetry import Metrics

log = structlog.get_logger()

_AFTER_FAILURE = timedelta(seconds=5)
_WHILE_PAUSED = timedelta(seconds=2)
_STUCK = 3


class PeriodicScheduler(ABC):
    """Turn a job at its times. `run_once` does the work; the loop is plumbing."""

    name: str

    def __init__(
        self,
        service: MessageSchedulerService,
        wakeup: Wakeup,
        clock: Clock,
        guard: ClockGuard,
        metrics: Metrics,
    ) -> None:
        self._service = service
        self._wakeup = wakeup
        self._clock = clock
        self._guard = guard
        self._metrics = metrics
        self._is_paused = False
        self._failures = 0

    @property
    def trouble(self) -> str | None:
        """Return why the job is not done; None if it is. One failure is soon made up for."""
        if self._failures < _STUCK:
            return None
        return f"the {self.name} job has failed {self._failures} times in a row"

    @abstractmethod
    def next_at(self, now: datetime) -> datetime:
        """Return when the job is next to run, after `now`."""

    @abstractmethod
    async def work(self, at: datetime | None) -> Mapping[str, int]:
        """Do the work once, now or as if at a chosen moment; return its counts."""

    @final
    async def run_once(self, at: datetime | None = None) -> Mapping[str, int]:
        """Do the work once, now or as if at a chosen moment; return its counts.

        Raises SendingPaused if nobody can say what "now" is, or while everything is held.
        """
        try:
            await self._guard.check()
        except ClockUntrusted:
            if at is None:
                raise
        return await self.work(at)

    async def run(self) -> None:
        """Run at start and at each next time, until cancelled. A fault delays, never ends it."""
        while True:
            began = self._clock.monotonic()
            try:
                counts = await self.run_once()
            except SendingPaused:
                await self._pause()
                continue
            except Exception as error:  # noqa: BLE001 - a loop that ended would miss greetings
                self._note_failure()
                log.warning("job_failed", job=self.name, error=type(error).__name__)
                await self._clock.sleep_until(self._clock.now() + _AFTER_FAILURE)
                continue
            self._is_paused = False
            self._note_success(counts, self._clock.monotonic() - began)
            if any(counts.values()):
                log.info("job_finished", job=self.name, **counts)
            await self._wakeup.wait_until(self.next_at(self._clock.now()))

    def _note_failure(self) -> None:
        self._failures += 1
        self._metrics.job_runs.labels(self.name, "failed").inc()
        self._metrics.job_failures.labels(self.name).set(self._failures)

    def _note_success(self, counts: Mapping[str, int], seconds: float) -> None:
        self._failures = 0
        self._metrics.job_runs.labels(self.name, "finished").inc()
        self._metrics.job_failures.labels(self.name).set(0)
        self._metrics.job_duration.labels(self.name).set(seconds)
        for what, rows in counts.items():
            self._metrics.job_rows.labels(self.name, what).inc(rows)

    async def _pause(self) -> None:
        """Wait a moment for what is in the way to be gone; say so once."""
        self._metrics.job_runs.labels(self.name, "paused").inc()
        if not self._is_paused:
            self._is_paused = True
            log.warning("job_paused", job=self.name)
        await self._clock.sleep_until(self._clock.now() + _WHILE_PAUSED)


class ClockWakeup:
    """Sleep until the next turn, and nothing else."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def wait_until(self, at: datetime) -> None:
        """Return at `at`."""
        await self._clock.sleep_until(at)
