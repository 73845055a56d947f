"""Clocks that contradict each other, a real PostgreSQL among them: all stops, and goes on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

import pytest

from heyday.clock import SteadyClock, read_wall_ns
from heyday.db.clock import PostgresClock
from heyday.db.connection import Database, PoolConfig
from heyday.domain.clock_ports import DatabaseTime
from heyday.domain.errors import ClockUntrusted
from heyday.domain.policies import TimePolicies
from heyday.services.clock_guard import ClockGuardService, GuardConfig
from heyday.telemetry import Metrics
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import RecordingSender, nanoseconds

SECOND = timedelta(seconds=1)
TOLERANCE = 5 * SECOND


@dataclass
class Shifted:
    """A wall clock, and PostgreSQL's, each as far from the real one as the test says."""

    wall: timedelta = timedelta()
    database: timedelta = timedelta()

    def read_wall(self) -> int:
        return read_wall_ns() + nanoseconds(self.wall)


@dataclass
class ShiftedDatabase:
    """Ask the real PostgreSQL, and shift what it says."""

    real: PostgresClock
    shifted: Shifted

    async def read(self) -> DatabaseTime:
        reading = await self.real.read()
        return replace(reading, at=reading.at + self.shifted.database)


@dataclass
class Bench:
    shifted: Shifted
    clock: SteadyClock
    pipeline: Pipeline

    @property
    def today(self) -> str:
        return f"{datetime.fromisoformat('1988-01-01'):%Y}-{self.clock.now():%m-%d}"


@contextlib.asynccontextmanager
async def open_bench(url: str, shifted: Shifted) -> AsyncIterator[Bench]:
    """Lend a pipeline in which whoever joins today is due at once, on shifted clocks."""
    clock = SteadyClock(TOLERANCE, shifted.read_wall)
    database = Database(PoolConfig(url, min_size=1))
    await database.open()
    reader = ShiftedDatabase(PostgresClock(database, clock), shifted)
    # Every check looks: the test would have to wait a second for the next one.
    guard = ClockGuardService(clock, reader, Metrics(), GuardConfig(TOLERANCE, timedelta()))
    config = PipelineConfig(time=TimePolicies(send_time=time(0)), guard=guard)
    try:
        async with open_pipeline(
            url, clock=clock, sender=RecordingSender(), config=config
        ) as pipeline:
            yield Bench(shifted, clock, pipeline)
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def running(pipeline: Pipeline) -> AsyncIterator[None]:
    loops = [
        asyncio.create_task(loop())
        for loop in (pipeline.notifications.run, pipeline.minute.run, pipeline.worker.run)
    ]
    try:
        async with asyncio.timeout(30):
            yield
    finally:
        pipeline.worker.stop()
        for loop in loops[:2]:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)


async def until(pipeline: Pipeline, condition: str) -> None:
    async with asyncio.timeout(20):
        while not await pipeline.value(f"SELECT {condition}"):
            pass


SHIFTS = {
    "PostgreSQL ahead": Shifted(database=6 * SECOND),
    "PostgreSQL behind": Shifted(database=-6 * SECOND),
    "wall ahead": Shifted(wall=6 * SECOND),
    "wall behind": Shifted(wall=-6 * SECOND),
    "wall a day ahead": Shifted(wall=timedelta(days=1)),
}


@pytest.mark.parametrize("shift", SHIFTS.values(), ids=SHIFTS)
async def test_enqueueing_pauses_and_resumes(database_url: str, shift: Shifted) -> None:
    async with open_bench(database_url, Shifted()) as bench:
        pipeline = bench.pipeline
        await pipeline.create(timezone="UTC", birthday_date=bench.today)
        bench.shifted.wall, bench.shifted.database = shift.wall, shift.database
        for job in (pipeline.minute, pipeline.recovery, pipeline.daily):
            with pytest.raises(ClockUntrusted):
                await job.run_once()
        assert await pipeline.statuses() == ["SCHEDULED"]
        bench.shifted.wall = bench.shifted.database = timedelta()
        assert await pipeline.minute.run_once() == {"enqueued": 1}


@pytest.mark.parametrize("shift", SHIFTS.values(), ids=SHIFTS)
async def test_the_claim_pauses_and_resumes(database_url: str, shift: Shifted) -> None:
    async with open_bench(database_url, Shifted()) as bench:
        pipeline = bench.pipeline
        await pipeline.create(timezone="UTC", birthday_date=bench.today)
        await pipeline.minute.run_once()
        bench.shifted.wall, bench.shifted.database = shift.wall, shift.database
        async with running(pipeline):
            await until(pipeline, "delivery_count = 1 FROM queue_batches")  # a worker holds it
            for _ in range(20):
                assert await pipeline.statuses() == ["QUEUED"]
            assert pipeline.sender.sent == []
            bench.shifted.wall = bench.shifted.database = timedelta()
            await until(pipeline, "status = 'SENT' FROM message_logs")
    assert len(pipeline.sender.sent) == 1


async def test_a_clock_that_was_wrong_from_the_start_goes_on_when_it_is_set_right(
    database_url: str,
) -> None:
    """A minute ahead, it would have sent early; PostgreSQL shows it, and bears out the new one."""
    async with open_bench(database_url, Shifted(wall=60 * SECOND)) as bench:
        pipeline = bench.pipeline
        await pipeline.create(timezone="UTC", birthday_date=bench.today)
        with pytest.raises(ClockUntrusted):
            await pipeline.minute.run_once()
        bench.shifted.wall = timedelta()
        assert await pipeline.minute.run_once() == {"enqueued": 1}
        assert abs(bench.clock.jump) < SECOND
