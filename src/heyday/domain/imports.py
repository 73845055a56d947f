"""Describe an import of a file that goes on while its caller does something else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

KEPT_REJECTS = timedelta(days=7)
"""How long rejected rows are kept after the end of their import: they are personal data."""

MOST_CLAIMS = 10
"""How often an import is taken up before it counts as failed: something in it kills processes."""


class ImportState(StrEnum):
    """Name the states of an import job."""

    RECEIVING = "receiving"
    """The file is still being uploaded; nobody sees the job yet."""
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ImportJob:
    """Hold a job as stored.

    columns, has_bom: of the file.   rows_done: rows whose outcome is stored.
    epoch: grows with each claim; a process with an older one may write no more.
    """

    id: UUID
    state: ImportState
    columns: Sequence[str]
    has_bom: bool
    bytes_total: int
    bytes_done: int
    rows_done: int
    imported: int
    updated: int
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
    rejected: int
    suspicious: int


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """Hold a row that was not taken.

    cells: the row as CSV, as it came, without its line end.   email: what may be its address.
    """

    line: int
    reason: str
    email: str | None
    cells: bytes
