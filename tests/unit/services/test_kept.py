"""What a kept value costs, how old it may be, and what becomes of it when reading fails."""

import asyncio
from collections import deque
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from heyday.domain.errors import DatabaseUnavailable
from heyday.services.kept import Kept, KeptEach, Snapshot
from tests.fakes import START_AT, FakeClock

EVERY = timedelta(seconds=5)
LONG = timedelta(minutes=10)
MOMENT = timedelta(milliseconds=1)
AWAY = DatabaseUnavailable("away")


class Figures:
    """A source of numbers: 1, 2, 3; or a fault. It is as slow as a test lets it be."""

    def __init__(self) -> None:
        self.reads = 0
        self.faults: deque[Exception] = deque()
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.begun = asyncio.Event()

    async def read(self) -> int:
        self.reads += 1
        self.begun.set()
        await self.goes_on.wait()
        if self.faults:
            raise self.faults.popleft()
        return self.reads


@pytest.fixture
def figures() -> Figures:
    return Figures()


@pytest.fixture
def kept(figures: Figures, clock: FakeClock) -> Kept[int]:
    return Kept(figures.read, EVERY, clock)


async def settle() -> None:
    """Let what runs in the background come to its end."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_all_who_come_at_once_wait_for_one_reading(kept: Kept[int], figures: Figures) -> None:
    found = await asyncio.gather(*(kept.get() for _ in range(50)))
    assert found == [Snapshot(1, START_AT)] * 50
    assert figures.reads == 1


async def test_within_its_rhythm_a_thousand_looks_read_nothing(
    kept: Kept[int], figures: Figures, clock: FakeClock
) -> None:
    await kept.get()
    clock.advance(EVERY - MOMENT)
    for _ in range(1000):
        assert (await kept.get()).value == 1
    await settle()
    assert figures.reads == 1


async def test_an_old_value_is_shown_at_once_and_the_new_one_at_the_next_look(
    kept: Kept[int], figures: Figures, clock: FakeClock
) -> None:
    await kept.get()
    clock.advance(EVERY)
    figures.goes_on.clear()
    assert await asyncio.gather(*(kept.get() for _ in range(50))) == [Snapshot(1, START_AT)] * 50
    figures.goes_on.set()
    await settle()
    assert await kept.get() == Snapshot(2, START_AT + EVERY)
    assert figures.reads == 2


async def test_a_snapshot_bears_the_instant_at_which_its_reading_began(
    kept: Kept[int], figures: Figures, clock: FakeClock
) -> None:
    figures.goes_on.clear()
    look = asyncio.create_task(kept.get())
    await figures.begun.wait()
    clock.advance(EVERY)
    figures.goes_on.set()
    assert (await look).read_at == START_AT


async def test_who_comes_when_nobody_looked_for_long_sees_the_present(
    kept: Kept[int], clock: FakeClock
) -> None:
    await kept.get()
    clock.advance(LONG)
    assert await kept.get() == Snapshot(2, START_AT + LONG)


async def test_and_does_not_wait_for_ever_for_it(figures: Figures, clock: FakeClock) -> None:
    kept = Kept(figures.read, EVERY, clock, patience=MOMENT)
    await kept.get()
    clock.advance(LONG)
    figures.goes_on.clear()
    assert await kept.get() == Snapshot(1, START_AT)
    figures.goes_on.set()
    await settle()
    assert (await kept.get()).value == 2
    assert figures.reads == 2


async def test_a_fault_leaves_the_old_value_and_is_tried_again_in_its_rhythm(
    kept: Kept[int], figures: Figures, clock: FakeClock
) -> None:
    await kept.get()
    figures.faults.append(AWAY)
    clock.advance(EVERY)
    with capture_logs() as lines:
        await kept.get()
        await settle()
        for _ in range(10):
            assert await kept.get() == Snapshot(1, START_AT)
        await settle()
    assert [(line["event"], line["error"]) for line in lines] == [
        ("figures_not_read", "DatabaseUnavailable")
    ]
    assert figures.reads == 2
    clock.advance(EVERY)
    await kept.get()
    await settle()
    assert (await kept.get()).value == 3


async def test_while_nothing_could_be_read_whoever_looks_hears_why(
    kept: Kept[int], figures: Figures
) -> None:
    figures.faults.append(AWAY)
    with pytest.raises(DatabaseUnavailable):
        await kept.get()
    assert (await kept.get()).value == 2


async def test_who_gives_up_waiting_takes_nothing_from_the_others(
    kept: Kept[int], figures: Figures
) -> None:
    figures.goes_on.clear()
    first, second = (asyncio.create_task(kept.get()) for _ in range(2))
    await figures.begun.wait()
    first.cancel()
    figures.goes_on.set()
    assert (await second).value == 1
    assert figures.reads == 1


async def test_closing_ends_a_reading_that_would_go_on(kept: Kept[int], figures: Figures) -> None:
    figures.goes_on.clear()
    look = asyncio.create_task(kept.get())
    await figures.begun.wait()
    await kept.close()
    with pytest.raises(asyncio.CancelledError):
        await look
    await kept.close()


async def test_each_key_has_a_value_of_its_own(clock: FakeClock) -> None:
    reads = []

    async def read(key: str) -> str:
        reads.append(key)
        return key.upper()

    kept = KeptEach(read, EVERY, clock, most=2)
    assert [(await kept.get(key)).value for key in "abab"] == ["A", "B", "A", "B"]
    assert reads == ["a", "b"]
    # Of a third one, the one that was looked at longest ago makes room.
    assert (await kept.get("a")).value == "A"
    assert [(await kept.get(key)).value for key in "cab"] == ["C", "A", "B"]
    assert reads == ["a", "b", "c", "b"]
    await kept.close()


async def test_what_takes_long_to_read_is_read_more_rarely(
    kept: Kept[int], figures: Figures, clock: FakeClock
) -> None:
    figures.goes_on.clear()
    look = asyncio.create_task(kept.get())
    await figures.begun.wait()
    clock.advance(timedelta(seconds=1))
    figures.goes_on.set()
    await look
    clock.advance(timedelta(seconds=20) - timedelta(seconds=1) - MOMENT)
    await kept.get()
    await settle()
    assert figures.reads == 1
    clock.advance(MOMENT)
    await kept.get()
    await settle()
    assert figures.reads == 2


async def test_a_look_waits_for_nothing(
    kept: Kept[int], figures: Figures, clock: FakeClock
) -> None:
    assert kept.look() is None
    await settle()
    assert kept.look() == Snapshot(1, START_AT)
    clock.advance(EVERY)
    assert kept.look() == Snapshot(1, START_AT)
    await settle()
    assert kept.look() == Snapshot(2, START_AT + EVERY)
    assert figures.reads == 2


async def test_who_finds_nothing_in_time_goes_on_without_it(
    kept: Kept[int], figures: Figures
) -> None:
    figures.goes_on.clear()
    assert await kept.find(MOMENT) is None
    figures.goes_on.set()
    assert await kept.find(LONG) == Snapshot(1, START_AT)
    assert figures.reads == 1


async def test_and_hears_of_a_fault_that_comes_in_time(kept: Kept[int], figures: Figures) -> None:
    figures.faults.append(AWAY)
    figures.goes_on.set()
    figures.faults.append(AWAY)
    with pytest.raises(DatabaseUnavailable):
        await kept.find(LONG)
