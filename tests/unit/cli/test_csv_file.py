"""What the reader of CSV files makes of good, bad and hostile files."""

import csv
import io
import tracemalloc
from collections import deque
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.cli.csv_file import open_csv
from heyday.domain.errors import InvalidInput
from heyday.services.csv_file import LONGEST_LINE, CsvFile
from heyday.services.import_rows import Row

HEADER = b"first_name,email,timezone\n"
NOT_CLOSED = "a quotation mark on this line is not closed on it"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def rows(path: Path, content: bytes, header: bytes = HEADER) -> list[Row]:
    path.write_bytes(header + content)
    with open_csv(path) as file:
        return list(file.rows())


def refusal(path: Path) -> str:
    with pytest.raises(InvalidInput) as refused, open_csv(path):
        pass
    return str(refused.value)


def test_rows_come_with_their_lines(path: Path):
    assert rows(path, b"Ada,a@x.org,UTC\n\nBob,b@x.org,UTC") == [
        Row(2, ["Ada", "a@x.org", "UTC"]),
        Row(4, ["Bob", "b@x.org", "UTC"]),
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_may_end_as_they_like(path: Path, end: bytes):
    content = b"Ada,a@x.org,UTC\nBob,b@x.org,UTC\n".replace(b"\n", end)
    read = rows(path, content, header=HEADER.replace(b"\n", end))
    assert [(row.line, row.cells[0], row.fault) for row in read] == [
        (2, "Ada", None),
        (3, "Bob", None),
    ]


def test_a_byte_order_mark_is_no_part_of_the_header(path: Path):
    path.write_bytes(b"\xef\xbb\xbf" + HEADER)
    with open_csv(path) as file:
        assert file.has_bom
        assert file.columns == ["first_name", "email", "timezone"]


def test_names_in_the_header_are_trimmed_and_may_come_after_blank_lines(path: Path):
    path.write_bytes(b"\n , ,\n first_name , email,timezone\n")
    with open_csv(path) as file:
        assert file.columns == ["first_name", "email", "timezone"]


def test_a_cell_may_span_lines(path: Path):
    (row, after) = rows(path, b'"Ada\nMaria",a@x.org,UTC\nBob,b@x.org,UTC\n')
    assert row == Row(2, ["Ada\nMaria", "a@x.org", "UTC"])
    assert after.line == 4


def test_rows_without_anything_in_them_are_left_out(path: Path):
    assert rows(path, b",,\n  , ,\nAda,a@x.org,UTC\n,,\n") == [Row(4, ["Ada", "a@x.org", "UTC"])]


def test_too_few_and_too_many_fields_are_faults(path: Path):
    few, one, many, good = rows(path, b"Ada,a@x.org\nAda\nA,b,c,d\nAda,a@x.org,UTC\n")
    assert few == Row(2, ["Ada", "a@x.org"], "has 2 fields, but the header names 3")
    assert one.fault == "has 1 field, but the header names 3"
    assert many == Row(4, ["A", "b", "c", "d"], "has 4 fields, but the header names 3")
    assert good.fault is None


def test_a_quotation_mark_that_is_not_closed_costs_its_own_line_alone(path: Path):
    read = rows(path, b'Ada,a@x.org,UTC\nBob,"b@x.org,UTC\nCy,c@x.org,UTC\nDee,d@x.org,UTC\n')
    assert [(row.line, row.fault) for row in read] == [
        (2, None),
        (3, NOT_CLOSED),
        (4, None),
        (5, None),
    ]
    assert read[1].cells == ['Bob,"b@x.org,UTC']


def test_two_of_them_cost_two_lines(path: Path):
    read = rows(path, b'A,"a@x.org,UTC\nB,b@x.org,UTC\nC,"c@x.org,UTC\nD,d@x.org,UTC\n')
    assert [row.line for row in read if row.fault] == [2, 4]
    assert [row.cells[0] for row in read if not row.fault] == ["B", "D"]


def test_one_before_a_long_file_costs_its_own_line_alone(path: Path):
    many = b"".join(b"Ada,a%d@x.org,UTC\n" % n for n in range(20_000))
    read = rows(path, b'Bob,"b@x.org,UTC\n' + many)
    assert [row.line for row in read if row.fault] == [2]
    assert [row.line for row in read] == list(range(2, 20_003))


def test_one_on_the_last_line(path: Path):
    assert rows(path, b'Ada,"a@x.org,UTC') == [Row(2, ['Ada,"a@x.org,UTC'], NOT_CLOSED)]


def test_text_after_a_closing_quotation_mark_is_a_fault(path: Path):
    stray, good = rows(path, b'"Ada" Maria,a@x.org,UTC\n"Bob ""B""",b@x.org,UTC\n')
    assert stray.fault is not None
    assert "text follows a closing quotation mark" in stray.fault
    assert good == Row(3, ['Bob "B"', "b@x.org", "UTC"])


def test_a_line_without_end_is_one_fault_and_not_a_full_memory(path: Path):
    content = b"Ada," + b"x" * 20_000_000 + b",UTC\nBob,b@x.org,UTC\n"
    (long, good), peak = rows_and_peak(path, content)
    assert (long.line, good.line) == (2, 3)
    assert long.fault is not None
    assert "is longer than 65,536 characters" in long.fault
    assert good.fault is None
    assert peak < 3_000_000


def rows_and_peak(path: Path, content: bytes, last: int = 2) -> tuple[list[Row], int]:
    """Return the last rows of a file, and how many bytes were in memory at most."""
    path.write_bytes(HEADER + content)
    del content
    tracemalloc.start()
    with open_csv(path) as file:
        kept = list(deque(file.rows(), maxlen=last))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return kept, peak


def test_a_long_line_after_a_quotation_mark_that_is_not_closed(path: Path):
    content = b'Ada,"a@x.org,UTC\n' + b"x" * (LONGEST_LINE + 10) + b"\nBob,b@x.org,UTC\n"
    read = rows(path, content)
    assert [(row.line, bool(row.fault)) for row in read] == [(2, True), (3, True), (4, False)]
    assert read[0].fault == NOT_CLOSED


def test_a_row_of_endlessly_many_lines_is_a_fault_and_not_a_full_memory(path: Path):
    lines = 20_000
    content = b'"a\n' + b'b","c\n' * lines + b'd"\nBob,b@x.org,UTC\n'
    read, _ = rows_and_peak(path, content, last=lines + 3)
    assert read[0] == Row(2, ['"a'], NOT_CLOSED)
    assert read[-1] == Row(lines + 4, ["Bob", "b@x.org", "UTC"])
    (*_, good), peak = rows_and_peak(path, content)
    assert good.fault is None
    assert peak < 2_000_000


def test_bytes_that_are_not_utf_8_are_a_fault_that_names_line_and_byte(path: Path):
    latin, good = rows(path, "René,r@x.org,UTC\n".encode("latin-1") + b"Ada,a@x.org,UTC\n")
    assert latin.line == 2
    assert latin.fault == ("byte 4 of the line (0xE9) is not UTF-8; save the file as UTF-8")
    assert latin.cells[0].encode("utf-8", "surrogateescape") == b"Ren\xe9"
    assert good.fault is None


def test_other_scripts_and_nul_bytes_pass_the_reader(path: Path):
    """A NUL byte is a control character, which is not the reader's to judge."""
    read = rows(path, "葵,a@x.org,UTC\nA\0da,a@x.org,UTC\n".encode())
    assert [(row.cells[0], row.fault) for row in read] == [("葵", None), ("A\0da", None)]


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"", "is empty; the first line must name the columns, such as first_name,last_name"),
        (b"\n\n", "is empty"),
        (b"Ada,Lovelace,a@x.org,UTC\n", "has no header; the first line must name the columns"),
        (b"first_name;email;timezone\n", "must have commas between its columns"),
        (b"first_name\temail\n", "must have commas between its columns"),
        ("first_name,email\n".encode("utf-16"), "is UTF-16 or no text at all"),
        ("first_name,email\n".encode("utf-16-be"), "is UTF-16 or no text at all"),
        (b"\x7fELF\0\0\0\n", "is UTF-16 or no text at all"),
        (b"first_name,\xe9mail\n", "line 1: byte 12 of the line (0xE9) is not UTF-8"),
        (b'"first_name,email\n', "line 1: a quotation mark on this line is not closed"),
        (b"x" * 200_000, "line 1: is longer than 65,536 characters"),
    ],
)
def test_a_file_without_a_header_is_refused(path: Path, content: bytes, detail: str):
    path.write_bytes(content)
    assert detail in refusal(path)


def test_what_is_no_file_is_refused(tmp_path: Path):
    assert "nobody.csv: cannot be read: No such file" in refusal(tmp_path / "nobody.csv")
    assert "is a folder" in refusal(tmp_path)
    assert "is not a regular file" in refusal(Path("/dev/null"))
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    assert "cannot be read" in refusal(tmp_path / "loop.csv")


HOSTILE = st.lists(
    st.sampled_from(
        ["A,b,c", '"', ",", "\n", "\r", "\r\n", " ", '"A","b","c"', "\u2028", "\udce9"]
    ),
    max_size=40,
)


@given(HOSTILE)
def test_what_is_read_line_by_line_is_read_by_the_block_as_well(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str]
):
    """The short way for lines that are a row each must not change what a row is."""
    content = "".join(parts).encode("utf-8", "surrogateescape")
    by_block = rows(tmp_path_factory.mktemp("any") / "any.csv", content)
    with mock.patch.object(CsvFile, "_read_plain", return_value=None):
        assert rows(tmp_path_factory.mktemp("any") / "any.csv", content) == by_block


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("shift", range(20))
def test_a_block_may_end_anywhere(path: Path, end: str, shift: int):
    line, header = "Ada," + "é" * 30 + "@x.org,UTC" + end, HEADER.replace(b"\n", end.encode())
    first, *read = rows(path, ("x" * shift + ",b,c" + end + line * 2_000).encode(), header)
    assert first.cells == ["x" * shift, "b", "c"]
    assert [row.line for row in read] == list(range(3, 2_003))
    assert {tuple(row.cells) for row in read} == {tuple(line.strip().split(","))}


@given(st.binary(max_size=300))
def test_any_bytes_give_rows_or_faults(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    """Whatever follows the header: no exception, lines in order, and cells for each good row."""
    read = rows(tmp_path_factory.mktemp("any") / "any.csv", content)
    lines = [row.line for row in read]
    assert lines == sorted(set(lines))
    assert all(len(row.cells) == 3 for row in read if not row.fault)


cells = st.lists(st.text('ab",\n\r é', max_size=5), min_size=3, max_size=3)


@given(st.lists(cells.filter(lambda row: any(c.strip() for c in row)), max_size=8))
def test_what_a_csv_writer_wrote_is_read(
    tmp_path_factory: pytest.TempPathFactory, written: list[list[str]]
):
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows(written)
    read = rows(tmp_path_factory.mktemp("any") / "any.csv", buffer.getvalue().encode())
    assert [(list(row.cells), row.fault) for row in read] == [(row, None) for row in written]
