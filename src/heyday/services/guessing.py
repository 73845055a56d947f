"""Guess how a file of people is to be read, from how it begins. A person looks at it afterwards."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BufferedReader, BytesIO
from itertools import islice

from heyday.domain.addresses import normalize_address
from heyday.domain.dates import WrongDate
from heyday.domain.errors import InvalidInput
from heyday.domain.readings import Delimiter, Encoding, Reading
from heyday.domain.tzdb import PINNED
from heyday.domain.written_dates import DateOrder, OrderGuess, guess_order, reader_of
from heyday.services.column_names import guess_columns
from heyday.services.csv_file import CsvFile, CsvForm
from heyday.services.import_rows import Row

SAMPLE_BYTES = 1 << 18
"""So much of a file is looked at before somebody says how it is to be read."""

SAMPLE_ROWS = 500
"""And of its rows so many at the most."""

_DATES = ("birthday_date", "anniversary_date")
_NAME = "file"
# A column is of a kind if as many of its cells that are not empty are.
_MOSTLY = 0.8


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold the beginning of a file as it was read: the names of its columns, and its first rows."""

    columns: Sequence[str]
    rows: Sequence[Row]
    has_bom: bool

    def cells(self, place: int) -> Iterator[str]:
        """Yield the cells of a column that are not empty."""
        for row in self.rows:
            if len(row.cells) == len(self.columns) and (cell := row.cells[place].strip()):
                yield cell


def read_sample(beginning: bytes, form: CsvForm, *, is_whole: bool) -> Sample:
    """Return the first rows of a file that begins like this; of the last one, all or nothing.

    Raises InvalidInput if it cannot be read in this form.
    """
    end = max(beginning.rfind(b"\n"), beginning.rfind(b"\r")) + 1
    if end and not is_whole:
        beginning = beginning[:end]
    file = CsvFile(_NAME, BufferedReader(BytesIO(beginning)), form)
    return Sample(file.columns, list(islice(file.rows(), SAMPLE_ROWS)), file.has_bom)


def guess_reading(
    beginning: bytes, encoding: Encoding, *, is_whole: bool
) -> tuple[Reading, Sample]:
    """Return how a file seems to be meant. Raises InvalidInput if it is none of rows."""
    form = _guess_form(beginning, encoding, is_whole=is_whole)
    sample = read_sample(beginning, form, is_whole=is_whole)
    return _guess_in_sample(form, sample), sample


def guess_in_form(form: CsvForm, beginning: bytes, *, is_whole: bool) -> Reading:
    """Return how a file of a form seems to be meant. Raises InvalidInput if it is not of it."""
    return _guess_in_sample(form, read_sample(beginning, form, is_whole=is_whole))


def _guess_in_sample(form: CsvForm, sample: Sample) -> Reading:
    columns = guess_columns(sample.columns) if form.has_header else {}
    columns |= _guess_by_cells(sample, columns, _KINDS if form.has_header else _ALL_KINDS)
    reading = Reading(columns, form.encoding, form.delimiter, form.has_header)
    return replace(reading, dates=guess_dates(sample, reading).order)


def guess_dates(sample: Sample, reading: Reading) -> OrderGuess:
    """Return how the dates of the columns that are to be dates seem to be written."""
    places = [reading.columns[name] for name in _DATES if name in reading.columns]
    known = [place for place in places if place < len(sample.columns)]
    return guess_order(cell for place in known for cell in sample.cells(place))


def _guess_form(beginning: bytes, encoding: Encoding, *, is_whole: bool) -> CsvForm:
    """Return the form in which most rows have as many cells as the first one, and more than one.

    Raises InvalidInput if it can be read in none.
    """
    best, best_score = CsvForm(encoding, is_ours=False), (-1.0, 0)
    refused: InvalidInput | None = None
    for delimiter in Delimiter:
        form = replace(best, delimiter=delimiter)
        try:
            sample = read_sample(beginning, form, is_whole=is_whole)
        except InvalidInput as error:
            refused = refused or error
            continue
        width = len(sample.columns)
        fitting = sum(len(row.cells) == width for row in sample.rows)
        share = fitting / len(sample.rows) if sample.rows else 1.0
        score = (share if width > 1 else 0.0, width)
        if score > best_score:
            best, best_score = form, score
    if refused and best_score <= (0.0, 1):
        raise refused
    first = read_sample(beginning, best, is_whole=is_whole).columns
    return replace(best, has_header=not _are_values(first))


def _are_values(cells: Sequence[str]) -> bool:
    """Tell whether a first row is a person: no column is named like an address or a zone."""
    return any(normalize_address(cell) or cell in PINNED.names for cell in cells)


def _guess_by_cells(
    sample: Sample, taken: Mapping[str, int], kinds: Mapping[str, Callable[[str], bool]]
) -> dict[str, int]:
    """Return for fields without a column one whose cells look like it."""
    found: dict[str, int] = {}
    for name, is_kind in kinds.items():
        free = [
            place
            for place in range(len(sample.columns))
            if place not in taken.values() and place not in found.values()
        ]
        if name not in taken:
            place = next((p for p in free if _is_mostly(sample.cells(p), is_kind)), None)
            found |= {} if place is None else {name: place}
    return found


def _is_mostly(cells: Iterable[str], is_kind: Callable[[str], bool]) -> bool:
    looks = [is_kind(cell) for cell in cells]
    return sum(looks) > len(looks) * _MOSTLY


def _is_address(cell: str) -> bool:
    return "@" in cell and normalize_address(cell) is not None


def _is_zone(cell: str) -> bool:
    return cell in PINNED.names


def _is_date(cell: str) -> bool:
    for read in _READERS:
        try:
            read(cell)
        except WrongDate:
            continue
        return True
    return False


_READERS = tuple(reader_of(order) for order in DateOrder)
_KINDS = {"email": _is_address, "timezone": _is_zone}
# A column that has a name may hold dates of anything.
_ALL_KINDS = {**_KINDS, "birthday_date": _is_date}
