"""Open a CSV file of people by its path."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.services.csv_file import CsvFile


class OpenFile(CsvFile):
    """Hold an open CSV file of a folder. path: where it lies."""

    def __init__(self, path: Path, source: BufferedReader) -> None:
        self.path = path
        self._source = source
        super().__init__(path.name, source)

    @property
    def position(self) -> int:
        """Return how many bytes have been read."""
        return self._source.tell()


@contextmanager
def open_csv(path: Path) -> Iterator[OpenFile]:
    """Open a file and read its header. Raises InvalidInput if it is not a CSV file with one."""
    if path.is_dir():
        raise _refused(path, "is a folder; expected a CSV file")
    if path.exists() and not path.is_file():
        raise _refused(path, "is not a regular file; expected a CSV file")
    try:
        source = path.open("rb")
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror}") from None
    with source:
        yield OpenFile(path, source)


def _refused(path: Path, detail: str) -> InvalidInput:
    return InvalidInput([FieldProblem(path.name, detail)])
