"""Read a CSV file row by row, to the end, whatever is in it.

What is wrong with a row is its fault alone. In particular a quotation mark that is never closed
does not swallow the rest of the file: reading goes on at the next line.
"""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader, StringIO, TextIOWrapper
from typing import Any

from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.people import FIELDS
from heyday.domain.readings import MOST_COLUMNS, Delimiter, Encoding, Reading
from heyday.services.import_rows import Row

# No valid row comes near these; they keep a broken file from filling the memory.
LONGEST_LINE = 64 * 1024
MOST_LINES = 20

# What is read at once, in characters: some hundred rows, whose checking takes about a millisecond.
_BLOCK = 1 << 14
_BOM = b"\xef\xbb\xbf"
# How the first bytes of a UTF-16 file look when they are read as UTF-8.
_UTF16_MARKS = ("\udcff\udcfe", "\udcfe\udcff")
_UNCLOSED = "a quotation mark on this line is not closed on it"
_STRAY = 'text follows a closing quotation mark; write "" for a quotation mark within a field'


@dataclass(frozen=True, slots=True)
class CsvForm:
    """Say how a CSV file is written. is_ours: its columns have the names of fields of a person."""

    encoding: Encoding = Encoding.UTF_8
    delimiter: Delimiter = Delimiter.COMMA
    has_header: bool = True
    is_ours: bool = True

    @classmethod
    def of(cls, reading: Reading) -> "CsvForm":
        """Return the form of a file that is to be read like this."""
        return cls(reading.encoding, reading.delimiter, reading.has_header, is_ours=False)


OURS = CsvForm()
"""The form of files that are imported as they are."""


class CsvFile:
    """Hold an open CSV file: its columns, and its rows as they are read.

    name: what refusals are to call it.   Bytes that are no characters stand in cells as surrogates
    (PEP 383), so that they can be written back as they came.
    Raises InvalidInput if it is not a CSV file of the form, with a header where it has to have one.
    """

    def __init__(self, name: str, source: "BufferedReader[Any]", form: CsvForm = OURS) -> None:
        self._name = name
        self._form = form
        self.has_bom = source.peek(len(_BOM))[: len(_BOM)] == _BOM
        encoding = "utf-8-sig" if form.encoding is Encoding.UTF_8 else form.encoding.value
        text = TextIOWrapper(source, encoding, errors="surrogateescape", newline="")
        self._lines = _Lines(text)
        self._delimiter = form.delimiter.value
        self._reader = csv.reader(self._lines, strict=True, delimiter=self._delimiter)
        self.columns = self._read_header()
        self._width = len(self.columns)

    def rows(self) -> Iterator[Row]:
        """Yield each row, with its fault if it cannot be read. Blank ones are left out."""
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[list[Row]]:
        """Yield the same rows, some hundred at a time: no more than a block of the file holds."""
        while lines := self._read_block():
            rows = self._read_plain(lines)
            if rows is None:
                self._lines.put_back(lines)
                rows = list(self._read_until(self._lines.number + len(lines)))
            if rows:
                yield rows

    def _read_block(self) -> list[str]:
        """Return the next lines: none at the end of the file."""
        try:
            return self._lines.read_block()
        except OSError as error:
            line = self._lines.number + 1
            raise self._refused(f"line {line}: cannot be read: {error.strerror}") from error

    def _read_plain(self, lines: Sequence[str]) -> list[Row] | None:
        """Return the rows of lines that are a row each; None where more is to be looked at."""
        if len(max(lines, key=len)) > LONGEST_LINE or self._find_undecodable("".join(lines)):
            return None
        try:
            read = list(csv.reader(lines, strict=True, delimiter=self._delimiter))
        except csv.Error:
            return None
        if len(read) != len(lines):
            return None
        first = self._lines.number + 1
        self._lines.number += len(lines)
        return [
            Row(line, cells, self._find_odd_width(cells))
            for line, cells in enumerate(read, first)
            if not _is_blank(cells) or len(cells) not in {0, self._width}
        ]

    def _read_until(self, last_line: int) -> Iterator[Row]:
        """Yield the rows that begin up to this line, one by one."""
        while self._lines.number < last_line and (row := self._next()):
            if row.fault or not _is_blank(row.cells):
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
            if fault := self._find_undecodable(line):
                return fault
        return self._find_odd_width(cells)

    def _find_odd_width(self, cells: list[str]) -> str | None:
        if len(cells) == self._width or not cells:
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
        if not self._form.has_header:
            self._lines.step_back_whole()
            return [f"column {number}" for number in range(1, len(names) + 1)]
        return names

    def _find_header_fault(self, names: list[str]) -> str | None:
        header = "".join(names)
        if "\0" in header or header.startswith(_UTF16_MARKS):
            return "is UTF-16 or no text at all; save it as CSV in UTF-8"
        for number, line in enumerate(self._lines.row, start=1):
            if fault := self._find_undecodable(line):
                return f"line {number}: {fault}"
        if len(names) > MOST_COLUMNS and not self._form.is_ours:
            return f"has {len(names):,} columns; at most {MOST_COLUMNS} are taken"
        if set(names) & set(FIELDS) or (header and not self._form.is_ours):
            return None
        if len(names) == 1 and (";" in header or "\t" in header):
            return "must have commas between its columns"
        what = "has no header" if header else "is empty"
        return f"{what}; the first line must name the columns, such as {','.join(FIELDS)}"

    def _find_undecodable(self, line: str) -> str | None:
        return _find_undecodable(line, self._form.encoding)

    def _refused(self, detail: str) -> InvalidInput:
        return InvalidInput([FieldProblem(self._name, detail)])


class _Lines:
    """Hand lines to csv.reader, and keep those of the present row, to step back to the second.

    number: of the line that was handed over last.
    """

    def __init__(self, text: TextIOWrapper) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self.row: list[str] = []
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        again = self._again
        line = self._cut(again.popleft() if again else self._text.readline(LONGEST_LINE + 1))
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
        self._read_again(self.row[1:])

    def step_back_whole(self) -> None:
        """Have every line since the last start of a row read again."""
        self._read_again(self.row)
        self.row = []

    def _read_again(self, again: list[str]) -> None:
        self._again.extendleft(reversed(again))
        self.number -= len(again)

    def put_back(self, lines: Sequence[str]) -> None:
        """Have lines of a block handed over, before what follows in the file."""
        self._again.extend(lines)

    def read_block(self) -> list[str]:
        """Return some of the lines that follow. The last may be the beginning of a long one."""
        if self._again:
            lines = list(self._again)
            self._again.clear()
            return lines
        block = self._text.read(_BLOCK)
        # newline="": lines end here as they end for the file, with either character or both.
        return list(StringIO(block + self._text.readline(LONGEST_LINE + 1), newline=""))

    def _cut(self, line: str) -> str:
        """Return a line, or the beginning of one that is too long, whose rest is then read."""
        is_whole = _is_whole(line)
        if len(line) <= LONGEST_LINE + is_whole or isinstance(line, _CutLine):
            return line
        rest = "" if is_whole else line
        while rest and not _is_whole(rest):
            rest = self._text.readline(LONGEST_LINE)
        return _CutLine(line[: LONGEST_LINE + 1])


class _CutLine(str):
    """Hold the beginning of a line that is too long."""

    __slots__ = ()


def _is_blank(cells: Sequence[str]) -> bool:
    # Nearly every row has something in its first cell.
    return not (cells and cells[0].strip()) and not "".join(cells).strip()


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


def _find_undecodable(line: str, encoding: Encoding) -> str | None:
    """Say where a line is not of the encoding, if it is not."""
    if line.isascii():
        return None
    try:
        line.encode()
    except UnicodeEncodeError as error:
        before = len(line[: error.start].encode(encoding))
        byte = ord(line[error.start]) & 0xFF
        name = "UTF-8" if encoding is Encoding.UTF_8 else "Windows-1252"
        return f"byte {before + 1} of the line (0x{byte:02X}) is not {name}; save the file as UTF-8"
    return None
