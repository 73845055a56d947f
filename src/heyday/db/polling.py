"""Look for what NOTIFY would tell: through a transaction pooler nobody can listen."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from heyday.db.connection import Database
from heyday.db.message_logs import statement
from heyday.db.notifications import CHANNELS, DUE, PACE
from heyday.db.transport import TransportConfig
from heyday.domain.errors import DatabaseError
from heyday.domain.models import ClaimRules
from heyday.domain.ports import Clock

log = structlog.get_logger()

LOOK_EVERY = timedelta(seconds=1)
# By then a batch should be there. What is due later, the next full minute will take.
_AHEAD = TransportConfig().lead
_NEWS = statement("news")


class Polling:
    """Take the place of Notifications. Whoever waits for batches looks as often by itself.

    rules: what may leave at an instant; what may not is no news, however long it lies there.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        rules: Callable[[datetime], ClaimRules],
        every: timedelta = LOOK_EVERY,
    ) -> None:
        self._database = database
        self._clock = clock
        self._rules = rules
        self._every = every
        self._events = {channel: asyncio.Event() for channel in CHANNELS}
        self._slowed_at: datetime | None = None

    def event(self, channel: str) -> asyncio.Event:
        """Return the event that is set whenever there is something to look at."""
        return self._events[channel]

    async def run(self) -> None:
        """Look until cancelled. A look that fails costs delay only."""
        while True:
            try:
                await self.look()
            except DatabaseError as error:
                log.info("look_failed", error=type(error).__name__)
            await asyncio.sleep(self._every.total_seconds())

    async def look(self) -> None:
        """Look once. Raises DatabaseError."""
        now = self._clock.now()
        rules = self._rules(now)
        values = (rules.earliest, now + _AHEAD, list(rules.skip_before))
        async with self._database.connection() as connection:
            (news,) = await connection.fetch(_NEWS, *values)
        if news["is_due"]:
            self._events[DUE].set()
        if news["slowed_at"] != self._slowed_at:
            self._slowed_at = news["slowed_at"]
            self._events[PACE].set()
