"""What HealthService concludes from the journal of runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from heyday.domain.condition_ports import SchemaFacts
from heyday.domain.errors import DatabaseHeld, DatabaseUnavailable, TransportError, TransportMisfit
from heyday.domain.models import JobRun
from heyday.domain.ports import Session, Store, Transport
from heyday.services.health import HealthService, HealthStatus
from tests.fakes import START_AT, FakeClock, FakeGuard

HOUR = timedelta(hours=1)
# As of START_AT, 2027-01-14.
SCHEMA = SchemaFacts("18.6", "0022", "0022", frozenset({date(2027, 1, 1), date(2027, 2, 1)}))


class JournalStore:
    """Give out scripted runs; `fault` is raised instead, `hangs` never answers."""

    def __init__(self) -> None:
        self.runs: Sequence[JobRun] = []
        self.fault: Exception | None = None
        self.hangs = False
        self.failures = 0
        self.schema = SCHEMA

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        yield cast("Session", SimpleNamespace(jobs=self))

    async def list_latest(self) -> list[JobRun]:
        await self._answer()
        return list(self.runs)

    async def count_failures(self, names: Sequence[str], most: int) -> Mapping[str, int]:
        return dict.fromkeys(names, min(self.failures, most))

    async def read_schema(self) -> SchemaFacts:
        await self._answer()
        return self.schema

    async def _answer(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.fault:
            raise self.fault


class ScriptedBroker:
    """Count what waits; away, it raises or never answers."""

    is_away = is_silent = is_misfit = False

    async def count_waiting(self) -> int:
        if self.is_away:
            if self.is_silent:
                await asyncio.Event().wait()
            raise TransportMisfit("a classic queue") if self.is_misfit else TransportError("away")
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
        store,
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
    assert (await health.check_readiness()).status is HealthStatus.DOWN


async def test_a_database_that_hangs_is_given_up_in_time(
    health: HealthService, store: JournalStore
) -> None:
    store.hangs = True
    async with asyncio.timeout(5):
        assert (await health.check_readiness()).status is HealthStatus.DOWN
        store.hangs = False
        assert (await health.check_readiness()).status is HealthStatus.OK


async def test_clocks_that_contradict_each_other_degrade_and_say_why(
    health: HealthService, guard: FakeGuard
) -> None:
    assert (await health.check()).clock_doubt is None
    guard.reason = "it jumped"
    found = await health.check()
    assert (found.status, found.clock_doubt) == (HealthStatus.DEGRADED, "it jumped")
    assert (await health.check_readiness()).status is HealthStatus.OK


async def test_a_hold_degrades_and_is_no_fault_of_the_clocks(
    store: JournalStore, clock: FakeClock
) -> None:
    class Held:
        async def check(self) -> None:
            raise DatabaseHeld("it was restored")

    health = HealthService(
        cast("Store", store), store, clock, Held(), tzdb_version="1", version="1", rhythms={}
    )
    found = await health.check()
    assert (found.status, found.clock_doubt) == (HealthStatus.DEGRADED, None)
    assert found.hold == "it was restored"


@pytest.mark.parametrize("is_silent", [False, True])
async def test_without_its_broker_heyday_is_ready_and_degraded(
    store: JournalStore, clock: FakeClock, guard: FakeGuard, *, is_silent: bool
) -> None:
    broker = ScriptedBroker()
    health = HealthService(
        cast("Store", store),
        store,
        clock,
        guard,
        cast("Transport", broker),
        tzdb_version="1",
        version="1",
        rhythms={},
        broker_patience=timedelta(milliseconds=20),
    )
    assert (await health.check()).is_broker_reachable is True
    assert (await health.check_readiness()).status is HealthStatus.OK
    broker.is_away, broker.is_silent = True, is_silent
    found = await health.check()
    assert (found.status, found.is_broker_reachable) == (HealthStatus.DEGRADED, False)
    assert (await health.check_readiness()).status is HealthStatus.DEGRADED
    store.fault = DatabaseUnavailable("away")
    assert (await health.check_readiness()).status is HealthStatus.DOWN


async def test_a_clock_that_cannot_be_read_is_no_doubt(
    store: JournalStore, clock: FakeClock
) -> None:
    """The database went away between two questions: the next look will tell."""

    class Away:
        async def check(self) -> None:
            raise DatabaseUnavailable("away")

    health = HealthService(
        cast("Store", store), store, clock, Away(), tzdb_version="1", version="1", rhythms={}
    )
    found = await health.check()
    assert (found.status, found.clock_doubt) == (HealthStatus.OK, None)


async def test_a_next_run_is_due_a_rhythm_later_and_lags_from_then_on(
    health: HealthService, store: JournalStore
) -> None:
    store.runs = [run(HOUR + timedelta(seconds=5))]
    (found,) = await health.list_schedulers()
    assert found.next_run_at == START_AT - timedelta(seconds=5)
    assert found.lag == timedelta(seconds=5)
    store.runs = [run(HOUR / 2)]
    (found,) = await health.list_schedulers()
    assert (found.next_run_at, found.lag) == (START_AT + HOUR / 2, timedelta())


async def test_what_runs_once_a_day_is_due_at_midnight(
    store: JournalStore, clock: FakeClock, guard: FakeGuard
) -> None:
    parts = (cast("Store", store), store, clock, guard)
    rhythms = {"hourly": timedelta(days=1)}
    health = HealthService(*parts, tzdb_version="1", version="1", rhythms=rhythms)
    store.runs = [run(HOUR * 5)]
    (found,) = await health.list_schedulers()
    assert found.next_run_at == START_AT.replace(hour=0)


async def test_failures_in_a_row_are_told(health: HealthService, store: JournalStore) -> None:
    store.runs, store.failures = [run(HOUR, error="DatabaseError")], 3
    assert (await health.check()).schedulers[0].failures == 3


async def test_readiness_names_each_part(health: HealthService, store: JournalStore) -> None:
    ready = await health.check_readiness()
    parts = (ready.database, ready.transport, ready.migrations, ready.partitions)
    assert (ready.status, parts) == (HealthStatus.OK, ("ok",) * 4)
    store.schema = replace(SCHEMA, revision="0021", months=SCHEMA.months - {date(2027, 2, 1)})
    ready = await health.check_readiness()
    assert ready.status is HealthStatus.DOWN
    assert ready.migrations == "at 0021, expected 0022; run: heyday db migrate"
    assert ready.partitions == "none for 2027-02; run: heyday db create-partitions"
    store.fault = DatabaseUnavailable("away")
    ready = await health.check_readiness()
    assert ready.database == "PostgreSQL does not answer"
    assert (ready.migrations, ready.partitions) == ("unknown", "unknown")


async def test_a_schema_of_a_newer_release_serves_this_one(
    health: HealthService, store: JournalStore
) -> None:
    store.schema = replace(SCHEMA, revision="0023")
    assert (await health.check_readiness()).status is HealthStatus.OK


async def test_a_broker_that_holds_something_else_says_what(
    store: JournalStore, clock: FakeClock, guard: FakeGuard
) -> None:
    broker = ScriptedBroker()
    broker.is_away = broker.is_misfit = True
    parts = (cast("Store", store), store, clock, guard, cast("Transport", broker))
    health = HealthService(*parts, tzdb_version="1", version="1", rhythms={})
    assert (await health.check()).broker_misfit == "a classic queue"
    assert (await health.check_readiness()).transport == "a classic queue"
