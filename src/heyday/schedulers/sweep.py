"""Look for what dead workers and lost batches left behind, every half minute, and at start."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from heyday.domain.ports import Clock, ClockGuard, Wakeup
from heyday.schedulers.periodic import PeriodicScheduler
from heyday.services.scheduling import SWEEP, MessageSchedulerService
from heyday.telemetry import Metrics


class SweepScheduler(PeriodicScheduler):
    """Bring back what is stuck on its way, in a loop of its own: no backlog keeps it waiting."""

    name = SWEEP

    def __init__(  # noqa: PLR0913, PLR0917 - one parameter for each part that it joins
        self,
        service: MessageSchedulerService,
        wakeup: Wakeup,
        clock: Clock,
        guard: ClockGuard,
        metrics: Metrics,
        every: timedelta,
    ) -> None:
        super().__init__(service, wakeup, clock, guard, metrics)
        self._every = every

    def next_at(self, now: datetime) -> datetime:
        """Return when to look again."""
        return now + self._every

    async def work(self, at: datetime | None) -> Mapping[str, int]:
        """Sweep, now or as if at a chosen moment; return `expired` and `requeued`."""
        return await self._service.sweep(at)
