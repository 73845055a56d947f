"""Write down rows that an import rejected, each with its line and the reason, as CSV.

Cells stand there as they came, also those that a spreadsheet would take for formulas (=, +, -, @):
it is the company's own file, to be corrected and imported again, and a changed cell would come
back changed.
"""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from heyday.domain.readings import Delimiter, Reading
from heyday.services.import_rows import Row

ADDED = ("line", "reason")
"""The columns that a report has after those of the file."""

_END = "\r\n"


def fit(row: Row, width: int) -> list[str]:
    """Return as many cells: a short row filled up, what is over put into the last column."""
    cells = list(row.cells)
    if len(cells) > width:
        cells[width - 1 :] = [",".join(cells[width - 1 :])]
    return cells + [""] * (width - len(cells))


def delimiter_of(reading: Reading | None) -> Delimiter:
    """Return what stands between the columns of a report: the same as in the file."""
    return reading.delimiter if reading else Delimiter.COMMA


def to_csv(cells: Iterable[object], delimiter: Delimiter = Delimiter.COMMA) -> str:
    """Return one line of CSV without its end."""
    line = StringIO()
    # Cells that hold any part of the line's end are put in quotes.
    csv.writer(line, lineterminator=_END, delimiter=delimiter.value).writerow(cells)
    return line.getvalue().removesuffix(_END)


def encode(cells: Iterable[object], delimiter: Delimiter = Delimiter.COMMA) -> bytes:
    """Return the same as bytes, in UTF-8; what was no character comes back as it was."""
    return to_csv(cells, delimiter).encode("utf-8", "surrogateescape")


def encode_header(
    columns: Sequence[str], delimiter: Delimiter = Delimiter.COMMA, *, has_bom: bool
) -> bytes:
    """Return the first line of a report, with a byte order mark if the file had one."""
    header = encode([*columns, *ADDED], delimiter)
    return (header.decode().encode("utf-8-sig") if has_bom else header) + b"\n"
