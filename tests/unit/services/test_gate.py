import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest
import structlog

from heyday.domain.breaker import Breaker, BreakerConfig
from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.errors import DatabaseUnavailable
from heyday.domain.pace import PacePolicy
from heyday.services.gate import ProviderGate
from heyday.telemetry import Metrics
from tests.fakes import FakeClock
from tests.shares import MemoryPace, Seat

T = TypeVar("T")
SECOND = timedelta(seconds=1)
ACCEPTED = Outcome(OutcomeKind.ACCEPTED)
AWAY = Outcome(OutcomeKind.NOT_ACCEPTED, trouble=Trouble.PROVIDER)
WRONG_KEY = Outcome(OutcomeKind.REFUSED, code=401, trouble=Trouble.ACCOUNT)
BAD_ADDRESS = Outcome(OutcomeKind.REFUSED, code=422)
TOO_MANY = Outcome(OutcomeKind.NOT_ACCEPTED, code=429, trouble=Trouble.PACE)
NOT_TRIED = Outcome(OutcomeKind.NOT_TRIED)
FORGOTTEN = Outcome(OutcomeKind.FORGOTTEN)


class Rig:
    """Hold a gate and what it stands on."""

    def __init__(self, limit: float | None = None, failures: int = 3) -> None:
        self.clock = FakeClock()
        self.metrics = Metrics()
        self.pace = MemoryPace(self.clock, PacePolicy(limit))
        self.breaker = Breaker(BreakerConfig(failures))
        self.gate = self.other(self.pace.seat(), self.breaker, self.metrics)

    def other(
        self, seat: Seat, breaker: Breaker | None = None, metrics: Metrics | None = None
    ) -> ProviderGate:
        """Return a gate of another process."""
        return ProviderGate(
            provider="http",
            breaker=breaker or Breaker(BreakerConfig()),
            pace=seat,
            clock=self.clock,
            metrics=metrics or Metrics(),
        )

    async def call(self, outcome: Outcome) -> None:
        """Make one call that ends so."""
        assert await self.gate.admit(SECOND) == 1
        self.gate.note([outcome])

    async def open_breaker(self) -> None:
        for _ in range(3):
            await self.call(AWAY)

    async def advance(self, seconds: float) -> None:
        """Let time pass, and everybody do what then is to be done."""
        self.clock.advance(timedelta(seconds=seconds))
        await settle()

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, {"provider": "http", **labels})


async def settle() -> None:
    """Let every task run until it waits for the clock or for an event."""
    for _ in range(50):
        await asyncio.sleep(0)


async def begin(work: Awaitable[T]) -> "asyncio.Task[T]":
    """Start, and go as far as it goes without time passing."""
    task = asyncio.ensure_future(work)
    await settle()
    return task


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    yield rig
    await rig.gate.close()


@pytest.fixture
async def hundred() -> AsyncIterator[Rig]:
    """A provider that may be called 100 times a second."""
    rig = Rig(limit=100)
    yield rig
    await rig.gate.close()


# --- While all is well -----------------------------------------------------------------------


async def test_a_provider_that_nobody_limits_is_asked_about_once(rig: Rig) -> None:
    for _ in range(1000):
        await rig.gate.wait_until_open()
        await rig.call(ACCEPTED)
    assert rig.pace.asked == 1
    assert rig.metric("heyday_pace") == math.inf
    assert rig.metric("heyday_breaker_state") == 0


async def test_what_is_to_be_known_is_asked_for_before_the_first_call(rig: Rig) -> None:
    await rig.gate.wait_until_open()
    assert rig.clock.sleeping_until == []
    assert rig.pace.asked == 1
    assert await rig.gate.admit(timedelta()) == 1


async def test_the_gate_stays_shut_while_nothing_is_known(rig: Rig) -> None:
    rig.pace.fault = DatabaseUnavailable("away")
    opening = [await begin(rig.gate.wait_until_open()) for _ in range(2)]
    await rig.advance(1)
    assert not any(task.done() for task in opening)
    opening[0].cancel()
    rig.pace.fault = None
    await rig.advance(1)
    assert opening[1].done()
    assert rig.pace.asked == 3


async def test_stopping_ends_every_wait_also_while_nothing_is_known(rig: Rig) -> None:
    rig.pace.fault = DatabaseUnavailable("away")
    opening = await begin(rig.gate.wait_until_open())
    call = await begin(rig.gate.admit(60 * SECOND))
    rig.gate.stop()
    await settle()
    assert opening.done()
    outcome = await call
    assert isinstance(outcome, Outcome)
    assert outcome.kind is OutcomeKind.NOT_TRIED


async def test_no_call_before_the_pace_is_known_even_without_patience(rig: Rig) -> None:
    outcome = await rig.gate.admit(timedelta())
    assert isinstance(outcome, Outcome)
    assert outcome.kind is OutcomeKind.NOT_TRIED
    await settle()
    assert await rig.gate.admit(timedelta()) == 1


async def test_refused_messages_and_429_do_not_open_the_breaker(rig: Rig) -> None:
    for outcome in (
        AWAY,
        AWAY,
        BAD_ADDRESS,
        AWAY,
        AWAY,
        ACCEPTED,
        AWAY,
        NOT_TRIED,
        FORGOTTEN,
        AWAY,
    ):
        await rig.call(outcome)
    await rig.gate.wait_until_open()


@pytest.mark.parametrize("silent", [NOT_TRIED, FORGOTTEN, TOO_MANY])
async def test_what_says_nothing_of_the_provider_is_no_sign_of_life(
    rig: Rig, silent: Outcome
) -> None:
    await rig.call(AWAY)
    await rig.call(AWAY)
    assert await rig.gate.admit(SECOND) == 1
    rig.gate.note([silent])
    await settle()
    await rig.advance(2)
    await rig.call(AWAY)
    assert rig.metric("heyday_breaker_state") == 2


# --- The breaker -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure", [AWAY, WRONG_KEY, Outcome(OutcomeKind.AMBIGUOUS), Outcome(OutcomeKind.NOT_ACCEPTED)]
)
async def test_failures_in_a_row_close_the_gate(rig: Rig, failure: Outcome) -> None:
    for _ in range(3):
        await rig.call(failure)
    waiting = await begin(rig.gate.wait_until_open())
    await rig.advance(4.9)
    assert not waiting.done()
    await rig.advance(0.1)
    assert waiting.done()


async def test_a_call_that_is_put_off_is_told_for_how_long(rig: Rig) -> None:
    await rig.open_breaker()
    await rig.advance(2)
    assert await rig.gate.admit(60 * SECOND) == Outcome(
        OutcomeKind.NOT_TRIED,
        error="the provider fails again and again, and is left alone",
        retry_after=3 * SECOND,
    )
    assert rig.metric("heyday_held_back_total", by="breaker") == 1
    assert rig.metric("heyday_breaker_openings_total") == 1
    assert rig.metric("heyday_breaker_state") == 2


async def test_all_wait_for_the_probe_and_go_when_it_went_well(rig: Rig) -> None:
    await rig.open_breaker()
    await rig.advance(5)
    probe = await begin(rig.gate.admit(20 * SECOND))
    others = [await begin(rig.gate.admit(20 * SECOND)) for _ in range(5)]
    opening = await begin(rig.gate.wait_until_open())
    assert probe.done()
    assert rig.metric("heyday_breaker_state") == 1
    assert not any(task.done() for task in (*others, opening))
    rig.gate.note([ACCEPTED])
    await settle()
    assert opening.done()
    assert [task.result() for task in others] == [1] * 5
    assert rig.metric("heyday_breaker_state") == 0


async def test_all_are_put_off_when_the_probe_failed(rig: Rig) -> None:
    await rig.open_breaker()
    await rig.advance(5)
    assert await rig.gate.admit(SECOND) == 1
    other = await begin(rig.gate.admit(20 * SECOND))
    rig.gate.note([AWAY])
    outcome = await other
    assert isinstance(outcome, Outcome)
    assert outcome.retry_after == 10 * SECOND


async def test_patience_with_a_probe_ends(rig: Rig) -> None:
    await rig.open_breaker()
    await rig.advance(5)
    assert await rig.gate.admit(SECOND) == 1
    other = await begin(rig.gate.admit(3 * SECOND))
    await rig.advance(2.9)
    assert not other.done()
    await rig.advance(0.1)
    outcome = await other
    assert isinstance(outcome, Outcome)
    assert outcome.retry_after == 5 * SECOND


async def test_a_probe_that_was_never_made_lets_the_next_one_through(rig: Rig) -> None:
    await rig.open_breaker()
    await rig.advance(5)
    await rig.call(NOT_TRIED)
    await rig.call(ACCEPTED)
    await rig.gate.wait_until_open()


async def test_a_wrong_key_costs_no_more_greetings_than_it_takes_to_open() -> None:
    rig = Rig(failures=20)
    calls = [await begin(rig.gate.admit(20 * SECOND)) for _ in range(200)]
    failed = 0
    while any(admitted := [task for task in calls if task.done() and task.result() == 1]):
        calls = [task for task in calls if task not in admitted]
        for _ in admitted:
            rig.gate.note([WRONG_KEY])
            failed += 1
        await settle()
    assert failed == 20
    outcomes = [await task for task in calls]
    assert {outcome.kind for outcome in outcomes if isinstance(outcome, Outcome)} == {
        OutcomeKind.NOT_TRIED
    }
    await rig.gate.close()


# --- Batches ---------------------------------------------------------------------------------


async def proven(rig: Rig) -> None:
    """Let the provider show that it is well."""
    await rig.call(ACCEPTED)


async def test_a_batch_goes_out_whole_once_the_provider_is_known_to_be_well(rig: Rig) -> None:
    assert await rig.gate.admit(SECOND, 1000) == 3, "the key may be wrong"
    rig.gate.note([ACCEPTED] * 3)
    assert await rig.gate.admit(SECOND, 1000) == 1000


@pytest.mark.parametrize("trouble", [AWAY, WRONG_KEY, Outcome(OutcomeKind.AMBIGUOUS)])
async def test_a_batch_that_fails_is_as_many_failures(rig: Rig, trouble: Outcome) -> None:
    await proven(rig)
    assert await rig.gate.admit(SECOND, 1000) == 1000
    rig.gate.note([trouble] * 1000)
    assert rig.metric("heyday_breaker_state") == 2
    await rig.advance(5)
    assert await rig.gate.admit(SECOND, 1000) == 1, "a probe is one greeting"
    (noted,) = rig.gate.note([trouble])
    assert noted.is_probe


@pytest.mark.parametrize("sign", [ACCEPTED, BAD_ADDRESS])
async def test_one_sign_of_life_in_a_batch_is_one(rig: Rig, sign: Outcome) -> None:
    await proven(rig)
    assert await rig.gate.admit(SECOND, 5) == 5
    outcomes = [AWAY, AWAY, sign, AWAY, NOT_TRIED]
    assert list(rig.gate.note(outcomes)) == outcomes
    await rig.call(AWAY)
    await rig.call(AWAY)
    assert rig.metric("heyday_breaker_state") == 0


async def test_a_429_in_a_batch_slows_down_once_and_waits_for_the_longest(rig: Rig) -> None:
    await proven(rig)
    assert await rig.gate.admit(SECOND, 4) == 4
    rig.gate.note(
        [ACCEPTED, TOO_MANY, replace(TOO_MANY, retry_after=7 * SECOND), replace(TOO_MANY)]
    )
    await settle()
    assert rig.metric("heyday_rate_limited_total") == 1
    put_off = await rig.gate.admit(SECOND, 4)
    assert isinstance(put_off, Outcome)
    assert put_off.retry_after == 7 * SECOND


async def test_the_pace_counts_greetings_and_a_batch_is_cut_to_its_share(hundred: Rig) -> None:
    await proven(hundred)
    began = hundred.clock.monotonic()
    left, sizes = 200, []
    while left:
        sending = await begin(hundred.gate.admit(10 * SECOND, left))
        while not sending.done():
            await hundred.advance(0.05)
        admitted = await sending
        assert isinstance(admitted, int)
        hundred.gate.note([ACCEPTED] * admitted)
        sizes.append(admitted)
        left -= admitted
    passed = hundred.clock.monotonic() - began
    assert 1.5 <= passed < 2.5
    assert max(sizes) <= 25, "a quarter of a second's worth"
    assert hundred.metric("heyday_pace") == 100


async def test_a_batch_that_waits_is_as_many_that_wait() -> None:
    rig = Rig(limit=1, failures=5000)
    assert await rig.gate.admit(60 * SECOND, 1000) == 1
    held = await rig.gate.admit(timedelta(), 40)
    assert isinstance(held, Outcome)
    assert held.retry_after == 40 * SECOND
    await rig.gate.close()


async def test_its_changes_are_logged(rig: Rig) -> None:
    with structlog.testing.capture_logs() as logs:
        await rig.open_breaker()
        await rig.advance(5)
        await rig.call(AWAY)
        await rig.advance(10)
        await rig.call(ACCEPTED)
    assert [(line["event"], line.get("seconds")) for line in logs] == [
        ("provider_left_alone", 5),
        ("provider_left_alone", 10),
        ("provider_back", None),
    ]


# --- The pace --------------------------------------------------------------------------------


async def admitted_over(rig: Rig, gates: Iterable[ProviderGate], seconds: int) -> int:
    """Let 20 callers per gate call as fast as they may; return how many calls they made."""
    made = 0

    async def caller(gate: ProviderGate) -> None:
        nonlocal made
        while True:
            if await gate.admit(10 * SECOND) == 1:
                made += 1
                gate.note([ACCEPTED])

    callers = [asyncio.ensure_future(caller(gate)) for gate in gates for _ in range(20)]
    for _ in range(seconds * 20):
        await rig.advance(0.05)
    for task in callers:
        task.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    return made


async def test_the_limit_holds_for_all_processes_together(hundred: Rig) -> None:
    hundred.pace.news.add(0)
    second = hundred.other(Seat(hundred.pace, 1))
    made = await admitted_over(hundred, (hundred.gate, second), 5)
    assert 450 <= made <= 100 * 5 + 25
    assert hundred.pace.asked < 100, "nothing may happen in the database for each message"
    await second.close()


async def test_a_call_waits_for_its_turn_and_no_longer_than_its_patience(hundred: Rig) -> None:
    hundred.pace.state = hundred.pace.policy.take(
        hundred.pace.state, 25, hundred.clock.now()
    )[0]  # fmt: skip
    waiting = await begin(hundred.gate.admit(SECOND))
    assert not waiting.done()
    impatient = await hundred.gate.admit(timedelta(milliseconds=5))
    assert isinstance(impatient, Outcome)
    assert impatient.retry_after == SECOND
    await hundred.advance(0.2)
    assert await waiting == 1
    assert hundred.metric("heyday_held_back_total", by="pace") == 2
    assert hundred.metric("heyday_pace") == 100


async def test_whoever_is_far_back_in_the_queue_is_told_so() -> None:
    rig = Rig(limit=1, failures=50)
    waiting = [await begin(rig.gate.admit(60 * SECOND)) for _ in range(21)]
    last = await rig.gate.admit(timedelta(seconds=0.5))
    assert isinstance(last, Outcome)
    assert last.retry_after == 21 * SECOND
    for task in waiting:
        task.cancel()
    await rig.gate.close()


async def test_no_more_is_asked_for_than_is_used(hundred: Rig) -> None:
    for _ in range(20):
        await hundred.call(ACCEPTED)
        await hundred.advance(0.5)
    assert hundred.pace.wanted == [1] * 20


async def test_a_share_that_was_not_used_does_not_become_a_burst(hundred: Rig) -> None:
    await hundred.call(ACCEPTED)
    await hundred.advance(0.5)
    many = [await begin(hundred.gate.admit(SECOND)) for _ in range(20)]
    await hundred.advance(0.25)
    asked = hundred.pace.asked
    await hundred.call(ACCEPTED)
    assert all(task.done() for task in many)
    assert hundred.pace.asked == asked + 1


async def test_a_429_slows_everybody_and_stops_all_until_retry_after(rig: Rig) -> None:
    second = rig.other(Seat(rig.pace, 1))
    assert await second.admit(SECOND) == 1
    for _ in range(10):
        await rig.call(ACCEPTED)
    await rig.call(replace(TOO_MANY, retry_after=7 * SECOND))
    opening = await begin(rig.gate.wait_until_open())
    held = [await begin(gate.admit(20 * SECOND)) for gate in (rig.gate, second)]
    assert rig.pace.state.rate == 11 / 2
    put_off = await second.admit(SECOND)
    assert isinstance(put_off, Outcome)
    assert put_off.retry_after == 7 * SECOND
    await rig.advance(6.9)
    assert not any(task.done() for task in (*held, opening))
    await rig.advance(0.1)
    assert opening.done()
    for _ in range(4):
        await rig.advance(0.2)
    assert [task.done() and task.result() for task in held] == [1, 1]
    await second.close()


async def test_many_429_at_once_are_one_report(rig: Rig) -> None:
    for _ in range(100):
        await rig.call(ACCEPTED)
    calls = [await begin(rig.gate.admit(SECOND)) for _ in range(50)]
    assert all(task.done() for task in calls)
    with structlog.testing.capture_logs() as logs:
        for _ in calls:
            rig.gate.note([TOO_MANY])
            await settle()
    assert rig.pace.state.rate == 75
    assert [line["event"] for line in logs] == ["provider_slowed"]
    assert rig.pace.asked == 2
    assert rig.metric("heyday_rate_limited_total") == 50
    assert rig.metric("heyday_pace") == 75


async def test_a_limit_that_has_gone_costs_nothing_any_more(rig: Rig) -> None:
    await rig.call(TOO_MANY)
    await settle()
    await rig.advance(3600)
    await rig.call(ACCEPTED)
    asked = rig.pace.asked
    for _ in range(100):
        await rig.call(ACCEPTED)
    assert rig.pace.asked == asked


# --- Without the database --------------------------------------------------------------------


async def test_calls_wait_while_the_pace_cannot_be_known(hundred: Rig) -> None:
    hundred.pace.fault = DatabaseUnavailable("away")
    with structlog.testing.capture_logs() as logs:
        calls = [await begin(hundred.gate.admit(10 * SECOND)) for _ in range(3)]
        for _ in range(3):
            await hundred.advance(1)
        assert not any(task.done() for task in calls)
        assert hundred.pace.asked == 4
        hundred.pace.fault = None
        await hundred.advance(1)
    assert [task.result() for task in calls] == [1] * 3
    assert [line["event"] for line in logs] == ["pace_unknown"]


async def test_patience_ends_while_the_pace_cannot_be_known(hundred: Rig) -> None:
    hundred.pace.fault = RuntimeError("whatever it is, no call goes faster and none fails")
    call = await begin(hundred.gate.admit(2 * SECOND))
    await hundred.advance(1)
    await hundred.advance(1)
    outcome = await call
    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.retry_after) == (OutcomeKind.NOT_TRIED, SECOND)


async def test_a_429_is_reported_late_rather_than_never(rig: Rig) -> None:
    await rig.call(ACCEPTED)
    rig.pace.fault = DatabaseUnavailable("away")
    await rig.call(TOO_MANY)
    call = await begin(rig.gate.admit(10 * SECOND))
    await rig.advance(1)
    assert not call.done()
    assert rig.pace.state.slowed_at is None
    rig.pace.fault = None
    await rig.advance(1)
    assert rig.pace.state.rate == 1
    await rig.advance(1.01)
    assert await call == 1


# --- Waiting ---------------------------------------------------------------------------------


async def test_whoever_is_cancelled_leaves_nothing_behind(rig: Rig) -> None:
    await rig.open_breaker()
    opening = await begin(rig.gate.wait_until_open())
    await rig.advance(5)
    assert await rig.gate.admit(SECOND) == 1
    waiting = [await begin(rig.gate.admit(20 * SECOND)), await begin(rig.gate.wait_until_open())]
    assert len(rig.clock.sleeping_until) == 2
    for task in (opening, *waiting):
        task.cancel()
    await settle()
    assert rig.clock.sleeping_until == []
    rig.gate.note([ACCEPTED])
    await rig.call(ACCEPTED)


async def test_closing_ends_a_question_that_is_under_way(rig: Rig) -> None:
    rig.pace.fault = DatabaseUnavailable("away")
    assert await rig.gate.admit(timedelta())
    await settle()
    assert len(rig.clock.sleeping_until) == 1
    await rig.gate.close()
    assert rig.clock.sleeping_until == []


async def test_there_is_room_for_all_for_none_or_for_one() -> None:
    rig = Rig()
    assert rig.gate.room() == math.inf
    await rig.open_breaker()
    assert rig.gate.room() == 0
    await rig.advance(5)
    assert rig.gate.room() == 1
    assert await rig.gate.admit(SECOND) == 1
    assert rig.gate.room() == 0
    rig.gate.note([ACCEPTED])
    assert rig.gate.room() == math.inf


async def test_there_is_no_room_while_a_provider_asked_to_be_left_alone() -> None:
    rig = Rig()
    await rig.call(replace(TOO_MANY, retry_after=timedelta(seconds=7)))
    await settle()
    assert rig.gate.room() == 0
    await rig.advance(8)
    assert rig.gate.room() == math.inf


async def test_tokens_of_calls_that_were_not_made_are_the_next_ones() -> None:
    rig = Rig(limit=40, failures=100)
    assert await rig.gate.admit(SECOND, 10) == 10
    held = await rig.gate.admit(timedelta(), 10)
    assert isinstance(held, Outcome)
    rig.gate.note([ACCEPTED] * 4 + [NOT_TRIED] * 6)
    assert await rig.gate.admit(timedelta(), 10) == 6
    await rig.gate.close()


async def test_tokens_that_come_back_after_a_429_are_nobodys() -> None:
    rig = Rig(limit=40, failures=100)
    assert await rig.gate.admit(SECOND, 10) == 10
    rig.gate.note([TOO_MANY] * 4 + [NOT_TRIED] * 6)
    held = await rig.gate.admit(timedelta(), 10)
    assert isinstance(held, Outcome)
    await rig.gate.close()
