"""What is left behind of rejected rows, and what is never overwritten."""

import csv
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from heyday.cli.csv_file import OpenFile, open_csv
from heyday.cli.rejected_file import RejectedFile
from heyday.domain.errors import InvalidInput
from heyday.services.import_rows import Row

HEADER = "first_name,email\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(HEADER)
    return path


@pytest.fixture
def report(path: Path) -> Path:
    return path.with_name("people.rejected.csv")


def write(path: Path, *rows: tuple[Row, str]) -> None:
    with open_csv(path) as file, RejectedFile(file) as rejected:
        for row, reason in rows:
            rejected.add(row, reason)


def refusal(file: OpenFile) -> str:
    with pytest.raises(InvalidInput) as refused:
        RejectedFile(file)
    return str(refused.value)


def test_rows_stand_there_as_they_came_with_line_and_reason(path: Path, report: Path):
    write(path, (Row(3, ["=1+1", "@x"]), "email: is wrong"), (Row(9, ['A"', ""]), "no, really"))
    assert report.read_text() == (
        "first_name,email,line,reason\n"
        "=1+1,@x,3,email: is wrong\n"
        '"A""",,9,"no, really"\n'
    )  # fmt: skip


def test_rows_of_another_length_lose_nothing(path: Path, report: Path):
    write(path, (Row(2, ["half"]), "short"), (Row(3, ["a", "b", "c", "d"]), "long"))
    assert list(csv.reader(report.read_text().splitlines()))[1:] == [
        ["half", "", "2", "short"],
        ["a", "b,c,d", "3", "long"],
    ]


def test_bytes_that_are_not_utf_8_come_back_as_they_were(path: Path, report: Path):
    path.write_bytes(HEADER.encode() + b"Ren\xe9,r@x.org\n")
    with open_csv(path) as file, RejectedFile(file) as rejected:
        for row in file.rows():
            rejected.add(row, row.fault or "")
    assert b"\nRen\xe9,r@x.org,2,byte 4" in report.read_bytes()


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_it_begins_with_a_byte_order_mark_if_the_file_did(path: Path, report: Path, mark: bytes):
    path.write_bytes(mark + HEADER.encode())
    write(path, (Row(2, ["a", "b"]), "wrong"))
    assert report.read_bytes().startswith(mark + b"first_name")


def test_nothing_rejected_leaves_none_and_removes_an_earlier_one(path: Path, report: Path):
    write(path, (Row(2, ["a", "b"]), "wrong"))
    assert report.exists()
    write(path)
    assert not report.exists()


def test_each_row_is_there_before_the_next_one_comes(path: Path, report: Path):
    """So that a crash, which runs no cleaning up, leaves what was written."""
    with open_csv(path) as file, RejectedFile(file) as rejected:
        assert report.read_text() == "first_name,email,line,reason\n"
        rejected.add(Row(2, ["a", "b"]), "wrong")
        assert report.read_text().endswith("a,b,2,wrong\n")


def test_the_report_of_a_crashed_import_is_replaced(path: Path, report: Path):
    report.write_text("first_name,email,line,reason\nold,old,2,old\nhalf a li")
    write(path, (Row(5, ["new", "new"]), "new"))
    assert report.read_text().splitlines()[1:] == ["new,new,5,new"]


@pytest.mark.parametrize("content", [b"first_name,email\nAda,a@x.org\n", b"\0\xff", b'"never\n'])
def test_a_file_that_no_import_wrote_is_not_overwritten(path: Path, report: Path, content: bytes):
    report.write_bytes(content)
    with open_csv(path) as file:
        assert "people.rejected.csv: is there, and no import wrote it" in refusal(file)
    assert report.read_bytes() == content


def test_two_imports_of_one_file_do_not_share_a_report(path: Path, report: Path):
    with open_csv(path) as file, RejectedFile(file) as rejected:
        assert "is being written by another import" in refusal(file)
        rejected.add(Row(2, ["a", "b"]), "wrong")
    assert report.read_text().endswith("a,b,2,wrong\n")


def test_a_report_that_cannot_be_written_is_found_out_first(path: Path, report: Path):
    report.mkdir()
    with open_csv(path) as file:
        assert "people.rejected.csv: cannot be written: Is a directory" in refusal(file)


def test_a_full_disk_is_explained(path: Path):
    with open_csv(path) as file, ExitStack() as stack:
        rejected = stack.enter_context(RejectedFile(file, path.with_name("full.csv")))
        with Path("/dev/full").open("w") as full:
            os.dup2(full.fileno(), rejected._file.fileno())  # noqa: SLF001 - a disk to fill
        with pytest.raises(InvalidInput, match="cannot be written: No space left on device"):
            rejected.add(Row(2, ["a", "b"]), "wrong")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.csv", "a.rejected.csv"), ("A.CSV", "A.rejected.csv"), ("a.txt", "a.txt.rejected.csv")],
)
def test_its_name(tmp_path: Path, name: str, expected: str):
    path = tmp_path / name
    path.write_text(HEADER)
    with open_csv(path) as file, RejectedFile(file) as rejected:
        assert rejected.path == tmp_path / expected
