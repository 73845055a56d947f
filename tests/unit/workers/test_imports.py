"""The loop that runs imports: until none waits, then until one is announced; it never ends."""

import asyncio
from datetime import timedelta
from typing import cast

from heyday.domain.errors import DatabaseUnavailable
from heyday.services.import_running import ImportRunner  # noqa: TC001 - cast() names it
from heyday.workers.imports import LOOK_EVERY, ImportWorker
from tests.fakes import FakeClock, FakeWakeup


class ScriptedRunner:
    """Answer as the test says, then that nothing waits."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.calls = 0
        self.called = asyncio.Event()

    async def run_once(self) -> bool:
        self.calls += 1
        self.called.set()
        answer = self.answers.pop(0) if self.answers else ""
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)


async def test_it_runs_all_that_waits_and_then_looks_again_by_itself() -> None:
    runner, clock = ScriptedRunner("a job", "another"), FakeClock()
    worker = ImportWorker(cast("ImportRunner", runner), FakeWakeup(clock), clock)
    running = asyncio.create_task(worker.run())
    await clock.wait_for_sleepers()
    assert runner.calls == 3
    clock.advance(LOOK_EVERY)
    await clock.wait_for_sleepers()
    assert runner.calls == 4
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_an_announcement_wakes_it() -> None:
    runner, clock = ScriptedRunner(), FakeClock()
    wakeup = FakeWakeup(clock)
    running = asyncio.create_task(ImportWorker(cast("ImportRunner", runner), wakeup, clock).run())
    await clock.wait_for_sleepers()
    runner.called.clear()
    wakeup.announce()
    await runner.called.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_fault_delays_and_does_not_end_it() -> None:
    runner, clock = ScriptedRunner(DatabaseUnavailable("gone"), RuntimeError("bug")), FakeClock()
    worker = ImportWorker(cast("ImportRunner", runner), FakeWakeup(clock), clock)
    running = asyncio.create_task(worker.run())
    for calls in (1, 2, 3):
        await clock.wait_for_sleepers()
        assert runner.calls == calls
        clock.advance(timedelta(seconds=5))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
