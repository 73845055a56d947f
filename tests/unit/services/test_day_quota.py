"""The day's cap at the gate: spent, drawn, given back, and never more than it is."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import structlog

from heyday.domain.breaker import Breaker, BreakerConfig
from heyday.domain.day_cap import DayCap, WarmUp
from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.errors import DatabaseUnavailable
from heyday.domain.pace import PacePolicy
from heyday.services.day_quota import DayQuota
from heyday.services.gate import ProviderGate
from heyday.telemetry import Metrics
from tests.fakes import START_AT, FakeClock
from tests.shares import MemoryDays, MemoryPace

SECOND = timedelta(seconds=1)
MIDNIGHT = datetime(START_AT.year, START_AT.month, START_AT.day, tzinfo=START_AT.tzinfo)
TOMORROW = MIDNIGHT + timedelta(days=1)
ACCEPTED = Outcome(OutcomeKind.ACCEPTED)
NO_CONNECTION = Outcome(OutcomeKind.NOT_ACCEPTED, trouble=Trouble.PROVIDER)
BUSY = Outcome(OutcomeKind.NOT_ACCEPTED, code=503)
LOST = Outcome(OutcomeKind.AMBIGUOUS, trouble=Trouble.PROVIDER)
NOT_TRIED = Outcome(OutcomeKind.NOT_TRIED)


class Rig:
    """Hold what gates of several processes share."""

    def __init__(self, cap: DayCap, limit: float | None = None) -> None:
        self.clock = FakeClock(MIDNIGHT + timedelta(hours=9))
        self.days = MemoryDays(cap)
        self.pace = MemoryPace(self.clock, PacePolicy(limit))
        self.metrics = Metrics()
        self.gates: list[ProviderGate] = []

    def gate(self) -> ProviderGate:
        gate = ProviderGate(
            provider="http",
            breaker=Breaker(BreakerConfig(10_000)),
            pace=self.pace.seat(),
            clock=self.clock,
            metrics=self.metrics,
            days=self.days,
        )
        self.gates.append(gate)
        return gate

    @property
    def drawn(self) -> int:
        return self.days.drawn[self.clock.now().date()]

    async def set(self, at: datetime) -> None:
        self.clock.set(at)
        await settle()


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def call(gate: ProviderGate, outcome: Outcome = ACCEPTED, wanted: int = 1) -> int:
    """Return how many of `wanted` were called for, in one call that ends so."""
    admitted = await gate.admit(SECOND, wanted)
    if isinstance(admitted, Outcome):
        return 0
    gate.note([outcome] * admitted)
    return admitted


async def use_up(gate: ProviderGate) -> int:
    """Return how many calls there are until the gate lets none through."""
    made = 0
    while await call(gate):
        made += 1
    return made


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig(DayCap(20))
    yield rig
    for gate in rig.gates:
        await gate.close()


async def test_a_day_has_its_cap_and_the_next_one_its_own(rig: Rig) -> None:
    gate = rig.gate()
    assert await use_up(gate) == 20
    await rig.set(TOMORROW - SECOND)
    assert isinstance(await gate.admit(timedelta()), Outcome)
    await rig.set(TOMORROW)
    assert await use_up(gate) == 20


async def test_what_is_over_the_cap_waits_for_the_next_day_and_says_so(rig: Rig) -> None:
    gate = rig.gate()
    await use_up(gate)
    rig.clock.advance(40 * SECOND)
    held = await gate.admit(30 * SECOND)
    assert isinstance(held, Outcome)
    assert held.kind is OutcomeKind.NOT_TRIED
    assert rig.clock.now() + (held.retry_after or SECOND) == TOMORROW
    assert "cap" in (held.error or "")


async def test_it_says_for_how_long_to_leave_a_greeting(rig: Rig) -> None:
    quota = DayQuota(
        provider="http",
        days=rig.days,
        clock=rig.clock,
        metrics=rig.metrics,
        changed=lambda: None,
    )
    assert (quota.opens_in(), quota.leave()) == (0, 0)
    quota.ask(20)
    await settle()
    assert quota.spend(30) == 20
    quota.ask(1)
    await settle()
    assert (quota.opens_in(), quota.leave()) == (15 * 3600, 20)
    rig.clock.advance(40 * SECOND)
    assert quota.leave() == quota.opens_in() == 15 * 3600 - 40
    await quota.close()


async def test_it_is_not_for_the_day_while_calls_under_way_may_come_to_nothing(rig: Rig) -> None:
    first, second = rig.gate(), rig.gate()
    assert await first.admit(SECOND, 20) == 20
    held = await second.admit(30 * SECOND)
    assert isinstance(held, Outcome)
    assert held.retry_after == 20 * SECOND
    first.note([NO_CONNECTION] * 20)
    for _ in range(10):
        rig.clock.advance(2 * SECOND)
        await settle()
    assert await use_up(second) == 20


async def test_who_waits_just_before_midnight_is_let_through_at_it(rig: Rig) -> None:
    gate = rig.gate()
    await rig.set(TOMORROW - 10 * SECOND)
    await use_up(gate)
    waiting = asyncio.create_task(gate.admit(30 * SECOND))
    await settle()
    assert not waiting.done()
    await rig.set(TOMORROW)
    assert await waiting == 1
    gate.note([ACCEPTED])


async def test_processes_share_one_cap_also_if_some_die(rig: Rig) -> None:
    first, second, third = rig.gate(), rig.gate(), rig.gate()
    assert await first.admit(SECOND, 5) == 5  # and nothing is heard of it any more
    made = await use_up(second) + await use_up(third)
    assert made == 15


async def test_what_is_held_by_an_idle_process_comes_back(rig: Rig) -> None:
    first, second = rig.gate(), rig.gate()
    for _ in range(9):
        assert await call(first)
    assert await call(first, NO_CONNECTION, 5) == 5
    assert rig.drawn == 14
    for _ in range(3):
        rig.clock.advance(2 * SECOND)
        await settle()
    assert rig.drawn == 9
    assert await use_up(second) == 11


async def test_a_process_that_ends_gives_back_the_rest(rig: Rig) -> None:
    first = rig.gate()
    assert await call(first, NOT_TRIED, 5) == 5
    await first.close()
    assert rig.drawn == 0


@pytest.mark.parametrize("outcome", [NO_CONNECTION, NOT_TRIED])
async def test_what_never_reached_the_provider_does_not_count(rig: Rig, outcome: Outcome) -> None:
    gate = rig.gate()
    for _ in range(100):
        assert await call(gate, outcome) == 1
    assert await use_up(gate) == 20


@pytest.mark.parametrize("outcome", [ACCEPTED, BUSY, LOST, Outcome(OutcomeKind.REFUSED, code=422)])
async def test_whatever_may_have_reached_it_does(rig: Rig, outcome: Outcome) -> None:
    gate = rig.gate()
    assert await call(gate, outcome, 15) == 15
    assert await use_up(gate) == 5


async def test_a_batch_that_is_refused_as_a_whole_counts_once_it_is_sent_in_parts(rig: Rig) -> None:
    gate = rig.gate()
    assert await call(gate, Outcome(OutcomeKind.REFUSED, code=400, is_of_batch=True), 16) == 16
    assert await use_up(gate) == 20


async def test_a_batch_is_cut_to_what_is_left(rig: Rig) -> None:
    gate = rig.gate()
    assert [await call(gate, wanted=15) for _ in range(3)] == [15, 5, 0]


async def test_what_was_drawn_yesterday_is_nothing_today(rig: Rig) -> None:
    gate = rig.gate()
    await rig.set(TOMORROW - SECOND)
    assert await call(gate, NOT_TRIED, 12) == 12
    await rig.set(TOMORROW)
    assert await use_up(gate) == 20


async def test_calls_of_yesterday_that_come_to_nothing_add_nothing_to_today(rig: Rig) -> None:
    gate = rig.gate()
    await rig.set(TOMORROW - SECOND)
    assert await gate.admit(SECOND, 10) == 10
    await rig.set(TOMORROW)
    assert await call(gate)
    gate.note([NOT_TRIED] * 10)
    assert 1 + await use_up(gate) == 20


async def test_a_day_that_began_is_not_gone_back_on(rig: Rig) -> None:
    gate = rig.gate()
    await use_up(gate)
    await rig.set(TOMORROW + SECOND)
    await use_up(gate)
    await rig.set(TOMORROW - 10 * SECOND)
    assert await use_up(gate) == 0


async def test_while_it_cannot_be_counted_nothing_leaves(rig: Rig) -> None:
    gate = rig.gate()
    rig.days.fault = DatabaseUnavailable("away")
    waiting = asyncio.create_task(gate.admit(10 * SECOND))
    await settle()
    assert not waiting.done()
    rig.days.fault = None
    rig.clock.advance(SECOND)
    await settle()
    assert await waiting == 1
    gate.note([ACCEPTED])


async def test_a_rest_that_cannot_be_given_back_is_lost_and_not_spent_twice(rig: Rig) -> None:
    gate = rig.gate()
    await call(gate, NOT_TRIED, 5)
    rig.days.fault = DatabaseUnavailable("away")
    with structlog.testing.capture_logs() as logs:
        await gate.close()
    assert [(each["event"], each["greetings"]) for each in logs] == [("day_rest_lost", 5)]
    rig.days.fault = None
    assert await use_up(gate) == 15


async def test_the_cap_is_asked_for_far_less_often_than_greetings_leave() -> None:
    rig = Rig(DayCap(100_000))
    gate = rig.gate()
    for _ in range(2000):
        assert await call(gate)
    assert rig.days.asked <= 2000 / 50
    await gate.close()


async def test_a_slow_pace_does_not_use_up_the_cap() -> None:
    rig = Rig(DayCap(20), limit=1)
    gate = rig.gate()
    assert await call(gate) == 1
    for _ in range(5):
        held = await gate.admit(timedelta(), 10)
        assert isinstance(held, Outcome)
        await settle()
    await gate.close()
    assert rig.drawn == 1


async def test_a_cap_that_is_reached_is_told_once_with_when_it_opens(rig: Rig) -> None:
    gate = rig.gate()
    with structlog.testing.capture_logs() as logs:
        await use_up(gate)
        for _ in range(9):
            rig.clock.advance(10 * SECOND)
            await use_up(gate)
    told = [each for each in logs if each["event"] == "day_cap_reached"]
    assert [(each["cap"], each["opens_at"]) for each in told] == [(20, TOMORROW.isoformat())]
    shown = rig.metrics.registry.get_sample_value
    held = shown("heyday_held_back_total", {"provider": "http", "by": "cap"})
    assert held is not None
    assert held > 0
    assert shown("heyday_day_cap", {"provider": "http"}) == 20
    assert shown("heyday_day_left", {"provider": "http"}) == 0


async def test_a_new_sender_gets_more_every_day() -> None:
    rig = Rig(DayCap(30, WarmUp(MIDNIGHT.date(), 4, times=2)))
    gate = rig.gate()
    made = []
    for day in range(5):
        await rig.set(MIDNIGHT + timedelta(days=day, hours=9))
        made.append(await use_up(gate))
    assert made == [4, 8, 16, 30, 30]
    await gate.close()
