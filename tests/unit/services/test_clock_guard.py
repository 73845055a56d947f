"""What the guard concludes from three clocks, and when it believes a wall that has jumped."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from structlog.typing import EventDict

from heyday.clock import SteadyClock
from heyday.domain.clock_ports import DatabaseTime
from heyday.domain.errors import ClockUntrusted, DatabaseUnavailable
from heyday.services.clock_guard import ClockGuardService, GuardConfig
from heyday.telemetry import Metrics
from tests.fakes import FakeMachine

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@dataclass
class FakeDatabaseClock:
    """Tell the time of a server (clock_ports.DatabaseClock).

    skew: how far it is from true time, which the machine's counting clock keeps.
    """

    machine: FakeMachine
    clock: SteadyClock
    skew: timedelta = timedelta()
    is_elsewhere: bool = False
    is_same: bool = False
    round_trip: timedelta = timedelta(milliseconds=1)
    fault: Exception | None = None
    reads: int = 0

    def __post_init__(self) -> None:
        self._begin = self.clock.now() - timedelta(microseconds=self.machine.elapsed // 1000)
        self.wall = self.machine.wall - self.machine.elapsed

    async def read(self) -> DatabaseTime:
        self.reads += 1
        await asyncio.sleep(0)
        if self.fault:
            raise self.fault
        asked_at = self.clock.now()
        self.machine.advance(self.round_trip / 2)
        true = self._begin + timedelta(microseconds=self.machine.elapsed // 1000)
        jumped = self.machine.wall - self.machine.elapsed - self.wall if self.is_same else 0
        at = true + self.skew + timedelta(microseconds=jumped // 1000)
        self.machine.advance(self.round_trip / 2)
        return DatabaseTime(at, asked_at, self.clock.now(), self.is_elsewhere)


@dataclass
class Bench:
    machine: FakeMachine = field(default_factory=FakeMachine)
    metrics: Metrics = field(default_factory=Metrics)
    config: GuardConfig = field(default_factory=GuardConfig)

    def __post_init__(self) -> None:
        self.clock = self.machine.clock(self.config.tolerance)
        self.database = FakeDatabaseClock(self.machine, self.clock)
        self.guard = ClockGuardService(self.clock, self.database, self.metrics, self.config)

    async def is_trusted(self, after: timedelta = 2 * SECOND) -> bool:
        self.machine.advance(after)
        try:
            await self.guard.check()
        except ClockUntrusted:
            return False
        return True

    def metric(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"heyday_clock_{name}")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def events(logs: list[EventDict]) -> list[str]:
    return [entry["event"] for entry in logs]


async def test_clocks_that_agree_are_trusted_and_the_database_is_seldom_asked(
    bench: Bench,
) -> None:
    for _ in range(100):
        assert await bench.is_trusted(SECOND / 100)
    assert bench.database.reads == 1
    assert await bench.is_trusted(SECOND)
    assert bench.database.reads == 2
    assert bench.metric("untrusted") == 0


async def test_who_asks_at_once_shares_one_look(bench: Bench) -> None:
    await asyncio.gather(*(bench.guard.check() for _ in range(10)))
    assert bench.database.reads == 1


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 24 * HOUR, 5.1 * SECOND, -5.1 * SECOND])
@pytest.mark.parametrize("is_same", [True, False], ids=["same clock", "other clock"])
async def test_a_jump_pauses_at_once_and_until_it_is_back(
    bench: Bench,
    jump: timedelta,
    is_same: bool,  # noqa: FBT001 - one of two cases
) -> None:
    bench.database.is_same = is_same
    with structlog.testing.capture_logs() as logs:
        assert await bench.is_trusted()
        bench.machine.jump(jump)
        for pause in (timedelta(), SECOND / 10, 2 * SECOND, HOUR):
            assert not await bench.is_trusted(pause)
        assert bench.metric("untrusted") == 1
        assert bench.metric("jump_seconds") == pytest.approx(jump.total_seconds())
        bench.machine.jump(-jump)
        assert await bench.is_trusted()
    assert events(logs) == ["clock_untrusted", "clock_trusted"]
    assert logs[0]["jump"] == pytest.approx(jump.total_seconds())
    assert (bench.metric("untrusted"), bench.metric("jump_seconds")) == (0, 0)


@pytest.mark.parametrize("skew", [5.1 * SECOND, -5.1 * SECOND, 6 * SECOND, -HOUR])
async def test_a_database_that_is_too_far_off_pauses_until_it_agrees(
    bench: Bench, skew: timedelta
) -> None:
    with structlog.testing.capture_logs() as logs:
        bench.database.skew = skew
        assert not await bench.is_trusted()
        assert bench.metric("skew_seconds") == pytest.approx(skew.total_seconds(), abs=0.01)
        bench.database.skew = timedelta()
        assert await bench.is_trusted()
    assert events(logs) == ["clock_untrusted", "clock_trusted"]


async def test_what_is_within_the_tolerance_is_tolerated(bench: Bench) -> None:
    for each in (4.9 * SECOND, -4.9 * SECOND):
        bench.database.skew = each
        assert await bench.is_trusted()
    bench.database.skew = timedelta()
    bench.machine.jump(4.9 * SECOND)
    assert await bench.is_trusted()
    bench.machine.jump(-9.8 * SECOND)
    assert await bench.is_trusted()


async def test_a_slow_answer_is_no_skew(bench: Bench) -> None:
    """Nobody can say when in between the server looked at its clock."""
    bench.database.round_trip = 14 * SECOND
    bench.database.skew = 6 * SECOND
    assert await bench.is_trusted()
    bench.database.skew = 13 * SECOND
    assert not await bench.is_trusted()


async def test_the_reason_says_what_is_wrong_and_what_helps(bench: Bench) -> None:
    bench.machine.jump(HOUR)
    with pytest.raises(ClockUntrusted, match=r"jumped by \+3600\.0 s.*until it is back, or"):
        await bench.guard.check()
    bench.machine.jump(-HOUR)
    bench.database.skew = -6 * SECOND
    bench.machine.advance(SECOND)
    with pytest.raises(ClockUntrusted, match=r"PostgreSQL's clock is -6\.0 s from this machine's"):
        await bench.guard.check()


# --- Whether a wall that jumped is believed ---------------------------------------------------


async def wall_that_was_set_right(bench: Bench) -> None:
    """Wrong since before our start, which the database has shown all the time."""
    bench.database.skew = -10 * SECOND
    assert not await bench.is_trusted()
    bench.machine.jump(-10 * SECOND)


async def test_a_wall_that_was_wrong_and_comes_to_the_database_is_followed(bench: Bench) -> None:
    with structlog.testing.capture_logs() as logs:
        await wall_that_was_set_right(bench)
        before = bench.clock.now()
        assert await bench.is_trusted()
        assert bench.clock.now() < before - 7 * SECOND
        assert await bench.is_trusted(HOUR)
    assert events(logs) == ["clock_untrusted", "clock_adopted", "clock_trusted"]
    assert (bench.metric("jump_seconds"), bench.metric("skew_seconds")) == (0, 0)


async def test_a_machine_that_stood_still_and_was_set_right_goes_on(bench: Bench) -> None:
    """Its counting clock stood still too, so a database elsewhere seems to run ahead."""
    bench.database.is_elsewhere = True
    assert await bench.is_trusted()
    bench.database.skew = 60 * SECOND
    assert not await bench.is_trusted()
    bench.machine.jump(60 * SECOND)
    assert await bench.is_trusted()


async def test_a_database_on_this_machine_bears_nothing_out(bench: Bench) -> None:
    """The same, seen by a server here: its clock may be one that somebody plays with."""
    assert await bench.is_trusted()
    bench.database.skew = 60 * SECOND
    assert not await bench.is_trusted()
    bench.machine.jump(60 * SECOND)
    for _ in range(3):
        assert not await bench.is_trusted()


async def test_a_database_that_jumps_with_the_wall_bears_nothing_out(bench: Bench) -> None:
    """As in a container on this machine: another address, and the same clock."""
    bench.database.is_elsewhere = bench.database.is_same = True
    assert await bench.is_trusted()
    bench.machine.jump(HOUR)
    for _ in range(3):
        assert not await bench.is_trusted()


async def test_a_database_that_follows_the_wall_later_bears_nothing_out(bench: Bench) -> None:
    bench.database.is_elsewhere = True
    assert await bench.is_trusted()
    bench.machine.jump(HOUR)
    assert not await bench.is_trusted()
    bench.database.skew = HOUR
    for _ in range(3):
        assert not await bench.is_trusted()


async def test_nothing_is_believed_before_the_database_was_known(bench: Bench) -> None:
    bench.database.is_elsewhere = bench.database.is_same = True
    bench.machine.jump(HOUR)
    assert not await bench.is_trusted()
    bench.machine.jump(-HOUR)
    assert await bench.is_trusted()


async def test_after_following_the_next_jump_is_one_again(bench: Bench) -> None:
    await wall_that_was_set_right(bench)
    assert await bench.is_trusted()
    bench.machine.jump(HOUR)
    assert not await bench.is_trusted()


# --- A database that is away ------------------------------------------------------------------


async def test_a_database_that_is_away_is_its_own_fault_and_asked_again(bench: Bench) -> None:
    bench.database.fault = DatabaseUnavailable("away")
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            await bench.guard.check()
    bench.database.fault = None
    assert await bench.is_trusted()


async def test_a_jump_raises_the_alarm_also_while_the_database_is_away(bench: Bench) -> None:
    assert await bench.is_trusted()
    bench.database.fault = DatabaseUnavailable("away")
    bench.machine.jump(HOUR)
    with structlog.testing.capture_logs() as logs, pytest.raises(DatabaseUnavailable):
        await bench.guard.check()
    assert events(logs) == ["clock_untrusted"]
    assert bench.metric("untrusted") == 1


# --- Whatever happens -------------------------------------------------------------------------


@given(
    st.booleans(),
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 4, -4, 4.9, 5.1, -6, 60, 3600, -3600, 86400]),
            st.sampled_from([0.0, 1, 5, 3600]),
        ),
        max_size=30,
    ),
)
def test_no_order_of_jumps_lets_the_clock_run_ahead(
    is_same: bool,  # noqa: FBT001 - drawn
    steps: list[tuple[float, float]],
) -> None:
    """The wall goes anywhere; the database is right, or has the very same clock."""
    bench = Bench()
    bench.database.is_elsewhere, bench.database.is_same = True, is_same
    begin, began = bench.clock.now(), bench.machine.elapsed

    async def live() -> None:
        await bench.guard.check()
        for ahead, pause in steps:
            bench.machine.wall = bench.database.wall + bench.machine.elapsed
            bench.machine.jump(ahead * SECOND)
            for after in (timedelta(), pause * SECOND):
                await bench.is_trusted(after)
                now = timedelta(microseconds=(bench.machine.elapsed - began) // 1000)
                assert bench.clock.now() - begin - now <= now * 500e-6 + SECOND / 1000

    with structlog.testing.capture_logs():
        asyncio.run(live())
