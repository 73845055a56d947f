"""Put into words and figures what pages say of imports."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from heyday.domain.errors import FieldProblem
from heyday.domain.imports import ImportJob, ImportState, RejectedRow
from heyday.domain.people import FIELDS, REQUIRED
from heyday.domain.tzdb import PINNED
from heyday.services.import_previews import Preview, PreviewRow
from heyday.services.rejected_rows import delimiter_of
from heyday.web import import_forms as forms

GOING = frozenset({ImportState.WAITING, ImportState.RUNNING})
"""The states of an import whose counts may still grow."""

_FIELD = re.compile(rf"(?:(?<=^)|(?<=; ))({'|'.join(FIELDS)})(?=[:.])")
_LONGEST_CELL = 80
_KIB = 1024


@dataclass(frozen=True, slots=True)
class JobView:
    """Show a job. changed: people who were there, and are otherwise now.

    rate: rows a second since it began.   percent: of its file that was read.
    """

    job: ImportJob
    changed: int
    percent: int
    took: timedelta | None
    rate: int | None

    @property
    def is_going(self) -> bool:
        """Tell whether its counts may still grow."""
        return self.job.state in GOING

    @classmethod
    def of(cls, job: ImportJob, now: datetime) -> "JobView":
        """Return how a job looks at an instant."""
        took = None if job.started_at is None else (job.finished_at or now) - job.started_at
        seconds = took.total_seconds() if took else 0
        return cls(
            job=job,
            changed=job.updated - job.unchanged,
            percent=100 * job.bytes_done // job.bytes_total if job.bytes_total else 0,
            took=took,
            rate=round(job.rows_done / seconds) if seconds > 0 else None,
        )


def of_preview(preview: Preview, refused: Sequence[FieldProblem] = ()) -> dict[str, Any]:
    """Return what the page before an import shows. refused: why it was not started."""
    reading = preview.reading
    return {
        "preview": preview,
        "job": preview.job,
        "reading": reading,
        "chosen": forms.chosen_in(reading),
        "choices": {
            "delimiter": forms.DELIMITERS,
            "encoding": forms.ENCODINGS,
            "header": forms.HEADERS,
            "dates": forms.ORDERS,
        },
        "labels": forms.LABELS,
        "required": REQUIRED,
        "zones": [name for name in sorted(PINNED.names) if _is_place(name)],
        "size": _size(preview.job.bytes_total),
        "left_out": [
            name
            for place, name in enumerate(preview.columns)
            if place not in reading.columns.values()
        ],
        "examples": [_short(example) for example in preview.examples],
        "meanings": forms.meanings(preview.doubtful) if preview.doubtful else (),
        "problems": {problem.field: problem.detail for problem in preview.problems},
        "refused": [(_id_of(problem), problem) for problem in refused],
        "shown": [_of_row(preview, row) for row in preview.rows],
        "told": [(row.line, plain(row.reason or "")) for row in preview.rejected],
        "is_cut": preview.refused > len(preview.rejected),
    }


def of_reject(job: ImportJob, row: RejectedRow) -> tuple[int, str, Sequence[str]]:
    """Return the line of a row that was not taken, why, and its cells."""
    text = row.cells.decode("utf-8", "replace")
    cells = next(csv.reader([text], delimiter=delimiter_of(job.reading).value), [])
    return row.line, plain(row.reason), [_short(cell) for cell in cells]


def plain(reason: str) -> str:
    """Return why a row is not taken with fields called as pages call them."""
    return _FIELD.sub(lambda found: forms.LABELS[found[1]], reason)


def _is_place(zone: str) -> bool:
    """Tell whether a zone is one that people look for: not an old name, nor an offset."""
    area, _, place = zone.partition("/")
    return zone == "UTC" or bool(place and area not in {"Etc", "US", "SystemV"})


def _size(length: int) -> str:
    """Write how long a file is: "512 bytes", "1.4 MiB"."""
    if length < _KIB:
        return f"{length} bytes"
    return f"{length / _KIB:.0f} KiB" if length < _KIB**2 else f"{length / _KIB**2:,.1f} MiB"


def _of_row(preview: Preview, row: PreviewRow) -> Mapping[str, Any]:
    """Return the cells of a row as they would be stored, or as they came."""
    cells: Sequence[object] = row.cells
    if row.person:
        cells = [getattr(row.person, name) for name in preview.reading.fields]
    elif not preview.problems and len(row.cells) == len(preview.columns):
        cells = preview.reading.picker()(row.cells)
    return {
        "line": row.line,
        "cells": [_written(cell) for cell in cells],
        "reason": plain(row.reason) if row.reason else None,
    }


def _id_of(problem: FieldProblem) -> str:
    """Return the id of what on the page is to be changed."""
    return f"column-{problem.field}" if problem.field in FIELDS else problem.field


def _written(cell: object) -> str:
    return forms.in_words(cell) if isinstance(cell, date) else _short(str(cell or ""))


def _short(cell: str) -> str:
    # What was no character of the file stands in cells as half a pair, which no page can hold.
    shown = cell.encode("utf-8", "replace").decode()
    return shown if len(shown) <= _LONGEST_CELL else f"{shown[:_LONGEST_CELL]}…"
