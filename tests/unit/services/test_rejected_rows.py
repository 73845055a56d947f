"""How rejected rows are written: as they came, and never more cells than columns."""

import csv
from io import StringIO

import pytest

from heyday.services.import_rows import Row
from heyday.services.rejected_rows import encode, encode_header, fit


@pytest.mark.parametrize(
    ("cells", "fitted"),
    [
        (["a", "b"], ["a", "b"]),
        (["half"], ["half", ""]),
        ([], ["", ""]),
        (["a", "b", "c", "d"], ["a", "b,c,d"]),
    ],
)
def test_a_row_has_as_many_cells_as_there_are_columns(cells: list[str], fitted: list[str]):
    assert fit(Row(2, cells), 2) == fitted


@pytest.mark.parametrize(
    "cell", ["=1+1", "@x", 'a"b', "a,b", "a\nb", "a\rb", "", " x ", "\u202e", "\x00"]
)
def test_cells_come_back_as_they_were(cell: str):
    assert next(csv.reader(StringIO(encode([cell, "x"]).decode(), newline=""))) == [cell, "x"]


def test_bytes_that_are_not_utf_8_come_back_as_they_were():
    assert encode(["Ren\udce9", "x"]) == b"Ren\xe9,x"


@pytest.mark.parametrize(("has_bom", "begins"), [(False, b"email,"), (True, b"\xef\xbb\xbfemail,")])
def test_a_report_begins_as_the_file_did(has_bom: bool, begins: bytes):  # noqa: FBT001 - a table
    header = encode_header(["email"], has_bom=has_bom)
    assert header.startswith(begins)
    assert header.endswith(b"email,line,reason\n")
