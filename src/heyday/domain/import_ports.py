"""Say what keeps import jobs, their files and the rows that they rejected."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from heyday.domain.imports import (
    ImportJob,
    ImportProgress,
    ImportState,
    RejectedRow,
    UploadedFile,
)


class ImportJobStore(Protocol):
    """Keep import jobs. Leases are counted on PostgreSQL's clock."""

    async def create(
        self, file: UploadedFile, now: datetime, lease: timedelta, name: str = ""
    ) -> UUID:
        """Store a job whose file is about to come; return its id."""
        ...

    async def add_chunk(self, job_id: UUID, number: int, content: bytes, lease: timedelta) -> bool:
        """Store a part of its file; tell whether the job is still there."""
        ...

    async def submit(self, job_id: UUID) -> ImportJob | None:
        """Let a job wait whose file is complete, and announce it; return it if it is there."""
        ...

    async def hold(self, job_id: UUID, file: UploadedFile, kept: timedelta) -> ImportJob | None:
        """Let a job whose file is complete wait for somebody who starts it; return it."""
        ...

    async def read_otherwise(self, job_id: UUID, file: UploadedFile) -> bool:
        """Note how a file is to be read; tell whether it was there, and its import not started."""
        ...

    async def start(self, job_id: UUID, file: UploadedFile, now: datetime) -> bool:
        """Let a file wait to be imported like this; tell whether it was there, and not started."""
        ...

    async def read_beginning(self, job_id: UUID, size: int) -> bytes:
        """Return up to so many bytes of the first part of the file."""
        ...

    async def find(self, job_id: UUID) -> ImportJob | None:
        """Return the job with this id."""
        ...

    async def list_page(self, after: UUID | None, limit: int) -> list[ImportJob]:
        """Return up to `limit` jobs, the newest first, after the one given."""
        ...

    async def claim_next(self, now: datetime, lease: timedelta) -> ImportJob | None:
        """Take the oldest job that is not at its end, unless a living process has it."""
        ...

    async def prolong(self, job_id: UUID, epoch: int, lease: timedelta) -> bool:
        """Let the lease begin anew; tell whether the job is still this claim's."""
        ...

    async def read_chunk(self, job_id: UUID, number: int) -> bytes | None:
        """Return a part of the file, counted from 0; None after the last."""
        ...

    async def advance(self, job_id: UUID, epoch: int, progress: ImportProgress) -> bool:
        """Note how far the job has come; tell whether it is still this claim's."""
        ...

    async def add_rejects(self, job_id: UUID, rows: Sequence[RejectedRow]) -> None:
        """Store rows that were not taken."""
        ...

    async def list_rejects(self, job_id: UUID, after: int, limit: int) -> list[RejectedRow]:
        """Return up to `limit` of them, by line, after the one given."""
        ...

    async def finish(
        self, job_id: UUID, epoch: int, now: datetime, state: ImportState, error: str | None
    ) -> bool:
        """End a job and drop its file; tell whether it was still this claim's."""
        ...

    async def cancel(self, job_id: UUID, now: datetime) -> bool:
        """End a job that is not at its end, and drop file and rejected rows; tell if it was so."""
        ...

    async def forget(self, job_id: UUID) -> bool:
        """Delete a job that is not going on, with all that it has; tell whether it was there."""
        ...

    async def clean(self, ended_before: datetime) -> None:
        """Drop what jobs rejected that ended so long ago, and uploads that nobody goes on with."""
        ...
