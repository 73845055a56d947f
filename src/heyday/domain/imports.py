"""Describe an import of a file that goes on while its caller does something else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from heyday.domain.readings import Reading

KEPT_REJECTS = timedelta(days=7)
"""How long rejected rows are kept after the end of their import: they are personal data."""

KEPT_UPLOADS = timedelta(days=1)
"""How long a file waits for somebody to start its import: it is personal data as well."""

NAME_LENGTH = 200
"""How much of a file's name is kept."""

MOST_CLAIMS = 10
"""How often an import is taken up before it counts as failed: something in it kills processes."""


class ImportState(StrEnum):
    """Name the states of an import job."""

    RECEIVING = "receiving"
    """The file is still being uploaded; nobody sees the job yet."""
    UPLOADED = "uploaded"
    """The file is there, and waits for a person who says how it is to be read, and starts it."""
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ImportJob:
    """Hold a job as stored.

    name: what its file was called, where that is known.   columns, has_bom: of the file.
    reading: how it is to be read; None: as it is.   rows_done: rows whose outcome is stored.
    updated: people who were there already.   unchanged: those of them whom the file did not change.
    epoch: grows with each claim; a process with an older one may write no more.
    """

    id: UUID
    state: ImportState
    name: str
    columns: Sequence[str]
    has_bom: bool
    reading: Reading | None
    bytes_total: int
    bytes_done: int
    rows_done: int
    imported: int
    updated: int
    unchanged: int
    rejected: int
    suspicious: int
    epoch: int
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """Say how far a job has come, and what the chunk that was just stored adds to its counts."""

    rows_done: int
    bytes_done: int
    imported: int
    updated: int
    unchanged: int
    rejected: int
    suspicious: int


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """Say what is known of a file once it has come.

    has_bom: whether what is written back of it begins with a byte order mark.
    """

    columns: Sequence[str]
    has_bom: bool
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """Hold a row that was not taken.

    cells: the row as CSV, as it came, without its line end.   email: what may be its address.
    """

    line: int
    reason: str
    email: str | None
    cells: bytes
