"""Only what is noted is read, and no file of anybody else's."""

from datetime import date, timedelta
from pathlib import Path

from heyday.sends import lines
from heyday.sends.reading import day_of, file_of, files_of, find_evidence, read_account
from tests.fakes import MESSAGE, START_AT

DAY = START_AT.date()


def noted(folder: Path, *written: lines.Line, writer: str = "w", day: date = DAY) -> Path:
    """Write lines as a process would have."""
    folder.mkdir(exist_ok=True)
    path = file_of(folder, writer, day)
    path.write_bytes(b"".join(map(lines.encode, written)))
    return path


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    account = read_account(tmp_path / "none", None)
    assert (account.sends, account.files, account.last_at) == ({}, 0, None)
    assert find_evidence(tmp_path / "none", START_AT).claimed_at is None


def test_files_are_told_by_their_day(tmp_path: Path) -> None:
    old = noted(tmp_path, day=DAY - timedelta(days=1))
    new = noted(tmp_path)
    (tmp_path / "notes.jsonl").write_text("{}", "utf-8")
    (tmp_path / "a.b.jsonl").write_text("{}", "utf-8")
    assert files_of(tmp_path, DAY) == [new]
    assert files_of(tmp_path, DAY - timedelta(days=1)) == [old, new]
    assert day_of(tmp_path / "a.b.jsonl") == date.min


def test_an_end_that_names_no_begin_says_nothing(tmp_path: Path) -> None:
    begun, _ = lines.begin([MESSAGE], 1, START_AT)
    strange = lines.Line(START_AT, 2, ended={"accepted": [0]})
    beyond = lines.Line(START_AT, 1, ended={"accepted": [7]})
    noted(tmp_path, begun, strange, beyond)
    noted(tmp_path, lines.Line(START_AT, 1, ended={"accepted": [0]}), writer="other")
    (send,) = read_account(tmp_path, None).sends.values()
    assert send.is_in_doubt


def test_evidence_is_found_where_much_was_noted_since(tmp_path: Path) -> None:
    begun, _ = lines.begin([MESSAGE], 1, START_AT)
    many = [lines.Line(START_AT, n, ended={"accepted": list(range(500))}) for n in range(900)]
    path = noted(tmp_path, begun, *many)
    assert path.stat().st_size > 1 << 20
    (claim,) = find_evidence(tmp_path, START_AT).claims
    assert (claim.key, claim.epoch) == (MESSAGE.idempotency_key, MESSAGE.epoch)
