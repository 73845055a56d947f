"""Full batches take a lane each, small ones go side by side, all in the order of arrival."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from heyday.workers.lanes import Lanes


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def sent_at_once(lanes: Lanes, sizes: list[int]) -> list[int]:
    """Return the sizes of the batches that are let in while none of them ends."""
    inside: list[int] = []

    async def send(size: int) -> None:
        async with lanes.enter(size):
            inside.append(size)
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(send(size)) for size in sizes]
    await settle()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return inside


async def test_full_batches_take_a_lane_each() -> None:
    assert await sent_at_once(Lanes(2, full=64, beside=4), [500, 64, 500]) == [500, 64]


async def test_small_batches_go_side_by_side() -> None:
    assert await sent_at_once(Lanes(2, full=64, beside=4), [1] * 20) == [1] * 8
    assert await sent_at_once(Lanes(1, full=64, beside=4), [40, 20, 20]) == [40, 20]


async def test_a_full_batch_is_not_overtaken_by_small_ones() -> None:
    assert await sent_at_once(Lanes(1, full=64, beside=4), [1, 500, 1, 1]) == [1]


async def test_who_ends_makes_room_for_the_next() -> None:
    lanes, ended = Lanes(1, full=4, beside=1), asyncio.Event()
    inside: list[str] = []

    async def send(name: str) -> None:
        async with lanes.enter(4):
            inside.append(name)
            await ended.wait()

    tasks = [asyncio.create_task(send(name)) for name in ("first", "second")]
    await settle()
    assert inside == ["first"]
    ended.set()
    await asyncio.gather(*tasks)
    assert inside == ["first", "second"]


async def test_who_is_cancelled_while_waiting_keeps_no_room() -> None:
    lanes = Lanes(1, full=4, beside=1)
    async with lanes.enter(4):
        waiting = asyncio.create_task(lanes.enter(4).__aenter__())
        await settle()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(1), lanes.enter(4):
        pass


@given(
    lanes=st.integers(1, 3),
    full=st.integers(1, 100),
    beside=st.integers(1, 8),
    sizes=st.lists(st.integers(1, 600), min_size=1, max_size=40),
)
def test_there_are_never_more_calls_than_for_full_batches_alone(
    lanes: int, full: int, beside: int, sizes: list[int]
) -> None:
    inside = asyncio.run(sent_at_once(Lanes(lanes, full, beside), sizes))
    assert 0 < sum(min(size, full) for size in inside) <= lanes * full
    assert inside == sizes[: len(inside)]
