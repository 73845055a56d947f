"""The stand-ins behave as their ports say: other tests lean on them."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from heyday.domain.delivery import Outcome, OutcomeKind
from tests.fakes import MESSAGE, START_AT, FakeClock, FakeWakeup, RecordingSender

SECOND = timedelta(seconds=1)


async def test_the_clock_wakes_sleepers_in_the_order_of_their_instants():
    clock, woken = FakeClock(), list[int]()

    async def rest(seconds: int) -> None:
        await clock.sleep_until(START_AT + seconds * SECOND)
        woken.append(seconds)

    tasks = [asyncio.create_task(rest(seconds)) for seconds in (3, 1, 2, 9)]
    await clock.wait_for_sleepers(4)
    clock.advance(3 * SECOND)
    await asyncio.gather(*tasks[:3])
    assert woken == [1, 2, 3]
    assert clock.sleeping_until == [START_AT + 9 * SECOND]
    clock.set(START_AT + 9 * SECOND)
    await tasks[3]


async def test_the_clock_never_wakes_early_and_at_once_when_late():
    clock = FakeClock()
    task = asyncio.create_task(clock.sleep_until(START_AT + SECOND))
    await clock.wait_for_sleepers()
    clock.advance(SECOND - timedelta(microseconds=1))
    await asyncio.sleep(0)
    assert not task.done()
    clock.advance(timedelta(microseconds=1))
    await task
    await clock.sleep_until(START_AT)


async def test_a_cancelled_sleeper_is_forgotten():
    clock = FakeClock()
    task = asyncio.create_task(clock.sleep_until(START_AT + SECOND))
    await clock.wait_for_sleepers()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert clock.sleeping_until == []
    clock.advance(2 * SECOND)


def test_the_monotonic_clock_never_steps_back():
    clock = FakeClock()
    clock.advance(5 * SECOND)
    clock.set(START_AT)
    assert clock.now() == START_AT
    assert clock.monotonic() == 5


async def test_the_wakeup_ends_at_its_instant_or_when_told():
    clock = FakeClock()
    wakeup = FakeWakeup(clock)
    waiting = asyncio.create_task(wakeup.wait_until(START_AT + SECOND))
    await clock.wait_for_sleepers()
    wakeup.announce()
    await waiting
    waiting = asyncio.create_task(wakeup.wait_until(START_AT + SECOND))
    await clock.wait_for_sleepers()
    clock.advance(SECOND)
    await waiting


async def test_the_sender_answers_as_scripted_and_then_accepts():
    sender = RecordingSender(honours_keys=False)
    refused = Outcome(OutcomeKind.REFUSED, 400)
    sender.script(MESSAGE.idempotency_key, refused)
    assert await sender.send(MESSAGE) == refused
    assert (await sender.send(MESSAGE)).kind is OutcomeKind.ACCEPTED
    assert (await sender.send(replace(MESSAGE, idempotency_key="b"))).kind is OutcomeKind.ACCEPTED
    assert sender.keys == [MESSAGE.idempotency_key, MESSAGE.idempotency_key, "b"]
    assert sender.key_lifetime is None


async def test_the_sender_waits_at_its_gate():
    gate = asyncio.Event()
    sender = RecordingSender(gate=gate)
    call = asyncio.create_task(sender.send(MESSAGE))
    await sender.wait_for(1)
    assert not call.done()
    gate.set()
    assert (await call).kind is OutcomeKind.ACCEPTED
