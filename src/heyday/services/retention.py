"""Make the months to come, and let go of what is old: texts first, whole months later.

Source: docs/adr/0028.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from heyday.domain.ports import Clock, Store
from heyday.domain.privacy_ports import RetentionStore
from heyday.domain.timezone import Window
from heyday.services.jobs import JobJournal

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
        """Make months, empty and drop; return what was made, emptied and dropped.

        The journal says how far it came: from there the next run goes on.
        """
        now = self._clock.now()
        window = await self._window(now)
        async with self._journal.run(RETENTION, window) as counts:
            if made := await self._retention.make_months(now):
                counts["months_made"] = made
            if self._config.keep_months:
                months = await self._retention.drop_months(now, self._config.keep_months)
                counts |= {"dropped": months.dropped, "kept_open": months.kept}
            if window and self._config.scrub_after:
                letters = await self._retention.scrub_letters(now - self._config.scrub_after)
                greetings = await self._retention.scrub_greetings(window)
                counts["scrubbed"] = greetings + letters
        return counts

    async def _window(self, now: datetime) -> Window | None:
        """Return which greetings are to be emptied: none beyond one that is still open."""
        if not self._config.scrub_after:
            return None
        async with self._store.session() as session:
            start_at = await session.jobs.find_watermark(RETENTION) or _EVER
        end_at = await self._retention.find_settled_before(now - self._config.scrub_after)
        return Window(min(start_at, end_at), end_at)
