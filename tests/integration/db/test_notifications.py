"""What other processes announce is heard, and hearing survives a lost connection."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from heyday.db.notifications import BATCHES, DUE, DueWakeup, Notifications
from heyday.db.types import AnyConnection
from tests.fakes import FakeClock

TERMINATE_ALL = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture
async def notifications(database_url: str) -> AsyncIterator[Notifications]:
    """Notifications that are listening, with both events cleared."""
    notifications = Notifications(database_url)
    listening = asyncio.create_task(notifications.run())
    await heard(notifications, DUE)
    await heard(notifications, BATCHES)
    yield notifications
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def heard(notifications: Notifications, channel: str) -> None:
    """Wait for an event, and clear it."""
    event = notifications.event(channel)
    async with asyncio.timeout(10):
        await event.wait()
    event.clear()


async def test_each_channel_sets_its_own_event(
    notifications: Notifications, connection: AnyConnection
) -> None:
    await connection.execute(f"NOTIFY {DUE}")
    await heard(notifications, DUE)
    assert not notifications.event(BATCHES).is_set()
    await connection.execute(f"NOTIFY {BATCHES}")
    await heard(notifications, BATCHES)
    assert not notifications.event(DUE).is_set()


async def test_a_lost_connection_is_made_anew_and_everyone_looks(
    notifications: Notifications, connection: AnyConnection
) -> None:
    assert await connection.fetchval(TERMINATE_ALL) == 1
    # Whatever was said meanwhile is unknown, so both events come by themselves.
    await heard(notifications, DUE)
    await heard(notifications, BATCHES)
    await connection.execute(f"NOTIFY {DUE}")
    await heard(notifications, DUE)


async def test_a_server_that_is_away_does_not_end_the_listening(database_url: str) -> None:
    urls = ("postgresql://x@127.0.0.1:1/x", "postgresql://x@host.invalid/x", f"{database_url}_not")
    listening = [asyncio.create_task(Notifications(url).run()) for url in urls]
    done, _ = await asyncio.wait(listening, timeout=0.3)
    assert not done
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)


@pytest.mark.parametrize(
    "fault",
    [asyncpg.InternalClientError("unexpected goodbye"), TimeoutError(), ConnectionResetError()],
    ids=lambda fault: type(fault).__name__,
)
async def test_no_way_of_losing_a_connection_ends_the_listening(
    database_url: str, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    connect, faults = asyncpg.connect, [fault]

    async def fail_once(*given: Any, **more: Any) -> object:
        if faults:
            raise faults.pop()
        return await connect(*given, **more)

    monkeypatch.setattr(asyncpg, "connect", fail_once)
    notifications = Notifications(database_url)
    listening = asyncio.create_task(notifications.run())
    await heard(notifications, DUE)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_the_wakeup_returns_when_due_work_is_announced(
    notifications: Notifications, connection: AnyConnection, clock: FakeClock
) -> None:
    wakeup = DueWakeup(notifications, clock)
    waiting = asyncio.create_task(wakeup.wait_until(clock.now() + timedelta(minutes=1)))
    await clock.wait_for_sleepers()
    await connection.execute(f"NOTIFY {DUE}")
    async with asyncio.timeout(10):
        await waiting
    assert not notifications.event(DUE).is_set()
    assert clock.sleeping_until == []


async def test_the_wakeup_returns_at_its_instant(
    notifications: Notifications, clock: FakeClock
) -> None:
    wakeup = DueWakeup(notifications, clock)
    waiting = asyncio.create_task(wakeup.wait_until(clock.now() + timedelta(minutes=1)))
    await clock.wait_for_sleepers()
    clock.advance(timedelta(minutes=1))
    async with asyncio.timeout(10):
        await waiting
