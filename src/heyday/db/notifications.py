"""Hear what other processes announce, over one connection of its own."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import asyncpg
import structlog

from heyday.db.connection import CONNECTION_LOST
from heyday.domain.ports import Clock

log = structlog.get_logger()

DUE = "heyday_due"
BATCHES = "heyday_batches"
PACE = "heyday_pace"
KEYS = "heyday_keys"
IMPORTS = "heyday_imports"
CHANNELS = (DUE, BATCHES, PACE, KEYS, IMPORTS)

_RECONNECT_AFTER = 1.0
_LOST = (OSError, *CONNECTION_LOST, asyncpg.PostgresError, asyncpg.InterfaceError)


class Announcements(Protocol):
    """Set events when other processes have something to say."""

    def event(self, channel: str) -> asyncio.Event:
        """Return the event that is set whenever there may be something new."""
        ...

    async def run(self) -> None:
        """Set them until cancelled."""
        ...


class Notifications:
    """Turn PostgreSQL's NOTIFY into events. Hearing nothing costs delay only: all who wait poll."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._events = {channel: asyncio.Event() for channel in CHANNELS}

    def event(self, channel: str) -> asyncio.Event:
        """Return the event that is set whenever the channel is notified."""
        return self._events[channel]

    async def run(self) -> None:
        """Listen until cancelled, connecting again whenever the connection is lost."""
        while True:
            try:
                await self._listen()
            except _LOST as error:
                log.info("notifications_lost", error=type(error).__name__)
            await asyncio.sleep(_RECONNECT_AFTER)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(self._url)
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            for channel, event in self._events.items():
                await connection.add_listener(channel, _setter(event))
                # What was said while nobody listened is unknown: let everyone look.
                event.set()
            await lost.wait()
        finally:
            connection.terminate()


def _setter(event: asyncio.Event) -> Callable[..., None]:
    return lambda *_: event.set()


class DueWakeup:
    """Let a loop sleep until its next turn, or until work is announced: what is due, if not else.

    Imports are not told of by Polling, which saves a statement: their loop looks by itself.
    """

    def __init__(self, announcements: Announcements, clock: Clock, channel: str = DUE) -> None:
        self._event = announcements.event(channel)
        self._clock = clock

    async def wait_until(self, at: datetime) -> None:
        """Return at `at`, or earlier when work was announced."""
        await first_of(self._event, self._clock, at)
        self._event.clear()


async def first_of(event: asyncio.Event, clock: Clock, at: datetime) -> None:
    """Return when the event is set or the instant has come, whichever is first."""
    waits = {asyncio.ensure_future(event.wait()), asyncio.ensure_future(clock.sleep_until(at))}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
