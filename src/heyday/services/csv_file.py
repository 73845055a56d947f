"""Read a CSV file row by row, to the end, whatever is in it.

What is wrong with a row is its fault alone. In particular a quotation mark that is never closed
does not swallow the rest of the file: reading goes on at the next line.
"""

import csv
from collections import deque
from collections.abc import Iterator
from io import BufferedReader, TextIOWrapper
from typing import Any

from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.people import FIELDS
from heyday.services.import_rows import Row

# No valid row comes near these; they keep a broken file from filling the memory.
LONGEST_LINE = 64 * 1024
MOST_LINES = 20

_BOM = b"\xef\xbb\xbf"
# How the first bytes of a UTF-16 file look when they are read as UTF-8.
_UTF16_MARKS = ("\udcff\udcfe", "\udcfe\udcff")
_UNCLOSED = "a quotation mark on this line is not closed on it"
_STRAY = 'text follows a closing quotation mark; write "" for a quotation mark within a field'


class CsvFile:
    """Hold an open CSV file: its columns, and its rows as they are read.

    name: what refusals are to call it.   Bytes that are not UTF-8 stand in cells as surrogates
    (PEP 383), so that they can be written back as they came.
    Raises InvalidInput if it is not a CSV file with a header.
    """

    def __init__(self, name: str, source: "BufferedReader[Any]") -> None:
        self._name = name
        self.has_bom = source.peek(len(_BOM))[: len(_BOM)] == _BOM
        text = TextIOWrapper(source, "utf-8-sig", errors="surrogateescape", newline="")
        self._lines = _Lines(text)
        self._reader = csv.reader(self._lines, strict=True)
        self.columns = self._read_header()

    def rows(self) -> Iterator[Row]:
        """Yield each row, with its fault if it cannot be read. Blank ones are left out."""
        while (row := self._next()) is not None:
            if row.fault or "".join(row.cells).strip():
                yield row

    def _next(self) -> Row | None:
        """Return the next row, or None at the end of the file."""
        lines = self._lines
        lines.start_row()
        line, fault, cells = lines.number + 1, None, None
        try:
            cells = next(self._reader, None)
        except csv.Error as error:
            fault = _explain(error)
        except OSError as error:
            raise self._refused(f"line {line}: cannot be read: {error.strerror}") from error
        if fault is None and cells is None:
            return None
        spans_lines = len(lines.row) > 1
        if cells is not None and (len(cells) == len(self.columns) or not spans_lines):
            return Row(line, cells, self._find_fault(cells))
        cells = [lines.row[0].rstrip("\r\n")]
        if spans_lines:
            fault = _UNCLOSED
            lines.step_back()
        return Row(line, cells, fault)

    def _find_fault(self, cells: list[str]) -> str | None:
        for line in self._lines.row:
            if not line.isascii() and (fault := _find_undecodable(line)):
                return fault
        if len(cells) == len(self.columns) or not cells:
            return None
        fields = "1 field" if len(cells) == 1 else f"{len(cells)} fields"
        return f"has {fields}, but the header names {len(self.columns)}"

    def _read_header(self) -> list[str]:
        """Return the names in the first row that is not blank."""
        names: list[str] = []
        try:
            for cells in self._reader:
                names = [cell.strip() for cell in cells]
                if any(names):
                    break
        except csv.Error as error:
            raise self._refused(f"line {self._lines.number}: {_explain(error)}") from None
        except OSError as error:
            raise self._refused(f"cannot be read: {error.strerror}") from error
        if fault := self._find_header_fault(names):
            raise self._refused(fault)
        return names

    def _find_header_fault(self, names: list[str]) -> str | None:
        header = "".join(names)
        if "\0" in header or header.startswith(_UTF16_MARKS):
            return "is UTF-16 or no text at all; save it as CSV in UTF-8"
        for number, line in enumerate(self._lines.row, start=1):
            if fault := _find_undecodable(line):
                return f"line {number}: {fault}"
        if set(names) & set(FIELDS):
            return None
        if len(names) == 1 and (";" in header or "\t" in header):
            return "must have commas between its columns"
        what = "has no header" if header else "is empty"
        return f"{what}; the first line must name the columns, such as {','.join(FIELDS)}"

    def _refused(self, detail: str) -> InvalidInput:
        return InvalidInput([FieldProblem(self._name, detail)])


class _Lines:
    """Hand lines to csv.reader, and keep those of the present row, to step back to the second."""

    def __init__(self, text: TextIOWrapper) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self.row: list[str] = []
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        self.row.append(line)
        if isinstance(line, _CutLine):
            raise csv.Error(f"is longer than {LONGEST_LINE:,} characters; the rest is left out")
        if len(self.row) > MOST_LINES:
            raise csv.Error(_UNCLOSED)
        return line

    def start_row(self) -> None:
        self.row = []

    def step_back(self) -> None:
        """Have every line of this row but the first read again."""
        again = self.row[1:]
        self._again.extendleft(reversed(again))
        self.number -= len(again)

    def _read(self) -> str:
        line = self._text.readline(LONGEST_LINE + 1)
        if len(line) <= LONGEST_LINE or _is_whole(line):
            return line
        rest = line
        while rest and not _is_whole(rest):
            rest = self._text.readline(LONGEST_LINE)
        return _CutLine(line)


class _CutLine(str):
    """Hold the beginning of a line that is too long."""

    __slots__ = ()


def _is_whole(line: str) -> bool:
    return line.endswith(("\n", "\r"))


def _explain(error: csv.Error) -> str:
    """Turn the csv module's messages into ours."""
    text = str(error)
    if "expected after" in text:
        return _STRAY
    if "unexpected end of data" in text or "field larger than" in text:
        return _UNCLOSED
    return text


def _find_undecodable(line: str) -> str | None:
    """Say where a line is not UTF-8, if it is not."""
    try:
        line.encode()
    except UnicodeEncodeError as error:
        before = len(line[: error.start].encode())
        byte = ord(line[error.start]) & 0xFF
        return f"byte {before + 1} of the line (0x{byte:02X}) is not UTF-8; save the file as UTF-8"
    return None
