"""Hold what was claimed: nobody starts a call whose row may be another worker's by its end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from heyday.domain.delivery import LEASE_MARGIN
from heyday.domain.errors import DatabaseError
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import Clock, Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LeaseConfig:
    """Set how long a claim holds unless it is prolonged, and the longest that a call may take."""

    length: timedelta = timedelta(seconds=60)
    call_timeout: timedelta = timedelta(seconds=10)

    @property
    def usable(self) -> float:
        """Return for how many seconds after its begin calls may start."""
        return (self.length - self.call_timeout - LEASE_MARGIN).total_seconds()

    @property
    def heartbeat(self) -> float:
        """Return after how many seconds it is prolonged."""
        return self.length.total_seconds() / 3


class Lease:
    """Hold the rows of one claim until each is recorded.

    PostgreSQL's clock decides when a lease ends; here it is counted on a clock that never jumps,
    from before the statement that began it, so it ends here first.
    """

    def __init__(self, store: Store, clock: Clock, config: LeaseConfig, began: float) -> None:
        """Take when it began: `clock.monotonic()` before the claim."""
        self._store = store
        self._clock = clock
        self._config = config
        self._began = began
        self._held: dict[UUID, ClaimedMessage] = {}

    def hold(self, messages: Sequence[ClaimedMessage]) -> None:
        """Take what the claim brought."""
        self._held = {message.id: message for message in messages}

    def permitted(self, messages: Sequence[ClaimedMessage]) -> Sequence[ClaimedMessage]:
        """Return those of which a call that starts now would end while the row is surely ours."""
        if self._clock.monotonic() >= self._began + self._config.usable:
            return []
        return [message for message in messages if message.id in self._held]

    def release(self, message_ids: Iterable[UUID]) -> None:
        """Let go of what was recorded."""
        for message_id in message_ids:
            self._held.pop(message_id, None)

    async def beat(self) -> None:
        """Say that the worker still lives, if it is time; let go of what is another's by now.

        A beat that fails is missing: the lease then ends, and no further call starts.
        """
        now = self._clock.monotonic()
        if not self._held or now < self._began + self._config.heartbeat:
            return
        held = list(self._held.values())
        try:
            kept = await self._store.in_transaction(
                lambda s: s.messages.prolong(held, self._config.length)
            )
        except DatabaseError as error:
            log.warning("lease_not_prolonged", rows=len(held), error=type(error).__name__)
            return
        self._began = now
        self.release(message.id for message in held if message.id not in kept)
