"""Keys' use is written once a minute."""

import asyncio
from typing import Any, cast

from heyday.schedulers.key_use import EVERY, KeyUse
from tests.fakes import FakeClock


class Ring:
    def __init__(self) -> None:
        self.flushes = 0

    async def flush(self) -> None:
        self.flushes += 1


async def test_it_writes_once_a_minute(clock: FakeClock) -> None:
    ring = Ring()
    writing = asyncio.create_task(KeyUse(cast("Any", ring), clock).run())
    for minute in range(3):
        await clock.wait_for_sleepers()
        assert ring.flushes == minute
        assert clock.sleeping_until == [clock.now() + EVERY]
        clock.advance(EVERY)
        await asyncio.sleep(0)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
