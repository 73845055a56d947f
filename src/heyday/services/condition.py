"""Look at everything at once, and say what is wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import structlog

from heyday.domain.activity_ports import Activity
from heyday.domain.condition import judge
from heyday.domain.condition_facts import Facts, SchedulerFacts
from heyday.domain.condition_ports import ConditionStore, DatabaseFacts, ServerFacts
from heyday.domain.errors import HeydayError
from heyday.domain.ports import Clock
from heyday.domain.standing_ports import Standing, StandingStore
from heyday.domain.thresholds import FAILED_WITHIN
from heyday.domain.troubles import Trouble
from heyday.services.health import Health, HealthService, SchedulerHealth
from heyday.services.queueing import QueueService, QueueState

log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Condition:
    """Hold one look. queue, database, standing: None while PostgreSQL does not answer.

    server, unplanned: None where nobody asked, too.
    """

    health: Health
    queue: QueueState | None
    database: DatabaseFacts | None
    standing: Standing | None
    troubles: Sequence[Trouble]
    server: ServerFacts | None = None
    unplanned: int | None = None


class ConditionService:
    """Ask every part how it is.

    patience: how long each may take to answer.   count_unplanned: counts greetings that are due by
    the calendar, yet have no row; None: nobody asks.   keep_months: for how many whole months
    greetings are kept; 0: for ever.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - one parameter for each part that it asks
        self,
        health: HealthService,
        queue: QueueService,
        store: ConditionStore,
        standing: StandingStore,
        activity: Activity,
        clock: Clock,
        patience: timedelta = timedelta(seconds=3),
        count_unplanned: Callable[[], Awaitable[int]] | None = None,
        keep_months: int = 0,
    ) -> None:
        self._keep_months = keep_months
        self._count_unplanned = count_unplanned
        self._health = health
        self._queue = queue
        self._store = store
        self._standing = standing
        self._activity = activity
        self._clock = clock
        self._patience = patience

    async def look(self) -> Condition:
        """Return how everything is. Raises nothing for what does not answer."""
        return await self._look()

    async def look_closely(self) -> Condition:
        """Return the same, with how PostgreSQL is set up, and whether everybody has a plan."""
        server, unplanned = await asyncio.gather(
            self._ask("server", self._store.read_server()),
            self._ask("plans", self._count_unplanned()) if self._count_unplanned else _nothing(),
        )
        return await self._look(server, unplanned, is_close=True)

    async def _look(
        self,
        server: ServerFacts | None = None,
        unplanned: int | None = None,
        *,
        is_close: bool = False,
    ) -> Condition:
        now = self._clock.now()
        health, queue, database, standing, oldest = await asyncio.gather(
            self._health.check(),
            self._ask("queue", self._queue.look()),
            self._ask("database", self._store.read_facts(now - FAILED_WITHIN)),
            self._ask("standing", self._standing.read(now)),
            self._ask("activity", self._activity.find_oldest_transaction()),
        )
        facts = Facts(
            now=now,
            is_broker_reachable=_is_reachable(health, queue),
            clock_doubt=health.clock_doubt,
            hold=health.hold,
            schedulers=[_facts_of(each) for each in health.schedulers],
            depth=queue.depth if queue else None,
            database=database,
            standing=standing,
            oldest_transaction=oldest or timedelta(),
            schema=health.schema,
            tzdb_version=health.tzdb_version,
            server=server,
            unplanned=unplanned,
            # Of two who ask at once one may find the connection closed by the other's fault.
            broker_misfit=health.broker_misfit or (queue.misfit if queue else None),
            is_close=is_close,
            keep_months=self._keep_months,
        )
        return Condition(health, queue, database, standing, judge(facts), server, unplanned)

    async def _ask(self, part: str, answer: Awaitable[T]) -> T | None:
        """Return what a part answers; None if it does not."""
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                return await answer
        except (HeydayError, TimeoutError) as error:
            log.warning("part_did_not_answer", part=part, error=type(error).__name__)
            return None


def _is_reachable(health: Health, queue: QueueState | None) -> bool | None:
    """Tell whether the broker answers: to be measured it is given longer than a probe gives it."""
    if health.is_broker_reachable is False and queue and queue.depth:
        return True
    return health.is_broker_reachable


def _facts_of(health: SchedulerHealth) -> SchedulerFacts:
    run = health.last_run
    return SchedulerFacts(
        health.name,
        health.is_overdue,
        run.error if run else None,
        run.started_at if run else None,
        health.failures,
    )


async def _nothing() -> None:
    """Answer what nobody asks."""
