"""Take people in from the rows of a file: what is right is stored, what is wrong is named.

Rows stream through in chunks. A chunk is one transaction: its people and their plans. Whatever
stops an import, what was stored is whole, and importing the same rows again does the rest.
"""

import asyncio
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Iterable,
    Sequence,
)
from contextlib import aclosing

from heyday.domain.ports import Clock, Session, Store
from heyday.services.import_rows import (
    Chunk,
    ImportCounts,
    Layout,
    Row,
    RowChecker,
    breathing,
)
from heyday.services.planning import Planner
from heyday.services.storing import store_people
from heyday.telemetry import Metrics

CHUNK_ROWS = 5_000
# Two chunks on their way to PostgreSQL keep it busy while the next one is checked.
_STORED_AT_ONCE = 2

Reject = Callable[[Row, str], None]
"""Is told of each rejected row and the reason, before the rows of its chunk are stored."""

Keep = Callable[[Session, Chunk, ImportCounts], Awaitable[None]]
"""Writes down what became of a chunk, in the transaction that stores its people."""


class ImportService:
    """Import people chunk by chunk. metrics: where to count rows; None: nowhere."""

    def __init__(
        self,
        store: Store,
        planner: Planner,
        clock: Clock,
        chunk_rows: int = CHUNK_ROWS,
        metrics: Metrics | None = None,
    ) -> None:
        self._metrics = metrics
        self._store = store
        self._planner = planner
        self._clock = clock
        self._chunk_rows = chunk_rows

    async def run(
        self, columns: Sequence[str], batches: Iterable[Sequence[Row]], reject: Reject
    ) -> AsyncGenerator[ImportCounts]:
        """Import rows; yield the counts so far after each chunk that was stored.

        batches: rows in their order, as many at a time as may be checked before others run.
        A person is known by address. Columns that the file does not have stay as they are.
        Close the generator (contextlib.aclosing) if you may leave it early.
        Raises InvalidInput for columns that are wrong, before anything is stored.
        """
        layout = Layout.of(columns, None)
        counts = ImportCounts()
        storing: deque[asyncio.Task[ImportCounts]] = deque()
        checker = RowChecker(layout, self._clock, self._chunk_rows)
        try:
            async with aclosing(checker.chunks(breathing(batches))) as chunks:
                async for chunk in chunks:
                    for rejection in chunk.rejections:
                        reject(*rejection)
                    if len(storing) == _STORED_AT_ONCE:
                        counts += await storing.popleft()
                        yield counts
                    storing.append(asyncio.create_task(self._store_chunk(layout, chunk)))
            while storing:
                counts += await storing.popleft()
                yield counts
        finally:
            for task in storing:
                task.cancel()
            await asyncio.gather(*storing, return_exceptions=True)

    async def resume(
        self,
        layout: Layout,
        batches: AsyncIterable[Sequence[Row]],
        skip: int,
        keep: Keep,
    ) -> None:
        """Import the rows after the first `skip`, one chunk after another.

        keep: is called for each chunk. What it raises undoes the chunk, and ends the import.
        """
        checker = RowChecker(layout, self._clock, self._chunk_rows, skip)
        async with aclosing(checker.chunks(batches)) as chunks:
            async for chunk in chunks:
                self._note(await self._store_chunk(layout, chunk, keep))

    def _note(self, counts: ImportCounts) -> None:
        if self._metrics:
            for outcome in ("imported", "updated", "unchanged", "rejected"):
                self._metrics.import_rows.labels(outcome).inc(getattr(counts, outcome))

    async def _store_chunk(
        self, layout: Layout, chunk: Chunk, keep: Keep | None = None
    ) -> ImportCounts:
        now = self._clock.now()
        await self._planner.prepare(self._store, now)

        async def work(session: Session) -> ImportCounts:
            stored = await store_people(session, self._planner, chunk.people, now, layout.fields)
            counts = chunk.counts(len(stored.new), stored.changed)
            if keep:
                await keep(session, chunk, counts)
            return counts

        if chunk.people or keep:
            return await self._store.in_transaction(work)
        return chunk.counts(imported=0, changed=0)
