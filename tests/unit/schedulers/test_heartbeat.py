"""The file that shows from outside that a process lives."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from heyday.domain.errors import ConfigurationError
from heyday.schedulers.heartbeat import EVERY, Heartbeat
from tests.fakes import FakeClock

LONG_AGO = 1_000_000_000.0


def age(file: Path) -> None:
    os.utime(file, (LONG_AGO, LONG_AGO))


def is_touched(file: Path) -> bool:
    return file.stat().st_mtime > LONG_AGO


async def test_it_is_touched_at_once_and_every_five_seconds(
    clock: FakeClock, tmp_path: Path
) -> None:
    assert timedelta(seconds=5) == EVERY
    file = tmp_path / "heartbeat"
    beating = asyncio.create_task(Heartbeat(file, clock).run())
    for _ in range(3):
        await clock.wait_for_sleepers()
        assert is_touched(file)
        age(file)
        clock.advance(EVERY)
        await asyncio.sleep(0)
    beating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await beating


async def test_a_fault_later_on_ends_nothing(clock: FakeClock, tmp_path: Path) -> None:
    file = tmp_path / "folder" / "heartbeat"
    file.parent.mkdir()
    with structlog.testing.capture_logs() as logs:
        beating = asyncio.create_task(Heartbeat(file, clock).run())
        await clock.wait_for_sleepers()
        file.unlink()
        file.parent.rmdir()
        clock.advance(EVERY)
        await clock.wait_for_sleepers()
        file.parent.mkdir()
        clock.advance(EVERY)
        await clock.wait_for_sleepers()
    assert file.exists()
    assert [(entry["event"], entry["error"]) for entry in logs] == [
        ("heartbeat_failed", "FileNotFoundError")
    ]
    beating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await beating


async def test_a_place_that_cannot_be_written_is_refused(clock: FakeClock, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"HEYDAY_HEARTBEAT=.*/no/file cannot be written"):
        await Heartbeat(tmp_path / "no" / "file", clock).run()
