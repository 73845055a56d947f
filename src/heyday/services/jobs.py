"""Keep the journal of scheduler runs, and show it."""

import contextlib
from collections.abc import AsyncIterator

from heyday.domain.models import JobRun
from heyday.domain.ports import Clock, Store
from heyday.domain.timezone import Window
from heyday.telemetry.traces import TRACER, Span


class JobJournal:
    """Write down each run: when it began and ended, its window, its counts, its error."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @contextlib.asynccontextmanager
    async def run(
        self,
        name: str,
        window: Window | None = None,
        *,
        is_manual: bool = False,
        planned_by: str | None = None,
    ) -> AsyncIterator[dict[str, int]]:
        """Record one run; the caller fills in the counts that are lent to it.

        planned_by: the job that wrote most of what this one works on.
        """
        counts: dict[str, int] = {}
        with TRACER.get().part(f"job {name}", {"heyday.job.is_manual": is_manual}) as span:
            run_id = await self._start(name, window, span, is_manual=is_manual)
            if planned_by and span.is_told:
                async with self._store.session() as session:
                    now = self._clock.now()
                    span.link(await session.jobs.find_traceparent(planned_by, now))
            error: str | None = "stopped before the end"
            try:
                yield counts
                error = None
            except Exception as fault:
                # The kind alone: a text of the database may quote a row.
                error = type(fault).__name__
                raise
            finally:
                span.note({f"heyday.job.{what}": rows for what, rows in counts.items()})
                async with self._store.session() as session:
                    await session.jobs.finish(run_id, self._clock.now(), counts, error)

    async def _start(self, name: str, window: Window | None, span: Span, *, is_manual: bool) -> int:
        async with self._store.session() as session:
            run_id = await session.jobs.start(
                name, self._clock.now(), window, is_manual=is_manual, traceparent=span.traceparent
            )
        span.note({"heyday.job.run_id": run_id})
        return run_id


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
