"""Run one job again and again."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from heyday.domain.ports import Clock, Wakeup
from heyday.services.scheduling import MessageSchedulerService
from heyday.telemetry import Metrics

log = structlog.get_logger()

_AFTER_FAILURE = timedelta(seconds=5)


class PeriodicScheduler(ABC):
    """Turn a job at its times. `run_once` does the work; the loop is plumbing."""

    name: str

    def __init__(
        self, service: MessageSchedulerService, wakeup: Wakeup, clock: Clock, metrics: Metrics
    ) -> None:
        self._service = service
        self._wakeup = wakeup
        self._clock = clock
        self._metrics = metrics

    @abstractmethod
    def next_at(self, now: datetime) -> datetime:
        """Return when the job is next to run, after `now`."""

    @abstractmethod
    async def run_once(self, at: datetime | None = None) -> Mapping[str, int]:
        """Do the work once, now or as if at a chosen moment; return its counts."""

    async def run(self) -> None:
        """Run at start and at each next time, until cancelled. A fault delays, never ends it."""
        while True:
            try:
                counts = await self.run_once()
            except Exception as error:  # noqa: BLE001 - a loop that ended would miss greetings
                self._metrics.job_runs.labels(self.name, "failed").inc()
                log.warning("job_failed", job=self.name, error=type(error).__name__)
                await self._clock.sleep_until(self._clock.now() + _AFTER_FAILURE)
                continue
            self._metrics.job_runs.labels(self.name, "finished").inc()
            if any(counts.values()):
                log.info("job_finished", job=self.name, **counts)
            await self._wakeup.wait_until(self.next_at(self._clock.now()))


class ClockWakeup:
    """Sleep until the next turn, and nothing else."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def wait_until(self, at: datetime) -> None:
        """Return at `at`."""
        await self._clock.sleep_until(at)
