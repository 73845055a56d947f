"""Tell how Heyday is: whether the database answers, and whether the schedulers keep time."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import structlog

from heyday.domain.errors import ClockUntrusted, TransportError
from heyday.domain.models import JobRun
from heyday.domain.ports import Clock, ClockGuard, Store, Transport

log = structlog.get_logger()

# Half a rhythm late is still harmless: a daily plan reaches 48 h ahead. A minute is the least,
# as a busy machine may well be that late.
_LEAST_GRACE = timedelta(minutes=1)


class HealthStatus(StrEnum):
    """Sum up how Heyday is."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class SchedulerHealth:
    """Tell how one scheduler does. A run that somebody started by hand does not count."""

    name: str
    last_run: JobRun | None
    is_overdue: bool

    @property
    def has_failed(self) -> bool:
        """Tell whether the last run ended in an error."""
        return self.last_run is not None and self.last_run.error is not None


@dataclass(frozen=True, slots=True)
class Health:
    """Hold one look at everything.

    is_broker_reachable: None where there is none.   clock_doubt: why the time cannot be trusted;
    None if it can.   schedulers: empty when the database does not answer.
    """

    status: HealthStatus
    version: str
    tzdb_version: str
    is_database_reachable: bool
    is_broker_reachable: bool | None
    clock_doubt: str | None
    schedulers: Sequence[SchedulerHealth]


class HealthService:
    """Look at database and broker, at what the schedulers wrote there, and at the clocks."""

    def __init__(  # noqa: PLR0913 - one parameter for each part that it looks at
        self,
        store: Store,
        clock: Clock,
        guard: ClockGuard,
        broker: Transport | None = None,
        *,
        version: str,
        tzdb_version: str,
        rhythms: Mapping[str, timedelta],
        patience: timedelta = timedelta(seconds=2),
        broker_patience: timedelta = timedelta(milliseconds=500),
    ) -> None:
        """Take the parts to look at.

        broker: None where PostgreSQL carries batches.   version: of Heyday.   tzdb_version: of the
        tz database.   rhythms: how often each scheduler is to run.   patience, broker_patience: how
        long to wait for the database, and for the broker, which probes do without.
        """
        self._store = store
        self._clock = clock
        self._guard = guard
        self._broker = broker
        self._version = version
        self._tzdb_version = tzdb_version
        self._rhythms = rhythms
        self._patience = patience
        self._broker_patience = broker_patience
        self._since_at = clock.now()

    async def check(self) -> Health:
        """Return how everything is. Raises nothing for what does not answer."""
        runs, is_broker_reachable = await asyncio.gather(self._find_runs(), self._try_broker())
        schedulers = [] if runs is None else [self._judge(name, runs) for name in self._rhythms]
        clock_doubt = None if runs is None else await self._find_clock_doubt()
        if runs is None:
            status = HealthStatus.DOWN
        elif (
            is_broker_reachable is False
            or clock_doubt
            or any(s.is_overdue or s.has_failed for s in schedulers)
        ):
            status = HealthStatus.DEGRADED
        else:
            status = HealthStatus.OK
        return Health(
            status=status,
            version=self._version,
            tzdb_version=self._tzdb_version,
            is_database_reachable=runs is not None,
            is_broker_reachable=is_broker_reachable,
            clock_doubt=clock_doubt,
            schedulers=schedulers,
        )

    async def check_readiness(self) -> HealthStatus:
        """Tell whether requests can be served: they are while the broker is away, DEGRADED."""
        runs, is_broker_reachable = await asyncio.gather(self._find_runs(), self._try_broker())
        if runs is None:
            return HealthStatus.DOWN
        return HealthStatus.DEGRADED if is_broker_reachable is False else HealthStatus.OK

    async def list_runs(self) -> list[JobRun]:
        """Return the latest run of each scheduler. Raises DatabaseUnavailable."""
        async with self._store.session() as session:
            return await session.jobs.list_latest()

    async def _find_runs(self) -> list[JobRun] | None:
        """Return the latest runs, or None when the database does not give them in time."""
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                return await self.list_runs()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong, the answer is "not ready"
            log.warning("database_check_failed", error=type(error).__name__)
            return None

    async def _try_broker(self) -> bool | None:
        """Tell whether the broker answers in time; None where there is none."""
        if self._broker is None:
            return None
        try:
            async with asyncio.timeout(self._broker_patience.total_seconds()):
                await self._broker.count_waiting()
        except (TransportError, TimeoutError) as error:
            log.warning("broker_check_failed", error=type(error).__name__)
            return False
        return True

    async def _find_clock_doubt(self) -> str | None:
        """Return why the time cannot be trusted, as far as the database lets that be known."""
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await self._guard.check()
        except ClockUntrusted as doubt:
            return str(doubt)
        except Exception as error:  # noqa: BLE001 - the next look will tell
            log.warning("database_check_failed", error=type(error).__name__)
        return None

    def _judge(self, name: str, runs: Sequence[JobRun]) -> SchedulerHealth:
        last_run = next((run for run in runs if run.name == name), None)
        rhythm = self._rhythms[name]
        # A scheduler that has never run is given its time from our own start.
        since_at = last_run.started_at if last_run else self._since_at
        is_overdue = self._clock.now() - since_at > rhythm + max(rhythm / 2, _LEAST_GRACE)
        return SchedulerHealth(name, last_run, is_overdue)
