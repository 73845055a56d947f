"""A transport that does not answer, and dead letters that are no batch."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from typing import Any, cast

import pytest

from heyday.domain.day_cap import DayCap
from heyday.domain.errors import Conflict, DeadBatchNotFound, TransportError, TransportMisfit
from heyday.domain.queue_ports import DeadBatch, OnTheWay, QueueDepth, TransportName
from heyday.services.queueing import QueueService
from tests.fakes import FakeClock
from tests.shares import MemoryDays

ON_THE_WAY = OnTheWay(coming=1, queued=[2, 0, 0, 0], sending=3, oldest_due_at=None)
DEPTH = QueueDepth(TransportName.RABBITMQ, waiting=1, workers=2, dead=1)


class ScriptedLetters:
    """Hold one dead letter that is no batch."""

    def __init__(self, fault: TransportError | None = None, *, hangs: bool = False) -> None:
        self._fault = fault
        self._hangs = hangs
        self.held = 0

    async def measure(self) -> QueueDepth:
        if self._fault:
            raise self._fault
        if self._hangs:
            await asyncio.Event().wait()
        return DEPTH

    async def list_dead(self, limit: int) -> list[DeadBatch]:
        self.held += 1
        # Whoever holds them keeps them from the next one.
        found = [DeadBatch("odd", "its body is no batch", None)] if self.held == 1 else []
        await asyncio.sleep(0)
        self.held -= 1
        return found[:limit]

    async def replay(self, ids: Collection[str] | None) -> int:
        assert ids
        return 0

    async def purge(self, ids: Collection[str] | None) -> int:
        assert ids is not None
        return len({"odd"} & set(ids))


class Store:
    """Know what is on its way."""

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator["Store"]:
        yield self

    @property
    def messages(self) -> "Store":
        return self

    async def count_on_the_way(self, now: object) -> OnTheWay:
        assert now
        return ON_THE_WAY


def service(letters: ScriptedLetters) -> QueueService:
    patience = timedelta(milliseconds=20)
    return QueueService(letters, cast("Any", Store()), FakeClock(), patience)


async def test_what_the_transport_says_and_what_the_rows_say_is_one_answer() -> None:
    state = await service(ScriptedLetters()).look()
    assert (state.depth, state.on_the_way) == (DEPTH, ON_THE_WAY)


async def test_a_capped_day_is_told_of_with_the_rest() -> None:
    days = MemoryDays(DayCap(3))
    clock = FakeClock()
    await days.draw(clock.now().date(), 5, 0)
    queue = QueueService(ScriptedLetters(), cast("Any", Store()), clock, days=[days])
    (day,) = (await queue.look()).days
    assert (day.used, day.opens_at) == (3, clock.now() + timedelta(days=1))


@pytest.mark.parametrize(
    "letters", [ScriptedLetters(TransportError("away")), ScriptedLetters(hangs=True)]
)
async def test_while_the_transport_is_silent_the_rows_speak(letters: ScriptedLetters) -> None:
    state = await service(letters).look()
    assert (state.depth, state.on_the_way) == (None, ON_THE_WAY)


async def test_a_queue_that_is_something_else_says_what() -> None:
    assert (await service(ScriptedLetters(TransportError("away"))).look()).misfit is None
    state = await service(ScriptedLetters(TransportMisfit("a classic queue"))).look()
    assert (state.depth, state.misfit) == (None, "a classic queue")


async def test_what_is_no_batch_stays_and_can_be_deleted() -> None:
    queue = service(ScriptedLetters())
    with pytest.raises(Conflict, match="no batch"):
        await queue.requeue("odd")
    with pytest.raises(DeadBatchNotFound):
        await queue.requeue("absent")
    with pytest.raises(DeadBatchNotFound):
        await queue.delete("absent")
    await queue.delete("odd")


async def test_two_who_look_at_once_see_the_same() -> None:
    queue = service(ScriptedLetters())
    first, second = await asyncio.gather(queue.list_dead(5), queue.list_dead(5))
    assert first == second != []
