"""The virtual clock: it jumps when all sleep, never under somebody who works."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from heyday.domain.errors import SimulationStalled
from heyday.simulation import clock as module
from heyday.simulation.clock import VirtualClock

START_AT = datetime(2027, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def work(clock: VirtualClock, hours: int, woken: list[tuple[int, datetime]]) -> None:
    await clock.sleep_until(START_AT + hours * HOUR)
    woken.append((hours, clock.now()))
    clock.end()


async def test_sleepers_wake_at_their_instants_and_no_sooner() -> None:
    clock = VirtualClock(START_AT)
    woken: list[tuple[int, datetime]] = []
    async with asyncio.TaskGroup() as group:
        for hours in (3, 1, 2):
            clock.begin()
            group.create_task(work(clock, hours, woken))
        await clock.wait_until_quiet()
        assert (clock.next_at, woken) == (START_AT + HOUR, [])
        while clock.next_at:
            clock.jump(clock.next_at)
            await clock.wait_until_quiet()
    assert woken == [(hours, START_AT + hours * HOUR) for hours in (1, 2, 3)]
    assert clock.monotonic() == 3 * 3600


async def test_it_is_not_quiet_while_somebody_who_woke_still_works() -> None:
    clock = VirtualClock(START_AT)
    go_on = asyncio.Event()

    async def sleep_then_work() -> None:
        await clock.sleep_until(START_AT + HOUR)
        await go_on.wait()
        clock.end()

    clock.begin()
    task = asyncio.create_task(sleep_then_work())
    await clock.wait_until_quiet()
    clock.jump(START_AT + HOUR)
    waiting = asyncio.create_task(clock.wait_until_quiet())
    await asyncio.sleep(0)
    assert not waiting.done()
    go_on.set()
    await waiting
    await task


async def test_who_sleeps_until_now_does_not_sleep() -> None:
    clock = VirtualClock(START_AT)
    await clock.sleep_until(START_AT)
    assert clock.next_at is None


async def test_sleepers_that_were_cancelled_wake_nobody() -> None:
    clock = VirtualClock(START_AT)
    clock.begin()
    task = asyncio.create_task(work(clock, 1, []))
    await clock.wait_until_quiet()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert clock.next_at is None
    clock.forget_all()
    await clock.wait_until_quiet()


async def test_work_without_end_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST_WORK", timedelta(milliseconds=1))
    clock = VirtualClock(START_AT)
    clock.begin()
    with pytest.raises(SimulationStalled, match="look into the log"):
        await clock.wait_until_quiet()
