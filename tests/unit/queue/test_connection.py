"""What a library cancelled is told from what was cancelled on purpose."""

import asyncio

import pytest

from heyday.domain.errors import TransportError
from heyday.queue.connection import cancelled_is_lost, explained


async def wait_for_what_is_cancelled() -> None:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def test_what_a_library_cancelled_is_lost() -> None:
    with pytest.raises(ConnectionError), cancelled_is_lost():
        await wait_for_what_is_cancelled()
    with pytest.raises(TransportError, match=r"RabbitMQ was lost \(ConnectionError\)"), explained():
        await wait_for_what_is_cancelled()


async def test_what_a_library_gives_no_reason_for_is_lost() -> None:
    with pytest.raises(ConnectionError), cancelled_is_lost():
        raise Exception  # noqa: TRY002 - as aiormq does
    with pytest.raises(ValueError, match="ours"), cancelled_is_lost():
        raise ValueError("ours")


async def test_who_is_cancelled_is_cancelled() -> None:
    async def work() -> None:
        with cancelled_is_lost():
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.wait({task}, timeout=0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_time_that_is_over_is_over() -> None:
    with pytest.raises(TimeoutError):
        await _in_time()


async def _in_time() -> None:
    async with asyncio.timeout(0.01):
        with cancelled_is_lost():
            await asyncio.Event().wait()
