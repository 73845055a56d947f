"""No part of a process ends without the process."""

import asyncio

import pytest

from heyday.cli.serve import _run


class Cancelled:
    """Wait for what a library cancels."""

    async def run(self) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future


class Over:
    """Come to an end."""

    async def run(self) -> None:
        """Do nothing."""


class Staying:
    """Never end."""

    async def run(self) -> None:
        await asyncio.Event().wait()


@pytest.mark.parametrize("part", [Cancelled(), Over()])
async def test_a_part_that_ends_by_itself_is_no_quiet_end(part: Cancelled | Over) -> None:
    with pytest.raises(RuntimeError, match=f"{type(part).__name__} ended by itself"):
        await _run(part, asyncio.Event())


async def test_a_part_that_was_asked_to_end_may() -> None:
    stopping = asyncio.Event()
    stopping.set()
    await _run(Over(), stopping)


async def test_a_part_that_is_cancelled_is_cancelled() -> None:
    task = asyncio.create_task(_run(Staying(), asyncio.Event()))
    await asyncio.wait({task}, timeout=0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
