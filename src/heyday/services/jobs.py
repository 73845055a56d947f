"""Keep the journal of scheduler runs, and show it."""

import contextlib
from collections.abc import AsyncIterator

from heyday.domain.models import JobRun
from heyday.domain.ports import Clock, Store
from heyday.domain.timezone import Window


class JobJournal:
    """Write down each run: when it began and ended, its window, its counts, its error."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @contextlib.asynccontextmanager
    async def run(
        self, name: str, window: Window | None = None, *, is_manual: bool = False
    ) -> AsyncIterator[dict[str, int]]:
        """Record one run; the caller fills in the counts that are lent to it."""
        async with self._store.session() as session:
            run_id = await session.jobs.start(name, self._clock.now(), window, is_manual=is_manual)
        counts: dict[str, int] = {}
        error: str | None = "stopped before the end"
        try:
            yield counts
            error = None
        except Exception as fault:
            # The kind alone: a text of the database may quote a row.
            error = type(fault).__name__
            raise
        finally:
            async with self._store.session() as session:
                await session.jobs.finish(run_id, self._clock.now(), counts, error)


class JobRunService:
    """Show the journal."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list_page(
        self, name: str | None, *, is_failed: bool | None, before: int | None, limit: int
    ) -> list[JobRun]:
        """Return up to `limit` runs, the latest first, that began before the one of a number.

        name: of one job alone.   is_failed: those that ended in an error, or those that did not.
        """
        async with self._store.session() as session:
            return await session.jobs.list_page(
                name, is_failed=is_failed, before=before, limit=limit
            )
