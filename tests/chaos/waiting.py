"""Let moments pass, and wait for conditions."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_LOOK_EVERY = 0.03


async def pause(seconds: float, until: asyncio.Event | None = None) -> None:
    """Let a moment pass whose length is part of a fault; an event may end it early."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await (until or asyncio.Event()).wait()


async def wait_until(
    look: Callable[[], Awaitable[T | None]], seconds: float, what: str, every: float = _LOOK_EVERY
) -> T:
    """Look again and again until there is something; return that. Raises TimeoutError."""
    try:
        async with asyncio.timeout(seconds):
            while not (found := await look()):
                await pause(every)
            return found
    except TimeoutError:
        raise TimeoutError(f"{what}: not within {seconds:g} s") from None
