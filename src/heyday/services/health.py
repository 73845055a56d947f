"""Tell how Heyday is: whether the database answers, and whether the schedulers keep time."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

import structlog

from heyday.domain.condition_facts import missing_months
from heyday.domain.condition_ports import SchemaFacts, SchemaStore
from heyday.domain.errors import ClockUntrusted, SendingPaused, TransportError, TransportMisfit
from heyday.domain.models import JobRun
from heyday.domain.ports import Clock, ClockGuard, Store, Transport
from heyday.domain.thresholds import LEAST_GRACE, MOST_GRACE

log = structlog.get_logger()

T = TypeVar("T")

MOST_FAILURES: Final = 1000
"""More failures in a row than these say nothing new."""

_DAY = timedelta(days=1)
_OK: Final = "ok"


class HealthStatus(StrEnum):
    """Sum up how Heyday is."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class SchedulerHealth:
    """Tell how one scheduler does. A run that somebody started by hand does not count.

    next_run_at: by when it is to run again.   lag: for how long it has been due.   failures: how
    many runs have failed in a row, up to MOST_FAILURES.
    """

    name: str
    last_run: JobRun | None
    is_overdue: bool
    next_run_at: datetime
    lag: timedelta
    failures: int

    @property
    def has_failed(self) -> bool:
        """Tell whether the last run ended in an error."""
        return self.last_run is not None and self.last_run.error is not None


@dataclass(frozen=True, slots=True)
class Health:
    """Hold one look at everything.

    is_broker_reachable: None where there is none.   clock_doubt: why the time cannot be trusted;
    None if it can.   hold: why nothing is planned or sent, whatever the time.   schedulers: empty,
    and schema: None, when the database does not answer.
    """

    status: HealthStatus
    version: str
    tzdb_version: str
    is_database_reachable: bool
    is_broker_reachable: bool | None
    clock_doubt: str | None
    schedulers: Sequence[SchedulerHealth]
    schema: SchemaFacts | None = None
    broker_misfit: str | None = None
    hold: str | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """Say of each part that requests need "ok", or in a few words what is wrong.

    Of a database that does not answer nothing is known: then the others of its are "unknown".
    """

    status: HealthStatus
    database: str
    transport: str
    migrations: str
    partitions: str


@dataclass(frozen=True, slots=True)
class _Broker:
    """Tell of the broker what Health does."""

    is_reachable: bool | None
    misfit: str | None = None


class HealthService:
    """Look at database and broker, at what the schedulers wrote there, and at the clocks."""

    def __init__(  # noqa: PLR0913 - one parameter for each part that it looks at
        self,
        store: Store,
        schema: SchemaStore,
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
        self._schema = schema
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
        schedulers, schema, broker = await asyncio.gather(
            self._try(self.list_schedulers()),
            self._try(self._schema.read_schema()),
            self._try_broker(),
        )
        pause = None if schedulers is None else await self._find_pause()
        if schedulers is None:
            status = HealthStatus.DOWN
        elif (
            broker.is_reachable is False
            or pause
            or any(s.is_overdue or s.has_failed for s in schedulers)
        ):
            status = HealthStatus.DEGRADED
        else:
            status = HealthStatus.OK
        return Health(
            status=status,
            version=self._version,
            tzdb_version=self._tzdb_version,
            is_database_reachable=schedulers is not None,
            is_broker_reachable=broker.is_reachable,
            clock_doubt=str(pause) if isinstance(pause, ClockUntrusted) else None,
            schedulers=schedulers or [],
            schema=schema,
            broker_misfit=broker.misfit,
            hold=str(pause) if pause and not isinstance(pause, ClockUntrusted) else None,
        )

    async def check_readiness(self) -> Readiness:
        """Tell whether requests can be served: they are while the broker is away, DEGRADED."""
        schema, broker = await asyncio.gather(
            self._try(self._schema.read_schema()), self._try_broker()
        )
        transport = _OK
        if broker.is_reachable is False:
            transport = broker.misfit or "RabbitMQ does not answer"
        if schema is None:
            away = "PostgreSQL does not answer"
            return Readiness(HealthStatus.DOWN, away, transport, "unknown", "unknown")
        migrations = self._judge_schema(schema)
        partitions = self._judge_months(schema)
        if not migrations == partitions == _OK:
            status = HealthStatus.DOWN
        else:
            status = HealthStatus.OK if transport == _OK else HealthStatus.DEGRADED
        return Readiness(status, _OK, transport, migrations, partitions)

    async def list_schedulers(self) -> list[SchedulerHealth]:
        """Return how each scheduler does. Raises DatabaseError."""
        async with self._store.session() as session:
            runs = {run.name: run for run in await session.jobs.list_latest()}
            failures = await session.jobs.count_failures(list(self._rhythms), MOST_FAILURES)
        return [self._judge(name, runs.get(name), failures[name]) for name in self._rhythms]

    async def _try(self, answer: Awaitable[T]) -> T | None:
        """Return what the database answers, or None when it does not in time."""
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                return await answer
        except Exception as error:  # noqa: BLE001 - whatever goes wrong, the answer is "not ready"
            log.warning("database_check_failed", error=type(error).__name__)
            return None

    async def _try_broker(self) -> _Broker:
        """Look whether the broker answers in time, and is as it should be."""
        if self._broker is None:
            return _Broker(None)
        try:
            async with asyncio.timeout(self._broker_patience.total_seconds()):
                await self._broker.count_waiting()
        except (TransportError, TimeoutError) as error:
            log.warning("broker_check_failed", error=type(error).__name__)
            return _Broker(
                is_reachable=False,
                misfit=str(error) if isinstance(error, TransportMisfit) else None,
            )
        return _Broker(is_reachable=True)

    async def _find_pause(self) -> SendingPaused | None:
        """Return why nothing is sent, as far as the database lets that be known."""
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await self._guard.check()
        except SendingPaused as pause:
            return pause
        except Exception as error:  # noqa: BLE001 - the next look will tell
            log.warning("database_check_failed", error=type(error).__name__)
        return None

    @staticmethod
    def _judge_schema(schema: SchemaFacts) -> str:
        if not schema.is_behind:
            return _OK
        return f"at {schema.revision or 'none'}, expected {schema.newest}; run: heyday db migrate"

    def _judge_months(self, schema: SchemaFacts) -> str:
        missing = missing_months(schema, self._clock.now().astimezone(UTC).date())
        if not missing:
            return _OK
        months = " and ".join(f"{month:%Y-%m}" for month in missing)
        return f"none for {months}; run: heyday db create-partitions"

    def _judge(self, name: str, last_run: JobRun | None, failures: int) -> SchedulerHealth:
        now, rhythm = self._clock.now(), self._rhythms[name]
        # A scheduler that has never run is given its time from our own start.
        since_at = last_run.started_at if last_run else self._since_at
        is_overdue = now - since_at > rhythm + min(max(rhythm / 2, LEAST_GRACE), MOST_GRACE)
        next_run_at = _next_run(since_at, rhythm)
        lag = max(now - next_run_at, timedelta())
        return SchedulerHealth(name, last_run, is_overdue, next_run_at, lag, failures)


def _next_run(since_at: datetime, rhythm: timedelta) -> datetime:
    """Return by when a scheduler is to run again: what has its turn once a day, at midnight."""
    if rhythm < _DAY:
        return since_at + rhythm
    return since_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
