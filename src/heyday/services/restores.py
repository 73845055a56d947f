"""Hold everything after a restore, bring the database up to the ledger of sends, and go on.

Source: docs/adr/0053.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from heyday.domain.errors import DatabaseHeld, LedgerAhead, NotHeld
from heyday.domain.ports import Clock, ClockGuard
from heyday.domain.send_ports import (
    Account,
    Comparison,
    Hold,
    Replayed,
    RestoreStore,
    SendLedger,
)
from heyday.telemetry import Metrics

log = structlog.get_logger()

_LOOK_EVERY = timedelta(seconds=1)


class HoldReason(StrEnum):
    """Say why everything is held."""

    REWOUND = "REWOUND"
    ASKED_FOR = "ASKED_FOR"


_WORDS = {
    HoldReason.REWOUND: "the database is older than what was sent from it: it was restored",
    HoldReason.ASKED_FOR: "somebody holds everything",
}


class RestoreGuard:
    """Let nothing be planned or sent while the database is held, and hold one that was restored.

    It asks the database once a second, whoever asks, and then whoever guards the clocks
    (ports.ClockGuard): so it stands before each run of a job and each batch.
    """

    def __init__(
        self,
        store: RestoreStore,
        ledger: SendLedger,
        clocks: ClockGuard,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._clocks = clocks
        self._clock = clock
        self._metrics = metrics
        self._looking = asyncio.Lock()
        self._looked_at: float | None = None
        self._hold: Hold | None = None

    async def check(self) -> None:
        """Return if nothing is in the way. Raises SendingPaused; DatabaseError if one is away."""
        if self._is_to_look():
            async with self._looking:
                if self._is_to_look():
                    await self._look()
        if self._hold:
            words = _WORDS[HoldReason(self._hold.reason)]
            raise DatabaseHeld(
                f"{words}; nothing is planned or sent until somebody has looked at "
                "`heyday sends show`, and ends it"
            )
        await self._ledger.prove()
        await self._clocks.check()

    def _is_to_look(self) -> bool:
        if self._looked_at is None:
            return True
        return self._clock.monotonic() - self._looked_at >= _LOOK_EVERY.total_seconds()

    async def _look(self) -> None:
        evidence = await self._ledger.find_evidence()
        found = await self._store.look(evidence)
        if found.hold is None and (found.lacks_claims or found.lacks_run):
            now = self._clock.now()
            if await self._store.hold(now, HoldReason.REWOUND):
                log.error("database_restored", claims=found.lacks_claims, runs=found.lacks_run)
            found = await self._store.look(evidence)
        elif found.newest_run and found.hold is None:
            await self._ledger.note_run(found.newest_run)
        self._tell(found.hold)
        self._looked_at = self._clock.monotonic()

    def _tell(self, hold: Hold | None) -> None:
        if hold and self._hold is None:
            log.warning("held", reason=hold.reason)
        elif self._hold and hold is None:
            log.warning("resumed")
        self._hold = hold
        self._metrics.held.set(hold is not None)


@dataclass(frozen=True, slots=True)
class RestoreState:
    """Tell how the database and a ledger of sends stand to each other.

    since: from when on the ledger was read.
    """

    hold: Hold | None
    since: datetime | None
    account: Account
    counts: Comparison


class RestoreService:
    """Show what a ledger knows, replay it, and end the hold.

    plan: plans what the database lacks, so that what was sent has its row and its text.
    """

    def __init__(
        self,
        store: RestoreStore,
        ledger: SendLedger,
        plan: Callable[[], Awaitable[Mapping[str, int]]],
        clock: Clock,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._plan = plan
        self._clock = clock

    async def show(self, since: datetime | None = None) -> RestoreState:
        """Return how they stand. Changes nothing.

        since: from when on to read the ledger; None: from where the database reached when it was
        held. Raises DatabaseError, SendsUnwritable.
        """
        hold = await self._find_hold()
        start_at = since or (hold.back_to if hold else self._clock.now())
        account = await self._ledger.read(start_at)
        return RestoreState(hold, start_at, account, await self._store.compare(account.sends))

    async def hold(self) -> bool:
        """Hold everything; tell whether it was not held."""
        return await self._store.hold(self._clock.now(), HoldReason.ASKED_FOR)

    async def replay(self, since: datetime | None = None) -> Replayed:
        """Bring the database up to the ledger, while everything is held. Raises NotHeld."""
        hold = await self._find_hold()
        if hold is None:
            raise NotHeld
        account = await self._ledger.read(since or hold.back_to)
        await self._plan()
        return await self._store.replay(account.sends)

    async def resume(self, *, is_anyway: bool = False) -> None:
        """Go on. Raises NotHeld; LedgerAhead where greetings would leave again."""
        if not is_anyway:
            state = await self.show()
            if state.hold and not state.counts.is_up_to_date:
                counts = state.counts
                raise LedgerAhead(counts.unsettled + counts.missing + counts.doubtful)
        if not await self._store.resume(self._clock.now()):
            raise NotHeld

    async def _find_hold(self) -> Hold | None:
        return (await self._store.look(await self._ledger.find_evidence())).hold
