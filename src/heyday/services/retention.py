"""Make the months to come, and let go of what is old: texts first, whole months later.

Source: docs/adr/0028.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog

from heyday.domain.ports import Clock, Store
from heyday.domain.privacy_ports import RetentionStore
from heyday.domain.timezone import Window
from heyday.services.jobs import JobJournal

T = TypeVar("T")

log = structlog.get_logger()

RETENTION = "retention"
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RetentionConfig:
    """Set how long what is kept.

    scrub_after: after this texts are emptied; None: never.   keep_months: older months are
    dropped; 0: never.
    """

    scrub_after: timedelta | None = timedelta(days=90)
    keep_months: int = 0


class RetentionService:
    """Do what is due of it. Any number may run at once."""

    def __init__(
        self,
        store: Store,
        retention: RetentionStore,
        journal: JobJournal,
        clock: Clock,
        config: RetentionConfig,
    ) -> None:
        self._store = store
        self._retention = retention
        self._journal = journal
        self._clock = clock
        self._config = config

    async def run(self) -> dict[str, int]:
        """Make months, drop and empty; return what was made, dropped and emptied.

        Each step has its turn, whatever became of the others; then the fault of the first that
        failed is raised. The journal says how far the last run came that had none: from there the
        next one goes on.
        """
        now, turns, after = self._clock.now(), _Turns(), self._config.scrub_after
        before = now - after if after else None
        window = await turns.take("find_window", self._window(before)) if before else None
        async with self._journal.run(RETENTION, window) as counts:
            if made := await turns.take("make_months", self._retention.make_months(now)):
                counts["months_made"] = made
            if keep := self._config.keep_months:
                drop = self._retention.drop_months(now, keep)
                if months := await turns.take("drop_months", drop):
                    counts.update(dropped=months.dropped, kept_open=months.kept)
            if before:
                counts["scrubbed"] = await self._scrub(turns, before, window)
            turns.end()
        return counts

    async def _scrub(self, turns: "_Turns", before: datetime, window: Window | None) -> int:
        letters = await turns.take("scrub_letters", self._retention.scrub_letters(before))
        if window is None:
            return letters or 0
        greetings = await turns.take("scrub_greetings", self._retention.scrub_greetings(window))
        return (letters or 0) + (greetings or 0)

    async def _window(self, before: datetime) -> Window:
        """Return which greetings are to be emptied: none beyond one that is still open."""
        async with self._store.session() as session:
            start_at = await session.jobs.find_watermark(RETENTION) or _EVER
        end_at = await self._retention.find_settled_before(before)
        return Window(min(start_at, end_at), end_at)


class _Turns:
    """Let steps have their turn one after the other, and remember what failed."""

    def __init__(self) -> None:
        self._faults: list[Exception] = []

    async def take(self, step: str, work: Awaitable[T]) -> T | None:
        """Return what a step returns; None where it failed."""
        try:
            return await work
        except Exception as error:  # noqa: BLE001 - it would keep the next ones from their turn
            log.warning("retention_step_failed", step=step, error=type(error).__name__)
            self._faults.append(error)
            return None

    def end(self) -> None:
        """Raise the fault of the first that failed, if one did."""
        if self._faults:
            raise self._faults[0]
