"""Write the rows that an import rejected into a file beside the one that they came from."""

import contextlib
import csv
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from heyday.cli.csv_file import OpenFile
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.services.csv_file import LONGEST_LINE
from heyday.services.import_rows import Row
from heyday.services.rejected_rows import ADDED, fit, to_csv


class RejectedFile:
    """Write FILE.rejected.csv while the import goes on; leave none if nothing was rejected.

    It is made before anything is imported, so that no row can fail without a place to say so, and
    each row reaches the operating system at once, so that a crash keeps what was written.
    Raises InvalidInput if it cannot be written, if another import is writing it, or if a file of
    that name is there that no import wrote.
    """

    def __init__(self, source: OpenFile, path: Path | None = None) -> None:
        self.path = path or _path_for(source.path)
        self.count = 0
        self._columns = source.columns
        self._file = self._open("utf-8-sig" if source.has_bom else "utf-8")
        self._write([*source.columns, *ADDED])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.count == 0:
            self.path.unlink(missing_ok=True)
        # What could not be written has been told of when it was.
        with contextlib.suppress(OSError):
            self._file.close()

    def add(self, row: Row, reason: str) -> None:
        """Write one row: a short one filled up, what is over put into the last column."""
        self._write([*fit(row, len(self._columns)), row.line, reason])
        self.count += 1

    def _write(self, cells: list[object]) -> None:
        try:
            self._file.write(f"{to_csv(cells)}\n")
        except OSError as error:
            raise self._refused(f"cannot be written: {error.strerror}") from error

    def _open(self, encoding: str) -> TextIO:
        try:
            number = self._lock()
        except OSError as error:
            raise self._refused(f"cannot be written: {error.strerror}") from error
        if not _is_report(number):
            os.close(number)
            raise self._refused("is there, and no import wrote it; move it away")
        os.ftruncate(number, 0)
        os.lseek(number, 0, os.SEEK_SET)
        # buffering=1: line by line.
        return os.fdopen(
            number, "w", buffering=1, encoding=encoding, errors="surrogateescape", newline=""
        )

    def _lock(self) -> int:
        """Return a file descriptor that no other import has, and that still has its name."""
        while True:
            number = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(number)
                raise self._refused("is being written by another import of this file") from None
            if os.fstat(number).st_nlink:
                return number
            os.close(number)

    def _refused(self, detail: str) -> InvalidInput:
        return InvalidInput([FieldProblem(self.path.name, detail)])


def _path_for(path: Path) -> Path:
    stem = path.stem if path.suffix.lower() == ".csv" else path.name
    return path.with_name(f"{stem}.rejected.csv")


def _is_report(number: int) -> bool:
    """Tell whether a file is empty or begins as our reports do."""
    head = os.read(number, LONGEST_LINE)
    lines = head.decode("utf-8-sig", "replace").splitlines()
    try:
        return not head or next(csv.reader(lines[:1]), [])[-2:] == [*ADDED]
    except csv.Error:
        return False
