"""Run import jobs: one at a time, to the end, whichever processes die meanwhile."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BufferedReader, RawIOBase
from typing import Protocol

import structlog

from heyday.domain.audit import Actor, ActorKind, Deed, doing
from heyday.domain.errors import DatabaseError, InvalidInput
from heyday.domain.imports import (
    KEPT_REJECTS,
    MOST_CLAIMS,
    ImportJob,
    ImportProgress,
    ImportState,
    RejectedRow,
)
from heyday.domain.people import EMAIL_LENGTH
from heyday.domain.ports import Clock, Session, Store
from heyday.services.csv_file import OURS, CsvFile, CsvForm
from heyday.services.import_rows import Chunk, ImportCounts, Layout, Rejection, Row
from heyday.services.importing import ImportService
from heyday.services.rejected_rows import delimiter_of, encode, fit

log = structlog.get_logger()

JOB_CHUNK_ROWS = 1_000
"""Fewer than a command stores at once: to hand rows over keeps other requests waiting."""

_CLEAN_EVERY = timedelta(hours=1)
_READ_BYTES = 1 << 16
_BETWEEN_WORDS = re.compile(r"[\s,;:<>\"'()\[\]\x00-\x1f]+")
_GIVEN_UP = "it was interrupted again and again; import the file in smaller parts"


@dataclass(frozen=True, slots=True)
class ImportRunConfig:
    """Set for how long a claim holds unless its process says that it lives."""

    lease: timedelta = timedelta(seconds=60)


class _ClaimLost(Exception):
    """Report that a job was cancelled, or that another process has it by now."""


class ImportRunner:
    """Take up one job after another.

    The outcome of a chunk and the people in it are stored in one transaction, and only by the
    process that holds the job. So whoever goes on finds the counts right and each person there
    once; it reads the file from the beginning, to know the addresses, and stores what is left.
    """

    def __init__(
        self,
        store: Store,
        importer: ImportService,
        clock: Clock,
        config: ImportRunConfig | None = None,
    ) -> None:
        self._store = store
        self._importer = importer
        self._clock = clock
        self._config = config or ImportRunConfig()
        self._cleaned_at: datetime | None = None

    async def run_once(self) -> bool:
        """Run the next job, if there is one; tell whether there was. Raises DatabaseError."""
        now = self._clock.now()
        await self._clean(now)
        job = await self._store.in_transaction(
            lambda s: s.imports.claim_next(now, self._config.lease)
        )
        if job is None:
            return False
        if job.epoch > MOST_CLAIMS:
            await self._finish(job, ImportState.FAILED, _GIVEN_UP)
            return True
        log.info("import_started", job=str(job.id), bytes=job.bytes_total, epoch=job.epoch)
        beating = asyncio.create_task(self._beat(job))
        try:
            with doing(Deed(Actor(ActorKind.JOB, "import", job.id), "import.run")):
                await self._run(job)
        except _ClaimLost:
            log.info("import_left", job=str(job.id))
        except InvalidInput as error:
            # Nobody could import it, however often it is tried.
            await self._finish(job, ImportState.FAILED, str(error))
        except asyncio.CancelledError:
            await self._release(job)
            raise
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
        return True

    async def _run(self, job: ImportJob) -> None:
        file, layout = StoredFile(self._store, job), Layout.of(job.columns, job.reading)

        async def keep(session: Session, chunk: Chunk, counts: ImportCounts) -> None:
            progress = ImportProgress(
                rows_done=chunk.last_row,
                bytes_done=file.bytes_read,
                imported=counts.imported,
                updated=counts.updated,
                unchanged=counts.unchanged,
                rejected=counts.rejected,
                suspicious=counts.suspicious,
            )
            if not await session.imports.advance(job.id, job.epoch, progress):
                raise _ClaimLost
            rejected = [_rejected(job, layout, rejection) for rejection in chunk.rejections]
            await session.imports.add_rejects(job.id, rejected)

        async with contextlib.aclosing(file.batches()) as batches:
            await self._importer.resume(layout, batches, job.rows_done, keep)
        await self._finish(job, ImportState.DONE, None)

    async def _finish(self, job: ImportJob, state: ImportState, error: str | None) -> None:
        now = self._clock.now()
        if not await self._store.in_transaction(
            lambda s: s.imports.finish(job.id, job.epoch, now, state, error)
        ):
            raise _ClaimLost
        log.info("import_ended", job=str(job.id), state=state.value)

    async def _beat(self, job: ImportJob) -> None:
        """Say again and again that this process lives. A beat that fails is missing."""
        while True:
            await asyncio.sleep(self._config.lease.total_seconds() / 3)
            with contextlib.suppress(DatabaseError):
                await self._store.in_transaction(
                    lambda s: s.imports.prolong(job.id, job.epoch, self._config.lease)
                )

    async def _release(self, job: ImportJob) -> None:
        """Let another process go on at once."""
        with contextlib.suppress(DatabaseError):
            await self._store.in_transaction(
                lambda s: s.imports.prolong(job.id, job.epoch, -self._config.lease)
            )

    async def _clean(self, now: datetime) -> None:
        if self._cleaned_at is None or now - self._cleaned_at >= _CLEAN_EVERY:
            await self._store.in_transaction(lambda s: s.imports.clean(now - KEPT_REJECTS))
            self._cleaned_at = now


class StoredFile:
    """Read the file of a job from the database as it is needed, in a thread of its own."""

    def __init__(self, store: Store, job: ImportJob) -> None:
        self._store = store
        self._job = job
        self._source = _ChunkSource(self._fetch, asyncio.get_running_loop())

    @property
    def bytes_read(self) -> int:
        """Return how much of it has been read."""
        return self._source.bytes_read

    async def batches(self) -> AsyncGenerator[Sequence[Row]]:
        """Yield its rows, some hundred at a time."""
        reader = BufferedReader(self._source, _READ_BYTES)
        form = CsvForm.of(self._job.reading) if self._job.reading else OURS
        file = await asyncio.to_thread(CsvFile, "file", reader, form)
        batches = file.batches()
        while batch := await asyncio.to_thread(next, batches, None):
            yield batch

    async def _fetch(self, number: int) -> bytes | None:
        async with self._store.session() as session:
            return await session.imports.read_chunk(self._job.id, number)


class _Fetch(Protocol):
    def __call__(self, number: int) -> Awaitable[bytes | None]: ...


class _ChunkSource(RawIOBase):
    """Be the file to whoever reads in a thread, while the loop fetches its chunks."""

    def __init__(self, fetch: _Fetch, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._fetch = fetch
        self._loop = loop
        self._chunk = memoryview(b"")
        self._number = 0
        self.bytes_read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        if not self._chunk:
            self._chunk = memoryview(self._next() or b"")
        size = min(len(buffer), len(self._chunk))
        buffer[:size] = self._chunk[:size]
        self._chunk = self._chunk[size:]
        self.bytes_read += size
        return size

    def _next(self) -> bytes | None:
        async def fetch() -> bytes | None:
            return await self._fetch(self._number)

        chunk = asyncio.run_coroutine_threadsafe(fetch(), self._loop).result()
        self._number += 1
        return chunk


def _rejected(job: ImportJob, layout: Layout, rejection: Rejection) -> RejectedRow:
    row, reason = rejection
    return RejectedRow(
        line=row.line,
        reason=reason,
        email=_find_address(layout, row.cells, len(job.columns)),
        cells=encode(fit(row, len(job.columns)), delimiter_of(job.reading)),
    )


def _find_address(layout: Layout, cells: Sequence[str], width: int) -> str | None:
    """Return what may be the address in a row, so that it is found when its person is erased."""
    text = ",".join(cells)
    if len(cells) == width:
        fields = layout.pick(cells) if layout.pick else cells
        text = fields[list(layout.fields).index("email")]
    words = _BETWEEN_WORDS.split(text)
    address = next((word for word in words if "@" in word), "")[:EMAIL_LENGTH]
    # PostgreSQL's texts are UTF-8. What is not is nobody's address.
    return address.encode("utf-8", "ignore").decode() or None
