"""Plan once a day, at 00:00 UTC, and at start."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import structlog

from heyday.domain.ports import Clock, ClockGuard, Wakeup
from heyday.schedulers.periodic import PeriodicScheduler
from heyday.services.retention import RetentionService
from heyday.services.scheduling import DAILY, MessageSchedulerService
from heyday.telemetry import Metrics

log = structlog.get_logger()


class DailyScheduler(PeriodicScheduler):
    """Write the rows of the coming two days, and of whatever was missed; let go of what is old.

    retention: what lets go; None: nothing does.
    """

    name = DAILY

    def __init__(  # noqa: PLR0913, PLR0917 - those of each scheduler, and one more
        self,
        service: MessageSchedulerService,
        wakeup: Wakeup,
        clock: Clock,
        guard: ClockGuard,
        metrics: Metrics,
        retention: RetentionService | None = None,
    ) -> None:
        super().__init__(service, wakeup, clock, guard, metrics)
        self._retention = retention

    def next_at(self, now: datetime) -> datetime:
        """Return the next midnight in UTC."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + timedelta(days=1)

    async def work(self, at: datetime | None) -> Mapping[str, int]:
        """Plan, now or as if at a chosen moment; return `planned` and `retimed`.

        As if at a chosen moment nothing old is let go.
        """
        counts = await self._service.plan(at)
        if self._retention is None or at is not None:
            return counts
        try:
            return {**counts, **await self._retention.run()}
        except Exception as error:  # noqa: BLE001 - what was planned would count as not planned
            # Tomorrow is early enough. An alert asks the journal when it last went well.
            log.warning("retention_failed", error=type(error).__name__)
            return counts
