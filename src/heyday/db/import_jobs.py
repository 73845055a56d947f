"""Keep import jobs in `import_jobs`, `import_chunks` and `import_rejects`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from heyday.db import queries
from heyday.db.types import PooledConnection
from heyday.domain.imports import (
    ImportJob,
    ImportProgress,
    ImportState,
    RejectedRow,
    UploadedFile,
)
from heyday.domain.readings import Reading

_COLUMNS = (
    "id, state, name, columns, has_bom, reading, bytes_total, bytes_done, rows_done, imported, "
    "updated, unchanged, rejected, suspicious, epoch, error, created_at, started_at, finished_at"
)
_SQL = {name: q.fill({"columns": _COLUMNS}) for name, q in queries.load("imports").items()}


def statement(name: str) -> str:
    """Return a statement of imports.sql as it is sent."""
    return _SQL[name]


class ImportJobRepository:
    """Store and find import jobs over one connection."""

    def __init__(self, connection: PooledConnection) -> None:
        self._connection = connection

    async def create(
        self, file: UploadedFile, now: datetime, lease: timedelta, name: str = ""
    ) -> UUID:
        """Store a job whose file is about to come; return its id."""
        values = (list(file.columns), file.has_bom, now, lease, name)
        job_id: UUID = await self._connection.fetchval(_SQL["create"], *values)
        return job_id

    async def add_chunk(self, job_id: UUID, number: int, content: bytes, lease: timedelta) -> bool:
        """Store a part of its file; tell whether the job is still there."""
        return await self._changes("add_chunk", job_id, number, content, lease)

    async def submit(self, job_id: UUID) -> ImportJob | None:
        """Let a job wait whose file is complete, and announce it; return it if it is there."""
        row = await self._connection.fetchrow(_SQL["submit"], job_id)
        await self._connection.execute(_SQL["announce"])
        return _job(row)

    async def hold(self, job_id: UUID, file: UploadedFile, kept: timedelta) -> ImportJob | None:
        """Let a job whose file is complete wait for somebody who starts it; return it."""
        return _job(await self._connection.fetchrow(_SQL["hold"], job_id, *_values(file), kept))

    async def read_otherwise(self, job_id: UUID, file: UploadedFile) -> bool:
        """Note how a file is to be read; tell whether it was there, and its import not started."""
        return await self._changes("read_otherwise", job_id, *_values(file))

    async def start(self, job_id: UUID, file: UploadedFile, now: datetime) -> bool:
        """Let a file wait to be imported like this; tell whether it was there, and not started."""
        if not await self._changes("start", job_id, *_values(file), now):
            return False
        await self._connection.execute(_SQL["announce"])
        return True

    async def read_beginning(self, job_id: UUID, size: int) -> bytes:
        """Return up to so many bytes of the first part of the file."""
        content: bytes | None = await self._connection.fetchval(
            _SQL["read_beginning"], job_id, size
        )
        return content or b""

    async def find(self, job_id: UUID) -> ImportJob | None:
        """Return the job with this id."""
        return _job(await self._connection.fetchrow(_SQL["find"], job_id))

    async def list_page(self, after: UUID | None, limit: int) -> list[ImportJob]:
        """Return up to `limit` jobs, the newest first, after the one given."""
        rows = await self._connection.fetch(_SQL["list_page"], after, limit)
        return [job for row in rows if (job := _job(row))]

    async def claim_next(self, now: datetime, lease: timedelta) -> ImportJob | None:
        """Take the oldest job that is not at its end, unless a living process has it."""
        return _job(await self._connection.fetchrow(_SQL["claim_next"], now, lease))

    async def prolong(self, job_id: UUID, epoch: int, lease: timedelta) -> bool:
        """Let the lease begin anew; tell whether the job is still this claim's."""
        return await self._changes("prolong", job_id, epoch, lease)

    async def read_chunk(self, job_id: UUID, number: int) -> bytes | None:
        """Return a part of the file, counted from 0; None after the last."""
        content: bytes | None = await self._connection.fetchval(_SQL["read_chunk"], job_id, number)
        return content

    async def advance(self, job_id: UUID, epoch: int, progress: ImportProgress) -> bool:
        """Note how far the job has come; tell whether it is still this claim's."""
        return await self._changes(
            "advance",
            job_id,
            epoch,
            progress.rows_done,
            progress.bytes_done,
            progress.imported,
            progress.updated,
            progress.unchanged,
            progress.rejected,
            progress.suspicious,
        )

    async def add_rejects(self, job_id: UUID, rows: Sequence[RejectedRow]) -> None:
        """Store rows that were not taken."""
        await self._connection.execute(
            _SQL["add_rejects"],
            job_id,
            [row.line for row in rows],
            [row.reason for row in rows],
            [row.email for row in rows],
            [row.cells for row in rows],
        )

    async def list_rejects(self, job_id: UUID, after: int, limit: int) -> list[RejectedRow]:
        """Return up to `limit` of them, by line, after the one given."""
        rows = await self._connection.fetch(_SQL["list_rejects"], job_id, after, limit)
        return [RejectedRow(**row) for row in rows]

    async def finish(
        self, job_id: UUID, epoch: int, now: datetime, state: ImportState, error: str | None
    ) -> bool:
        """End a job and drop its file; tell whether it was still this claim's."""
        if not await self._changes("finish", job_id, epoch, now, state.value, error):
            return False
        await self._connection.execute(_SQL["drop_chunks"], job_id)
        return True

    async def cancel(self, job_id: UUID, now: datetime) -> bool:
        """End a job that is not at its end, and drop file and rejected rows; tell if it was so."""
        if not await self._changes("cancel", job_id, now):
            return False
        await self._connection.execute(_SQL["drop_chunks"], job_id)
        await self._connection.execute(_SQL["drop_rejects"], job_id)
        return True

    async def forget(self, job_id: UUID) -> bool:
        """Delete a job that is not going on, with all that it has; tell whether it was there."""
        return await self._changes("forget", job_id)

    async def clean(self, ended_before: datetime) -> None:
        """Drop what jobs rejected that ended so long ago, and uploads that nobody goes on with."""
        await self._connection.execute(_SQL["drop_old_rejects"], ended_before)
        await self._connection.execute(_SQL["drop_uploads"])

    async def _changes(self, name: str, *values: object) -> bool:
        """Run a statement; tell whether it changed a row."""
        return not (await self._connection.execute(_SQL[name], *values)).endswith(" 0")


def _job(row: asyncpg.Record | None) -> ImportJob | None:
    if row is None:
        return None
    reading = row["reading"]
    return ImportJob(
        **{
            **row,
            "state": ImportState(row["state"]),
            "reading": msgspec.json.decode(reading, type=Reading) if reading else None,
        }
    )


def _values(file: UploadedFile) -> tuple[list[str], bool, str | None]:
    reading = msgspec.json.encode(file.reading).decode() if file.reading else None
    return list(file.columns), file.has_bom, reading
