"""The loop that looks at the clocks, whatever they say, until it is stopped."""

import asyncio
from datetime import timedelta

import pytest
import structlog

from heyday.domain.errors import ClockUntrusted, DatabaseUnavailable
from heyday.schedulers.clock_watch import ClockWatch
from tests.fakes import FakeClock

SECOND = timedelta(seconds=1)


class Guard:
    """Count the looks; raise what is in `faults`, one by one."""

    def __init__(self, *faults: Exception) -> None:
        self.looks = 0
        self.faults = list(faults)

    async def check(self) -> None:
        self.looks += 1
        if self.faults:
            raise self.faults.pop(0)


async def test_it_looks_every_five_seconds_whatever_it_sees(clock: FakeClock) -> None:
    guard = Guard(ClockUntrusted("it jumped"), DatabaseUnavailable("away"), RuntimeError("a@b.c"))
    with structlog.testing.capture_logs() as logs:
        watching = asyncio.create_task(ClockWatch(guard, clock).run())
        for looks in range(1, 6):
            await clock.wait_for_sleepers()
            assert guard.looks == looks
            clock.advance(5 * SECOND)
            await asyncio.sleep(0)
    assert not watching.done()
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    # What the guard found, it says itself.
    assert [(entry["event"], entry["error"]) for entry in logs] == [
        ("clock_not_read", "DatabaseUnavailable"),
        ("clock_not_read", "RuntimeError"),
    ]
