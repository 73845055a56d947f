"""The worker holds batches until they are due, and comes to an orderly end."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
import structlog

from heyday.domain.errors import DatabaseError, DatabaseUnavailable, TransportError
from heyday.domain.models import Batch
from heyday.workers.message import MessageWorker, WorkerConfig
from tests.fakes import START_AT, FakeClock, FakeGuard

SECOND = timedelta(seconds=1)


@dataclass
class ScriptedDelivery:
    batch: Batch
    acked: int = 0
    released: int = 0
    fault: Exception | None = None

    async def ack(self) -> None:
        if self.fault:
            raise self.fault
        self.acked += 1

    async def release(self) -> None:
        self.released += 1


@dataclass
class ScriptedTransport:
    """Deliver what is put into the queue; an exception in it is raised."""

    queue: "asyncio.Queue[ScriptedDelivery | BaseException]" = field(default_factory=asyncio.Queue)
    opened: int = 0
    closed: int = 0

    async def publish(self, batches: Sequence[Batch]) -> None:
        raise NotImplementedError

    async def is_new(self) -> bool:
        raise NotImplementedError

    async def mark(self) -> None:
        raise NotImplementedError

    async def count_waiting(self) -> int:
        raise NotImplementedError

    async def deliveries(self) -> AsyncGenerator[ScriptedDelivery, None]:
        self.opened += 1
        try:
            while True:
                item = await self.queue.get()
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self.closed += 1

    def put(self, due_in: timedelta = timedelta()) -> ScriptedDelivery:
        at = START_AT + due_in
        delivery = ScriptedDelivery(Batch(uuid4(), at, at, at, (uuid4(),)))
        self.queue.put_nowait(delivery)
        return delivery


class ScriptedService:
    """Note what is delivered; wait at the gate; raise what is in `faults`."""

    def __init__(self) -> None:
        self.made_ready: list[Batch] = []
        self.begun: list[Batch] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.faults: list[Exception] = []
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.is_stopping = False

    async def wait_until_open(self) -> None:
        await self.is_open.wait()

    async def make_ready(self, batch: Batch) -> None:
        self.made_ready.append(batch)

    async def deliver(self, batch: Batch) -> int:
        self.begun.append(batch)
        if self.faults:
            raise self.faults.pop(0)
        await self.gate.wait()
        return 1

    def stop(self) -> None:
        self.is_stopping = True
        self.is_open.set()


@dataclass
class Bench:
    transport: ScriptedTransport
    service: ScriptedService
    clock: FakeClock
    guard: FakeGuard
    worker: MessageWorker

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator["asyncio.Task[None]"]:
        """Run the worker; stop it on the way out, unless the test did."""
        task = asyncio.create_task(self.worker.run())
        async with asyncio.timeout(10):
            await settle()
            yield task
            self.worker.stop()
            await task


async def settle() -> None:
    """Let every task go on until it waits for something."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.fixture
def bench(clock: FakeClock) -> Bench:
    return make_bench(clock, WorkerConfig(prefetch=3, lanes=2, beside=1))


def make_bench(clock: FakeClock, config: WorkerConfig, guard: FakeGuard | None = None) -> Bench:
    transport, service = ScriptedTransport(), ScriptedService()
    guard = guard or FakeGuard()
    worker = MessageWorker(transport, cast("Any", service), clock, guard, config)
    return Bench(transport, service, clock, guard, worker)


async def test_a_batch_is_delivered_at_its_instant_and_then_acknowledged(bench: Bench) -> None:
    delivery = bench.transport.put(5 * SECOND)
    async with bench.working():
        # At a full second others leave.
        bench.clock.advance(3 * SECOND)
        await settle()
        assert bench.service.made_ready == []
        bench.clock.advance(SECOND / 2)
        await settle()
        assert bench.service.made_ready == [delivery.batch]
        bench.clock.advance(1.5 * SECOND - timedelta(microseconds=1))
        await settle()
        assert bench.service.begun == []
        bench.clock.advance(timedelta(microseconds=1))
        await settle()
        assert bench.service.begun == [delivery.batch]
        assert (delivery.acked, delivery.released) == (1, 0)


async def test_a_batch_is_held_while_the_clock_is_not_trusted(bench: Bench) -> None:
    bench.guard.reason = "it jumped"
    delivery = bench.transport.put()
    with structlog.testing.capture_logs() as logs:
        async with bench.working():
            for _ in range(3):
                assert (bench.service.begun, delivery.released) == ([], 0)
                bench.clock.advance(SECOND)
                await settle()
            bench.guard.reason = None
            bench.clock.advance(SECOND)
            await settle()
            assert (delivery.acked, delivery.released) == (1, 0)
    assert [entry["event"] for entry in logs] == ["batch_held"]


async def test_a_batch_that_is_not_due_any_more_is_given_back(clock: FakeClock) -> None:
    """The clock was wrong and was set back: the claim would find nothing, and the batch be lost."""

    class SettingGuard(FakeGuard):
        async def check(self) -> None:
            clock.set(START_AT)

    bench = make_bench(clock, WorkerConfig(prefetch=1, lanes=1, beside=1), SettingGuard())
    delivery = bench.transport.put(5 * SECOND)
    async with bench.working():
        bench.clock.advance(5 * SECOND)
        await settle()
    assert (bench.service.begun, delivery.acked, delivery.released) == ([], 0, 1)


async def test_a_batch_that_is_held_is_given_back_when_the_worker_stops(bench: Bench) -> None:
    bench.guard.reason = "it jumped"
    held = [bench.transport.put() for _ in range(3)]  # one more than there are lanes
    async with bench.working() as task:
        bench.worker.stop()
        await task
    assert [(delivery.acked, delivery.released) for delivery in held] == [(0, 1)] * 3
    assert bench.service.begun == []


async def test_a_batch_is_acknowledged_only_when_it_was_seen_through(bench: Bench) -> None:
    bench.service.gate.clear()
    delivery = bench.transport.put()
    async with bench.working():
        assert bench.service.begun == [delivery.batch]
        assert delivery.acked == 0
        bench.service.gate.set()
        await settle()
        assert delivery.acked == 1


async def test_batches_wait_side_by_side_and_no_more_than_are_allowed(bench: Bench) -> None:
    for number in range(5):
        bench.transport.put((5 - number) * SECOND)
    async with bench.working():
        assert bench.transport.queue.qsize() == 2
        bench.clock.advance(3 * SECOND)  # the third is due first; two more may come
        await settle()
        assert len(bench.service.begun) == 3
        assert bench.transport.queue.qsize() == 0


async def test_no_more_batches_are_sent_at_once_than_there_are_lanes(bench: Bench) -> None:
    bench.service.gate.clear()
    for _ in range(3):
        bench.transport.put()
    async with bench.working():
        assert len(bench.service.begun) == 2
        bench.service.gate.set()
        await settle()
        assert len(bench.service.begun) == 3


async def test_batches_of_one_each_second_do_not_wait_for_a_slow_provider(
    clock: FakeClock,
) -> None:
    """As a spread makes them: a call that takes seconds holds up none of those behind it."""
    bench = make_bench(clock, WorkerConfig())
    bench.service.gate.clear()
    for number in range(8):
        bench.transport.put(number * SECOND)
    async with bench.working():
        for number in range(8):
            assert len(bench.service.begun) == number + 1
            bench.clock.advance(SECOND)
            await settle()
        bench.service.gate.set()


async def test_stopping_finishes_what_is_in_flight_and_gives_back_what_waits(
    bench: Bench,
) -> None:
    bench.service.gate.clear()
    in_flight = [bench.transport.put(), bench.transport.put()]
    for_a_lane = bench.transport.put()
    async with bench.working() as task:
        bench.worker.stop()
        assert bench.service.is_stopping
        await settle()
        assert not task.done()
        bench.service.gate.set()
        await task
    assert [delivery.acked for delivery in in_flight] == [1, 1]
    assert (for_a_lane.acked, for_a_lane.released) == (0, 1)
    assert for_a_lane.batch not in bench.service.begun
    assert bench.transport.closed == 1


async def test_stopping_gives_back_what_is_not_yet_due(bench: Bench) -> None:
    delivery = bench.transport.put(60 * SECOND)
    async with bench.working() as task:
        bench.worker.stop()
        await task
    assert (delivery.acked, delivery.released) == (0, 1)
    assert bench.service.begun == []


async def test_nothing_is_taken_after_stopping(bench: Bench) -> None:
    async with bench.working() as task:
        bench.worker.stop()
        delivery = bench.transport.put()
        await task
    assert (delivery.acked, delivery.released) == (0, 0)


async def test_nothing_is_claimed_while_the_provider_is_left_alone(bench: Bench) -> None:
    async with bench.working():
        bench.service.is_open.clear()
        delivery = bench.transport.put()
        await settle()
        assert bench.service.begun == []
        bench.service.is_open.set()
        await settle()
        assert bench.service.begun == [delivery.batch]


async def test_a_batch_that_waits_for_the_provider_is_given_back_when_the_worker_stops(
    bench: Bench,
) -> None:
    async with bench.working():
        bench.service.is_open.clear()
        delivery = bench.transport.put()
        await settle()
        bench.worker.stop()
        await settle()
        assert (bench.service.begun, delivery.released) == ([], 1)


async def test_a_batch_waits_for_a_database_that_is_away(bench: Bench) -> None:
    bench.service.faults = [DatabaseUnavailable("away")] * 3
    delivery = bench.transport.put()
    async with bench.working():
        for tries in range(1, 4):
            assert (len(bench.service.begun), delivery.acked) == (tries, 0)
            bench.clock.advance(timedelta(seconds=1))
            await settle()
        assert (len(bench.service.begun), delivery.acked) == (4, 1)


async def test_a_batch_that_waits_for_the_database_does_not_keep_a_worker_from_stopping(
    bench: Bench,
) -> None:
    bench.service.faults = [DatabaseUnavailable("away")]
    delivery = bench.transport.put()
    async with bench.working():
        bench.worker.stop()
        await settle()
        assert (len(bench.service.begun), delivery.released) == (1, 1)


@pytest.mark.parametrize(
    "fault",
    [
        DatabaseError("refused"),
        RuntimeError("ada@example.com"),
        ExceptionGroup("g", [OSError()]),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_a_batch_that_fails_is_not_acknowledged_and_ends_nothing(
    bench: Bench, fault: Exception
) -> None:
    bench.service.faults = [fault]
    with structlog.testing.capture_logs() as logs:
        failed = bench.transport.put()
        async with bench.working():
            fine = bench.transport.put()
            await settle()
            assert (failed.acked, failed.released, fine.acked) == (0, 0, 1)
    (entry,) = logs
    assert (entry["event"], entry["error"]) == ("batch_failed", type(fault).__name__)
    assert "ada@example.com" not in str(logs)


async def test_failed_batches_are_given_back_after_a_pause_and_free_their_places(
    clock: FakeClock,
) -> None:
    bench = make_bench(clock, WorkerConfig(prefetch=1, lanes=1, beside=1))
    bench.service.faults = [DatabaseError("refused")] * 3
    *failing, fine = [bench.transport.put() for _ in range(4)]
    async with bench.working():
        for number, delivery in enumerate(failing, start=1):
            await settle()
            assert (len(bench.service.begun), delivery.released) == (number, 0)
            clock.advance(SECOND)
            await settle()
            assert (delivery.acked, delivery.released) == (0, 1)
        assert fine.acked == 1


async def test_an_acknowledgement_that_fails_ends_nothing(bench: Bench) -> None:
    bench.transport.put().fault = DatabaseUnavailable("away")
    async with bench.working():
        fine = bench.transport.put()
        await settle()
        assert fine.acked == 1


@pytest.mark.parametrize("fault", [TransportError("away"), KeyError("bug")], ids=repr)
async def test_a_transport_that_fails_is_asked_again_after_a_pause(
    clock: FakeClock, fault: Exception
) -> None:
    bench = make_bench(clock, WorkerConfig(prefetch=2, lanes=1, beside=1))
    for _ in range(5):  # more faults than places: none may be lost on the way
        bench.transport.queue.put_nowait(fault)
    deliveries = [bench.transport.put() for _ in range(4)]
    async with bench.working():
        for _ in range(5):
            assert deliveries[0].acked == 0
            await clock.wait_for_sleepers()
            clock.advance(SECOND)
            await settle()
        assert [delivery.acked for delivery in deliveries] == [1] * 4
        assert bench.transport.opened == 6
        assert bench.transport.closed == 5


async def test_a_worker_tells_while_it_takes_nothing(bench: Bench) -> None:
    told = [bench.worker.trouble]
    bench.transport.queue.put_nowait(TransportError("away"))
    async with bench.working():
        await bench.clock.wait_for_sleepers()
        told.append(bench.worker.trouble)
        bench.clock.advance(21 * SECOND)
        told.append(bench.worker.trouble)
    told.append(bench.worker.trouble)
    assert told == [None, "what carries batches cannot be read", None, "the worker is stopping"]


async def test_a_worker_whose_consumer_was_cancelled_by_a_library_ends(bench: Bench) -> None:
    """It would stay and take nothing; whoever runs it is to know."""
    bench.transport.queue.put_nowait(asyncio.CancelledError())
    async with asyncio.timeout(5):
        await bench.worker.run()
