"""Look at everything at once, and say what is wrong."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import structlog

from heyday.domain.activity_ports import Activity
from heyday.domain.condition import Facts, SchedulerFacts, Trouble, judge, months_ahead
from heyday.domain.condition_ports import ConditionStore, DatabaseFacts
from heyday.domain.errors import HeydayError
from heyday.domain.ports import Clock
from heyday.services.health import Health, HealthService, SchedulerHealth
from heyday.services.queueing import QueueService, QueueState

log = structlog.get_logger()

T = TypeVar("T")

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Condition:
    """Hold one look. queue, database: None while PostgreSQL does not answer.

    months_ahead: how many of the coming months have their partitions.
    """

    health: Health
    queue: QueueState | None
    database: DatabaseFacts | None
    months_ahead: int
    troubles: Sequence[Trouble]


class ConditionService:
    """Ask every part how it is. patience: how long each may take to answer."""

    def __init__(  # noqa: PLR0913, PLR0917 - one parameter for each part that it asks
        self,
        health: HealthService,
        queue: QueueService,
        store: ConditionStore,
        activity: Activity,
        clock: Clock,
        patience: timedelta = timedelta(seconds=3),
    ) -> None:
        self._health = health
        self._queue = queue
        self._store = store
        self._activity = activity
        self._clock = clock
        self._patience = patience

    async def look(self) -> Condition:
        """Return how everything is. Raises nothing for what does not answer."""
        now = self._clock.now()
        health, queue, database, oldest = await asyncio.gather(
            self._health.check(),
            self._ask("queue", self._queue.look()),
            self._ask("database", self._store.read_facts(now - _DAY)),
            self._ask("activity", self._activity.find_oldest_transaction()),
        )
        facts = Facts(
            now=now,
            is_broker_reachable=health.is_broker_reachable,
            clock_doubt=health.clock_doubt,
            schedulers=[_facts_of(each) for each in health.schedulers],
            depth=queue.depth if queue else None,
            on_the_way=queue.on_the_way if queue else None,
            database=database,
            oldest_transaction=oldest or timedelta(),
        )
        ahead = months_ahead(database, now.date()) if database else 0
        return Condition(health, queue, database, ahead, judge(facts))

    async def _ask(self, part: str, answer: Awaitable[T]) -> T | None:
        """Return what a part answers; None if it does not."""
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                return await answer
        except (HeydayError, TimeoutError) as error:
            log.warning("part_did_not_answer", part=part, error=type(error).__name__)
            return None


def _facts_of(health: SchedulerHealth) -> SchedulerFacts:
    run = health.last_run
    return SchedulerFacts(
        health.name, health.is_overdue, run.error if run else None, run.started_at if run else None
    )
