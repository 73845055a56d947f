"""Take batches off the transport, wait for their instant, have them sent, acknowledge."""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from heyday.domain.errors import DatabaseError, DatabaseUnavailable, SendingPaused, TransportError
from heyday.domain.models import Batch
from heyday.domain.ports import Clock, ClockGuard, Delivery, Transport
from heyday.services.sending import MessageSenderService
from heyday.telemetry.traces import TRACER, Notes
from heyday.workers.lanes import Lanes

log = structlog.get_logger()

_AFTER_FAILURE = timedelta(seconds=1)
_WHILE_PAUSED = timedelta(seconds=1)
# Longer than a try to read it again takes, and so little that who looks sees it come back.
_LOST_FOR = 20.0
# Time enough to connect, and so little that no server closes a connection that it does not use.
# Batches are due at full seconds, and between two of them nobody is kept waiting.
_READY = timedelta(seconds=1.5)


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """Set how much a worker takes on.

    prefetch: batches held while they wait for their instant.   lanes: batches sent at once, of
    those that fill a lane, with `full` greetings or more.   beside: small ones that share a lane.
    """

    prefetch: int = 32
    lanes: int = 2
    full: int = 64
    beside: int = 4


class MessageWorker:
    """Hold batches until they are due, and see each through."""

    def __init__(
        self,
        transport: Transport,
        service: MessageSenderService,
        clock: Clock,
        guard: ClockGuard,
        config: WorkerConfig,
    ) -> None:
        self._transport = transport
        self._service = service
        self._clock = clock
        self._guard = guard
        self._slots = asyncio.Semaphore(config.prefetch)
        self._lanes = Lanes(config.lanes, config.full, config.beside)
        self._stopping = asyncio.Event()
        self._lost_at: float | None = None

    @property
    def trouble(self) -> str | None:
        """Return why nothing is taken; None if it is, as far as is known."""
        if self._stopping.is_set():
            return "the worker is stopping"
        if self._lost_at is None or self._clock.monotonic() - self._lost_at > _LOST_FOR:
            return None
        return "what carries batches cannot be read"

    async def run(self) -> None:
        """Work until `stop`; then give back what waits, finish what is being sent, and return."""
        async with asyncio.TaskGroup() as group:
            consumer = group.create_task(self._consume(group))
            consumer.add_done_callback(lambda _: self._stopping.set())
            await self._stopping.wait()
            consumer.cancel()

    def stop(self) -> None:
        """Take nothing more, and let `run` come to its end."""
        self._service.stop()
        self._stopping.set()

    async def _consume(self, group: asyncio.TaskGroup) -> None:
        """Take batches for ever. A fault of the transport delays, never ends it."""
        while True:
            try:
                async with contextlib.aclosing(self._transport.deliveries()) as deliveries:
                    await self._slots.acquire()
                    async for delivery in deliveries:
                        group.create_task(self._handle(delivery))
                        await self._slots.acquire()
            except Exception as error:  # noqa: BLE001 - a worker that ended would miss greetings
                self._slots.release()
                self._lost_at = self._clock.monotonic()
                log.warning("transport_lost", error=type(error).__name__)
                await self._clock.sleep_until(self._clock.now() + _AFTER_FAILURE)

    async def _handle(self, delivery: Delivery) -> None:
        taken_at = self._clock.monotonic()
        try:
            await self._sleep_until(delivery.batch.due_at - _READY)
            if not (self._stopping.is_set() or self._is_due(delivery.batch)):
                await self._service.make_ready(delivery.batch)
            await self._sleep_until(delivery.batch.due_at)
            async with self._lanes.enter(len(delivery.batch.message_ids)):
                while not await self._see_through(delivery, taken_at):
                    await self._sleep_until(self._clock.now() + _AFTER_FAILURE)
        except Exception as error:  # noqa: BLE001 - one batch that fails must not end the others
            log.warning("batch_failed", error=type(error).__name__)
            await self._give_back(delivery)
        finally:
            self._slots.release()

    async def _give_back(self, delivery: Delivery) -> None:
        """Have a batch that failed delivered again: the claim finds what is left of it.

        Not at once, for it may fail again; the transport sets it aside after so many times.
        """
        await self._sleep_until(self._clock.now() + _AFTER_FAILURE)
        try:
            await delivery.release()
        except (TransportError, DatabaseError) as error:
            # It comes again by itself.
            log.info("batch_not_released", error=type(error).__name__)

    async def _see_through(self, delivery: Delivery, taken_at: float) -> bool:
        """Deliver and acknowledge, or give back if stopped; tell whether the database let us.

        While it is away the batch waits here: let go, it would be late by its redelivery. To
        deliver it once more is harmless, for the claim finds what is left.
        """
        try:
            await self._service.wait_until_open()
            await self._wait_for_trust()
            if self._stopping.is_set() or not self._is_due(delivery.batch):
                await delivery.release()
            else:
                await self._deliver(delivery, taken_at)
        except DatabaseUnavailable:
            if self._stopping.is_set():
                raise
            log.info("batch_waits_for_database")
            return False
        return True

    async def _deliver(self, delivery: Delivery, taken_at: float) -> None:
        """Deliver and acknowledge. That it was held until its instant is noted, not followed."""
        batch = delivery.batch
        notes: Notes = {
            "heyday.batch.id": str(batch.id),
            "heyday.batch.greetings": len(batch.message_ids),
            "heyday.batch.held_seconds": round(self._clock.monotonic() - taken_at, 3),
            "heyday.batch.late_seconds": (self._clock.now() - batch.due_at).total_seconds(),
        }
        with TRACER.get().process(notes, batch.traceparent) as span:
            span.note({"heyday.batch.claimed": await self._service.deliver(batch)})
            await delivery.ack()

    def _is_due(self, batch: Batch) -> bool:
        """Tell whether the instant has come, for the clock may have been set back meanwhile."""
        return self._clock.now() >= batch.due_at

    async def _wait_for_trust(self) -> None:
        """Return when nothing is held and the clocks agree, or the worker is stopped."""
        is_held = False
        while not self._stopping.is_set():
            try:
                return await self._guard.check()
            except SendingPaused:
                if not is_held:
                    is_held = True
                    log.warning("batch_held")
                await self._sleep_until(self._clock.now() + _WHILE_PAUSED)
        return None

    async def _sleep_until(self, at: datetime) -> None:
        """Return when the instant has come, or the worker is stopped."""
        stopping = asyncio.ensure_future(self._stopping.wait())
        waiting = asyncio.ensure_future(self._clock.sleep_until(at))
        try:
            await asyncio.wait({stopping, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopping, waiting):
                task.cancel()
            await asyncio.gather(stopping, waiting, return_exceptions=True)
