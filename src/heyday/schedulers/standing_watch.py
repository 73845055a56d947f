"""Look again and again how Heyday stands: facts that belong to no process, for all of them."""

import asyncio
from datetime import datetime, timedelta

import structlog

from heyday.domain.ports import Clock
from heyday.domain.queue_ports import DeadLetters
from heyday.domain.standing_ports import Standing, StandingStore
from heyday.telemetry import Metrics

log = structlog.get_logger()

EVERY = timedelta(seconds=30)
PATIENCE = timedelta(seconds=10)
"""How long PostgreSQL, or what carries batches, may take to answer."""


class StandingWatch:
    """Look every half minute, and show what was found until the next look.

    tzdb_version: that this process plans with.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - one parameter for each part that it joins
        self,
        store: StandingStore,
        queue: DeadLetters,
        clock: Clock,
        metrics: Metrics,
        tzdb_version: str,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._store = store
        self._queue = queue
        self._clock = clock
        self._metrics = metrics
        self._tzdb_version = tzdb_version
        self._patience = patience.total_seconds()

    async def run(self) -> None:
        """Watch until cancelled. A fault delays, never ends it."""
        while True:
            await self.run_once()
            await self._clock.sleep_until(self._clock.now() + EVERY)

    async def run_once(self) -> None:
        """Look once. What does not answer in time stays as it was."""
        now = self._clock.now()
        try:
            async with asyncio.timeout(self._patience):
                standing = await self._store.read(now)
        except Exception as error:  # noqa: BLE001 - a watch that ended would end the process
            log.info("standing_not_read", error=type(error).__name__)
        else:
            self._show(standing, now)
        await self._measure_queue()

    async def _measure_queue(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                depth = await self._queue.measure()
        except Exception as error:  # noqa: BLE001 - as above
            self._metrics.queue_away.set(1)
            log.info("queue_not_measured", error=type(error).__name__)
            return
        self._metrics.queue_away.set(0)
        self._metrics.queue_waiting.set(depth.waiting)
        self._metrics.queue_dead.set(depth.dead)

    def _show(self, standing: Standing, now: datetime) -> None:
        metrics = self._metrics
        for stage, backlog in standing.backlog.items():
            age = now - backlog.oldest_at if backlog.oldest_at else timedelta()
            metrics.backlog.labels(stage.value).set(backlog.greetings)
            metrics.backlog_age.labels(stage.value).set(max(age.total_seconds(), 0))
        planned_until = standing.planned_until or now
        metrics.plan_ahead.set((planned_until - now).total_seconds())
        versions = standing.tzdb_versions.items()
        metrics.tzdb_other.set(sum(n for name, n in versions if name != self._tzdb_version))
        metrics.months_ahead.set(standing.months_ahead)
        metrics.unknown.set(standing.unknown)
        for job, at in standing.succeeded_at.items():
            metrics.job_last_success.labels(job).set(at.timestamp())
        metrics.facts_read.set(now.timestamp())
