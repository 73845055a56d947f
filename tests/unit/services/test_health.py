"""What HealthService concludes from the journal of runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from heyday.domain.errors import DatabaseUnavailable, TransportError
from heyday.domain.models import JobRun
from heyday.domain.ports import Session, Store, Transport
from heyday.services.health import HealthService, HealthStatus
from tests.fakes import START_AT, FakeClock, FakeGuard

HOUR = timedelta(hours=1)


class JournalStore:
    """Give out scripted runs; `fault` is raised instead, `hangs` never answers."""

    def __init__(self) -> None:
        self.runs: Sequence[JobRun] = []
        self.fault: Exception | None = None
        self.hangs = False

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        yield cast("Session", SimpleNamespace(jobs=self))

    async def list_latest(self) -> list[JobRun]:
        if self.hangs:
            await asyncio.Event().wait()
        if self.fault:
            raise self.fault
        return list(self.runs)


class ScriptedBroker:
    """Count what waits; away, it raises or never answers."""

    is_away = is_silent = False

    async def count_waiting(self) -> int:
        if self.is_away:
            if self.is_silent:
                await asyncio.Event().wait()
            raise TransportError("away")
        return 0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store() -> JournalStore:
    return JournalStore()


@pytest.fixture
def guard() -> FakeGuard:
    return FakeGuard()


@pytest.fixture
def health(store: JournalStore, clock: FakeClock, guard: FakeGuard) -> HealthService:
    return HealthService(
        cast("Store", store),
        clock,
        guard,
        tzdb_version="2026z",
        version="1.2.3",
        rhythms={"hourly": HOUR},
        patience=timedelta(milliseconds=20),
    )


def run(ago: timedelta, *, error: str | None = None) -> JobRun:
    return JobRun(
        id=1,
        name="hourly",
        started_at=START_AT - ago,
        finished_at=START_AT - ago,
        window=None,
        counts={},
        error=error,
        is_manual=False,
    )


async def test_all_is_well_while_the_rhythm_is_kept(
    health: HealthService, store: JournalStore
) -> None:
    store.runs = [run(HOUR * 1.5)]
    found = await health.check()
    assert found.status is HealthStatus.OK
    assert (found.version, found.tzdb_version) == ("1.2.3", "2026z")
    assert found.schedulers[0].last_run == store.runs[0]


async def test_a_run_that_is_missing_half_a_rhythm_later_is_overdue(
    health: HealthService, store: JournalStore
) -> None:
    store.runs = [run(HOUR * 1.5 + timedelta(seconds=1))]
    found = await health.check()
    assert (found.status, found.schedulers[0].is_overdue) == (HealthStatus.DEGRADED, True)


async def test_a_scheduler_that_never_ran_has_time_from_our_start(
    health: HealthService, clock: FakeClock
) -> None:
    assert not (await health.check()).schedulers[0].is_overdue
    clock.advance(HOUR * 2)
    found = await health.check()
    assert found.schedulers[0].is_overdue
    assert found.schedulers[0].last_run is None


async def test_a_failed_run_degrades(health: HealthService, store: JournalStore) -> None:
    store.runs = [run(HOUR, error="DatabaseError")]
    found = await health.check()
    assert (found.status, found.schedulers[0].has_failed) == (HealthStatus.DEGRADED, True)


@pytest.mark.parametrize("fault", [DatabaseUnavailable("away"), RuntimeError("anything")])
async def test_a_database_that_fails_is_down_not_an_error(
    health: HealthService, store: JournalStore, fault: Exception
) -> None:
    store.fault = fault
    found = await health.check()
    assert (found.status, found.is_database_reachable) == (HealthStatus.DOWN, False)
    assert found.schedulers == []
    assert await health.check_readiness() is HealthStatus.DOWN


async def test_a_database_that_hangs_is_given_up_in_time(
    health: HealthService, store: JournalStore
) -> None:
    store.hangs = True
    async with asyncio.timeout(5):
        assert await health.check_readiness() is HealthStatus.DOWN
        store.hangs = False
        assert await health.check_readiness() is HealthStatus.OK


async def test_clocks_that_contradict_each_other_degrade_and_say_why(
    health: HealthService, guard: FakeGuard
) -> None:
    assert (await health.check()).clock_doubt is None
    guard.reason = "it jumped"
    found = await health.check()
    assert (found.status, found.clock_doubt) == (HealthStatus.DEGRADED, "it jumped")
    assert await health.check_readiness() is HealthStatus.OK


@pytest.mark.parametrize("is_silent", [False, True])
async def test_without_its_broker_heyday_is_ready_and_degraded(
    store: JournalStore, clock: FakeClock, guard: FakeGuard, *, is_silent: bool
) -> None:
    broker = ScriptedBroker()
    health = HealthService(
        cast("Store", store),
        clock,
        guard,
        cast("Transport", broker),
        tzdb_version="1",
        version="1",
        rhythms={},
        broker_patience=timedelta(milliseconds=20),
    )
    assert (await health.check()).is_broker_reachable is True
    assert await health.check_readiness() is HealthStatus.OK
    broker.is_away, broker.is_silent = True, is_silent
    found = await health.check()
    assert (found.status, found.is_broker_reachable) == (HealthStatus.DEGRADED, False)
    assert await health.check_readiness() is HealthStatus.DEGRADED
    store.fault = DatabaseUnavailable("away")
    assert await health.check_readiness() is HealthStatus.DOWN


async def test_a_clock_that_cannot_be_read_is_no_doubt(
    store: JournalStore, clock: FakeClock
) -> None:
    """The database went away between two questions: the next look will tell."""

    class Away:
        async def check(self) -> None:
            raise DatabaseUnavailable("away")

    health = HealthService(
        cast("Store", store), clock, Away(), tzdb_version="1", version="1", rhythms={}
    )
    found = await health.check()
    assert (found.status, found.clock_doubt) == (HealthStatus.OK, None)
