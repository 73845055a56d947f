"""What stands before each batch and each run of a job, once the database was restored."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
import structlog

from heyday.domain.errors import ClockUntrusted, DatabaseHeld, DatabaseUnavailable, SendsUnwritable
from heyday.domain.send_ports import (
    Comparison,
    Evidence,
    Hold,
    NoLedger,
    Replayed,
    RestoreLook,
    SeenRun,
)
from heyday.domain.sends import NotedSend
from heyday.services.restores import RestoreGuard
from heyday.telemetry import Metrics
from tests.fakes import START_AT, FakeClock, FakeGuard

RUN = SeenRun(7, START_AT)


class Store:
    """Be as the test says (RestoreStore)."""

    def __init__(self) -> None:
        self.looks = 0
        self.held: Hold | None = None
        self.lacks_claims = self.lacks_run = self.is_away = False

    async def look(self, evidence: Evidence) -> RestoreLook:  # noqa: ARG002 - as a RestoreStore
        self.looks += 1
        if self.is_away:
            raise DatabaseUnavailable("away")
        return RestoreLook(self.held, self.lacks_claims, self.lacks_run, RUN)

    async def hold(self, at: datetime, reason: str) -> bool:
        is_new, self.held = self.held is None, Hold(at, reason, None)
        return is_new

    async def resume(self, at: datetime) -> bool:
        raise NotImplementedError

    async def compare(self, sends: Mapping[str, NotedSend]) -> Comparison:
        raise NotImplementedError

    async def replay(self, sends: Mapping[str, NotedSend]) -> Replayed:
        raise NotImplementedError


class Ledger(NoLedger):
    """Note the runs that were seen, and be full where the test says so."""

    def __init__(self) -> None:
        self.runs: list[SeenRun] = []
        self.is_full = False

    async def note_run(self, run: SeenRun) -> None:
        self.runs.append(run)

    async def prove(self) -> None:
        if self.is_full:
            raise SendsUnwritable("cannot be written")


class Stage:
    """Hold a guard and what it asks."""

    def __init__(self) -> None:
        self.store, self.ledger, self.clocks = Store(), Ledger(), FakeGuard()
        self.clock, self.metrics = FakeClock(), Metrics()
        self.guard = RestoreGuard(self.store, self.ledger, self.clocks, self.clock, self.metrics)

    @property
    def shows_hold(self) -> bool:
        return self.metrics.registry.get_sample_value("heyday_held") == 1


@pytest.fixture
def stage() -> Stage:
    """A guard."""
    return Stage()


async def test_the_database_is_asked_once_a_second_whoever_asks(stage: Stage) -> None:
    for _ in range(5):
        await stage.guard.check()
    assert stage.store.looks == 1
    stage.clock.advance(timedelta(seconds=1))
    await stage.guard.check()
    assert stage.store.looks == 2
    assert stage.ledger.runs == [RUN, RUN]


@pytest.mark.parametrize("lacking", ["lacks_claims", "lacks_run"])
async def test_a_database_that_lacks_what_was_seen_is_held_and_says_so(
    stage: Stage, lacking: str
) -> None:
    setattr(stage.store, lacking, True)
    with structlog.testing.capture_logs() as logs, pytest.raises(DatabaseHeld, match="restored"):
        await stage.guard.check()
    assert stage.store.held == Hold(START_AT, "REWOUND", None)
    assert [line["event"] for line in logs] == ["database_restored", "held"]
    assert stage.shows_hold
    assert stage.ledger.runs == []


async def test_it_goes_on_within_a_second_of_the_end_of_the_hold(stage: Stage) -> None:
    stage.store.held = Hold(START_AT, "ASKED_FOR", None)
    with pytest.raises(DatabaseHeld):
        await stage.guard.check()
    stage.store.held = None
    with pytest.raises(DatabaseHeld):
        await stage.guard.check()
    stage.clock.advance(timedelta(seconds=1))
    await stage.guard.check()
    assert not stage.shows_hold


async def test_what_nobody_could_look_at_is_looked_at_again(stage: Stage) -> None:
    stage.store.is_away = True
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            await stage.guard.check()
    assert stage.store.looks == 2


async def test_a_ledger_without_room_and_clocks_in_doubt_pause_as_well(stage: Stage) -> None:
    stage.clocks.reason = "it jumped"
    with pytest.raises(ClockUntrusted):
        await stage.guard.check()
    stage.ledger.is_full = True
    with pytest.raises(SendsUnwritable):
        await stage.guard.check()
