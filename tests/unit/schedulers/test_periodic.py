"""The loop around a job: at start, at each next time, whatever happens, until it is stopped."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
import structlog

from heyday.domain.errors import ClockUntrusted, DatabaseUnavailable
from heyday.schedulers.periodic import ClockWakeup, PeriodicScheduler
from heyday.telemetry import Metrics
from tests.fakes import START_AT, FakeClock, FakeGuard, FakeWakeup

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


class Job(PeriodicScheduler):
    """Run each hour; raise what is in `faults`, one by one."""

    name = "job"

    def __init__(self, clock: FakeClock) -> None:
        self.metrics, self.wakeup, self.clock = Metrics(), FakeWakeup(clock), clock
        self.guard = FakeGuard()
        super().__init__(cast("Any", None), self.wakeup, clock, self.guard, self.metrics)
        self.runs: list[datetime] = []
        self.faults: list[Exception] = []

    def next_at(self, now: datetime) -> datetime:
        return now + HOUR

    async def work(self, at: datetime | None) -> Mapping[str, int]:
        self.runs.append(at or self.clock.now())
        if self.faults:
            raise self.faults.pop(0)
        return {"done": len(self.runs)}

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, {"job": "job", **labels})

    def count(self, result: str) -> float | None:
        labels = {"job": "job", "result": result}
        return self.metrics.registry.get_sample_value("heyday_job_runs_total", labels)


@pytest.fixture
def job(clock: FakeClock) -> Job:
    return Job(clock)


@contextlib.asynccontextmanager
async def running(job: Job) -> AsyncIterator[None]:
    """Run the loop; it has done its first turn when this begins."""
    task = asyncio.create_task(job.run())
    async with asyncio.timeout(10):
        await job.clock.wait_for_sleepers()
        yield
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def turn(job: Job, by: timedelta) -> None:
    """Let time pass, and wait until the loop sleeps again."""
    job.clock.advance(by)
    for _ in range(20):
        await asyncio.sleep(0)
    await job.clock.wait_for_sleepers()


async def test_it_runs_at_start_and_at_each_next_time(job: Job) -> None:
    async with running(job):
        assert job.runs == [START_AT]
        await turn(job, HOUR - SECOND)
        assert len(job.runs) == 1
        await turn(job, SECOND)
        await turn(job, HOUR)
    assert job.runs == [START_AT + n * HOUR for n in range(3)]
    assert job.count("finished") == 3


async def test_it_runs_sooner_when_work_is_announced(job: Job) -> None:
    async with running(job):
        await turn(job, SECOND)
        job.wakeup.announce()
        await turn(job, SECOND)
    assert job.runs == [START_AT, START_AT + 2 * SECOND]


@pytest.mark.parametrize(
    "fault",
    [
        DatabaseUnavailable("away"),
        ConnectionResetError(),
        RuntimeError(),
        ValueError("ada@example.com"),
        ExceptionGroup("several", [LookupError()]),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_a_fault_delays_the_loop_and_never_ends_it(job: Job, fault: Exception) -> None:
    job.faults = [fault, fault]
    with structlog.testing.capture_logs() as logs:
        async with running(job):
            await turn(job, 5 * SECOND)
            await turn(job, 5 * SECOND)
            await turn(job, HOUR)
    assert job.runs == [START_AT + n * 5 * SECOND for n in range(3)] + [
        START_AT + 10 * SECOND + HOUR
    ]
    assert (job.count("failed"), job.count("finished")) == (2, 2)
    failed = [entry for entry in logs if entry["event"] == "job_failed"]
    assert [entry["error"] for entry in failed] == [type(fault).__name__] * 2
    assert "ada@example.com" not in str(logs)


async def test_it_tells_how_many_runs_have_failed_in_a_row(job: Job) -> None:
    job.faults = [RuntimeError() for _ in range(3)]
    seen = []
    async with running(job):
        for wait in (5 * SECOND, 5 * SECOND, 5 * SECOND, HOUR):
            seen.append((job.value("heyday_job_failures_in_a_row"), job.trouble))
            await turn(job, wait)
    stuck = "the job job has failed 3 times in a row"
    assert seen == [(1, None), (2, None), (3, stuck), (0, None)]


async def test_it_counts_the_rows_that_it_dealt_with_and_how_long_it_took(job: Job) -> None:
    class Slow(Job):
        async def work(self, at: datetime | None) -> Mapping[str, int]:
            self.clock.advance(7 * SECOND)
            return await super().work(at)

    slow = Slow(job.clock)
    async with running(slow):
        await turn(slow, HOUR)
    # One row in the first run, two in the second.
    assert slow.value("heyday_job_rows_total", what="done") == 3
    assert slow.value("heyday_job_last_duration_seconds") == 7


async def test_a_loop_pauses_while_the_clock_is_not_trusted_and_says_so_once(job: Job) -> None:
    job.guard.reason = "it jumped"
    with structlog.testing.capture_logs() as logs:
        async with running(job):
            await turn(job, 2 * SECOND)
            await turn(job, 2 * SECOND)
            assert job.runs == []
            job.guard.reason = None
            await turn(job, 2 * SECOND)
            assert job.runs == [START_AT + 6 * SECOND]
            job.guard.reason = "again"
            await turn(job, HOUR)
    assert (job.count("paused"), job.count("finished")) == (4, 1)
    assert [entry["event"] for entry in logs] == ["job_paused", "job_finished", "job_paused"]


async def test_a_run_by_hand_asks_the_guard_unless_its_moment_was_chosen(job: Job) -> None:
    job.guard.reason = "it jumped"
    with pytest.raises(ClockUntrusted):
        await job.run_once()
    assert await job.run_once(START_AT) == {"done": 1}


async def test_a_turn_that_did_something_is_logged_and_others_are_not(job: Job) -> None:
    with structlog.testing.capture_logs() as logs:
        async with running(job):
            pass
    assert [(entry["event"], entry["done"]) for entry in logs] == [("job_finished", 1)]

    class Idle(Job):
        async def work(self, at: datetime | None) -> Mapping[str, int]:
            return {"done": 0 * len(self.runs)} if at is None else {}

    with structlog.testing.capture_logs() as logs:
        async with running(Idle(job.clock)):
            pass
    assert logs == []


async def test_the_plain_wakeup_sleeps_until_its_instant(clock: FakeClock) -> None:
    waiting = asyncio.create_task(ClockWakeup(clock).wait_until(START_AT + HOUR))
    await clock.wait_for_sleepers()
    clock.advance(HOUR)
    async with asyncio.timeout(5):
        await waiting
