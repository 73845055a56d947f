"""Importing a file of people, from the command line to the plans in PostgreSQL."""

import asyncio
import csv
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from heyday.cli.app import app, main
from heyday.cli.users import ImportReport, import_file
from heyday.data import data_file
from heyday.domain.errors import DatabaseUnavailable
from heyday.services.importing import ImportService
from tests.factories import Pipeline
from tests.fakes import START_AT

SIGMA = "\u03c3"
COLUMNS = "first_name,last_name,email,timezone,birthday_date"
CONGRESS = data_file("people-us-congress.csv")
QUIET = Console(quiet=True)
# By the clock of the machine, which a program of its own reads. 1992 had every day.
TOMORROW = datetime.now(UTC) + timedelta(days=1)  # noqa: TID251 - as above


@dataclass(frozen=True)
class Command:
    """Run `heyday users import` in a folder of its own."""

    folder: Path

    def file(self, content: str | bytes, name: str = "people.csv") -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def run(self, *arguments: object, status: int = 0) -> str:
        """Return what was printed, on either stream."""
        invocation = ["users", "import", *map(str, arguments)]
        result = CliRunner().invoke(app, invocation, catch_exceptions=False)
        assert result.exit_code == status, result.output
        return result.output


@pytest.fixture
def command(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    return Command(tmp_path)


async def imported(pipeline: Pipeline, path: Path, chunk_rows: int = 5_000) -> ImportReport:
    service = ImportService(pipeline.database, pipeline.planner, pipeline.clock, chunk_rows)
    return await import_file(service, path, QUIET)


def rejected_file(path: Path) -> Path:
    return path.with_suffix(".rejected.csv")


def rejections(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


async def state(pipeline: Pipeline) -> list[str]:
    """Return every person and greeting with the transaction that wrote them."""
    rows = await pipeline.rows("SELECT xmin::text, xmax::text, ctid::text, u::text FROM users u")
    rows += await pipeline.rows("SELECT tableoid::text, xmin::text, m::text FROM message_logs m")
    return [str(row) for row in rows]


async def test_real_people_come_in_with_their_plans(pipeline: Pipeline, tmp_path: Path):
    path = tmp_path / "congress.csv"
    path.write_bytes(CONGRESS.read_bytes())
    report = await imported(pipeline, path)
    assert report == ImportReport(imported=537, updated=0, rejected=0, rejected_file=None)
    assert not rejected_file(path).exists()
    assert await pipeline.value("SELECT count(*) FROM message_logs") > 0
    await pipeline.daily.run_once()
    assert all(balance.unplanned == 0 for balance in await pipeline.reconciliation.reconcile())


async def test_what_an_import_plans_is_what_the_daily_run_would(pipeline: Pipeline, tmp_path: Path):
    tomorrow = START_AT + timedelta(days=1)
    path = tmp_path / "people.csv"
    zones = ("Pacific/Kiritimati", "Asia/Tokyo", "Europe/London", "Pacific/Pago_Pago")
    path.write_text(
        f"{COLUMNS},anniversary_date\n"
        + "".join(
            f"Ada,L,a{n}@x.org,{zone},1990-{tomorrow:%m-%d},2020-{tomorrow:%m-%d}\n"
            for n, zone in enumerate(zones)
        )
    )
    await imported(pipeline, path)
    planned = await pipeline.messages()
    assert len(planned) == 2 * len(zones)
    assert (await pipeline.daily.run_once())["planned"] == 0


async def test_the_same_file_again_writes_nothing_at_all(pipeline: Pipeline, tmp_path: Path):
    path = tmp_path / "congress.csv"
    path.write_bytes(CONGRESS.read_bytes())
    await imported(pipeline, path)
    before = await state(pipeline)
    pipeline.clock.advance(timedelta(minutes=5))  # type: ignore[attr-defined]
    report = await imported(pipeline, path)
    assert (report.imported, report.updated, report.unchanged) == (0, 537, 537)
    assert await state(pipeline) == before


async def test_a_changed_row_moves_the_greetings_of_that_person_alone(
    pipeline: Pipeline, tmp_path: Path
):
    path = tmp_path / "people.csv"
    lines = [f"Ada,L,a{n}@x.org,UTC,1990-01-15\n" for n in range(3)]
    path.write_text(f"{COLUMNS}\n" + "".join(lines))
    await imported(pipeline, path)
    before = {row["user_id"]: row for row in await pipeline.messages()}
    lines[1] = "Ada,L,A1@x.org,Asia/Tokyo,1990-01-15\n"
    path.write_text(f"{COLUMNS}\n" + "".join(lines))
    report = await imported(pipeline, path)
    assert (report.imported, report.updated, report.unchanged) == (0, 3, 2)
    after = {row["user_id"]: row for row in await pipeline.messages()}
    (moved,) = [after[user_id] for user_id in after if after[user_id] != before[user_id]]
    assert moved["timezone"] == "Asia/Tokyo"
    assert moved["scheduled_send_time"] == datetime(2027, 1, 15, tzinfo=UTC)


async def test_a_day_that_is_not_near_any_more_takes_its_greeting_along(
    pipeline: Pipeline, tmp_path: Path
):
    path = tmp_path / "people.csv"
    path.write_text(f"{COLUMNS}\nAda,L,a@x.org,UTC,1990-01-15\nBob,L,b@x.org,UTC,1990-01-15\n")
    await imported(pipeline, path)
    path.write_text(f"{COLUMNS}\nAda,L,a@x.org,UTC,1990-06-15\nBob,L,b@x.org,UTC,1990-01-15\n")
    await imported(pipeline, path)
    greetings = await pipeline.rows(
        "SELECT u.first_name, m.status FROM message_logs m JOIN users u ON u.id = m.user_id"
    )
    assert {tuple(row) for row in greetings} == {("Ada", "CANCELLED"), ("Bob", "SCHEDULED")}


async def test_columns_that_the_file_does_not_have_stay_as_they_are(
    pipeline: Pipeline, tmp_path: Path
):
    path = tmp_path / "people.csv"
    path.write_text(
        "timezone,location_city,email,last_name,first_name,anniversary_date,birthday_date\n"
        "UTC,Rome,ada@x.org,L,Ada,2020-01-15,1990-01-15\n"
    )
    await imported(pipeline, path)
    path.write_text("email,timezone,first_name,last_name,birthday_date\nada@x.org,UTC,Eda,L,\n")
    assert (await imported(pipeline, path)).updated == 1
    (person,) = await pipeline.rows("SELECT * FROM users")
    assert (person["first_name"], person["location_city"]) == ("Eda", "Rome")
    assert person["birthday_date"] is None, "an empty cell empties"
    assert str(person["anniversary_date"]) == "2020-01-15"
    statuses = {row["message_type"]: row["status"] for row in await pipeline.messages()}
    assert statuses == {"BIRTHDAY": "CANCELLED", "ANNIVERSARY": "SCHEDULED"}


async def test_a_deleted_person_does_not_come_back_but_a_new_one_does(
    pipeline: Pipeline, tmp_path: Path
):
    gone = await pipeline.create(email="ada@x.org")
    await pipeline.users.delete(gone.id)
    path = tmp_path / "people.csv"
    path.write_text(f"{COLUMNS}\nAda,L,ada@x.org,UTC,\n")
    assert (await imported(pipeline, path)).imported == 1
    assert await pipeline.value("SELECT count(*) FROM users") == 2


async def test_addresses_that_postgresql_may_take_for_one_do_not_stop_the_import(
    pipeline: Pipeline, tmp_path: Path
):
    path = tmp_path / "people.csv"
    mailboxes = ["İpek", "ipek", "ΟΔΟΣ", "ΟΔΟΣ".lower(), "ΟΔΟ".lower() + SIGMA]
    rows = "".join(f"A,B,{mailbox}@x.org,UTC,\n" for mailbox in mailboxes)
    path.write_text(f"{COLUMNS}\n{rows}", encoding="utf-8")
    report = await imported(pipeline, path)
    assert report.imported + report.rejected == 5
    assert report.rejected_file
    assert [r["line"] for r in rejections(report.rejected_file)] == ["3", "5", "6"]


async def test_two_imports_of_the_same_people_at_once(pipeline: Pipeline, tmp_path: Path):
    paths = [tmp_path / "one.csv", tmp_path / "other.csv"]
    lines = [f"Ada,L,a{n}@x.org,UTC,1990-01-15\n" for n in range(400)]
    paths[0].write_text(f"{COLUMNS}\n" + "".join(lines))
    paths[1].write_text(f"{COLUMNS}\n" + "".join(reversed(lines)))
    reports = await asyncio.gather(*(imported(pipeline, p, chunk_rows=50) for p in paths))
    assert sum(report.imported for report in reports) == 400
    assert sum(report.updated for report in reports) == 400
    assert await pipeline.value("SELECT count(*) FROM users") == 400
    assert await pipeline.value("SELECT count(*) FROM message_logs") == 400


async def test_when_the_database_goes_away_what_was_stored_is_told(
    pipeline: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "people.csv"
    path.write_text(f"{COLUMNS}\n" + "".join(f"A,L,a{n}@x.org,UTC,\n" for n in range(90)))
    begun = 0
    in_transaction = pipeline.database.in_transaction

    async def failing(work: Callable[..., object]) -> object:
        nonlocal begun
        begun += 1
        if begun > 5:
            raise DatabaseUnavailable("no connection to PostgreSQL within 10 s")
        return await in_transaction(work)  # type: ignore[arg-type]

    pipeline.database.in_transaction = failing  # type: ignore[method-assign,assignment]
    with pytest.raises(DatabaseUnavailable):
        await imported(pipeline, path, chunk_rows=10)
    stored = await pipeline.value("SELECT count(*) FROM users")
    assert f"Stored before it stopped, with their plans: {stored} rows." in capsys.readouterr().err
    assert 0 < stored < 90


ROWS, WRONG = 20_000, 20
DUE = f"SELECT count(*) FROM users WHERE birthday_month_day = {TOMORROW:%m%d}"  # noqa: S608 - a number


def many_people() -> Iterator[str]:
    """Yield rows of which every tenth is to be greeted tomorrow, and every thousandth is wrong."""
    for n in range(ROWS):
        zone = "Nowhere" if n % 1_000 == 7 else "UTC"
        on = f"{TOMORROW:%m-%d}" if n % 10 == 0 else "06-15"
        yield f"Ada,Lovelace,ada{n}@x.org,{zone},1992-{on}\n"


async def test_after_kill_9_all_that_is_stored_is_whole_and_a_second_run_does_the_rest(
    pipeline: Pipeline, tmp_path: Path
):
    path, report = tmp_path / "people.csv", tmp_path / "people.rejected.csv"
    path.write_text(f"{COLUMNS}\n" + "".join(many_people()))
    program = await start(pipeline.url, path)
    async with asyncio.timeout(30):
        while not await pipeline.value("SELECT count(*) FROM users"):
            pass
    program.send_signal(signal.SIGKILL)
    assert await program.wait() == -signal.SIGKILL
    await wait_until_alone(pipeline)
    people = await pipeline.value("SELECT count(*) FROM users")
    assert 0 < people < ROWS - WRONG
    assert await pipeline.value("SELECT count(*) FROM message_logs") == await pipeline.value(DUE)
    assert rejections(report)[0]["line"] == "9"
    assert all("timezone" in row["reason"] for row in rejections(report))

    again = await start(pipeline.url, path, "--json")
    output, _ = await again.communicate()
    assert again.returncode == 1
    counts = json.loads(output)
    assert counts["imported"] + counts["updated"] == ROWS - WRONG
    assert counts["updated"] == people
    assert counts["rejected"] == len(rejections(report)) == WRONG
    assert await pipeline.value("SELECT count(*) FROM users") == ROWS - WRONG
    assert await pipeline.value("SELECT count(*) FROM message_logs") == await pipeline.value(DUE)


async def start(url: str, path: Path, *options: str) -> asyncio.subprocess.Process:
    environment = {**os.environ, "DATABASE_URL": url}  # noqa: TID251 - passed on to the program
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "heyday", "users", "import", str(path), *options,
        env=environment, cwd=path.parent, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def wait_until_alone(pipeline: Pipeline) -> None:
    """Return once the server has undone and forgotten what the program had open."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND state <> 'idle'"
    )
    async with asyncio.timeout(20):
        while await pipeline.value(others):
            pass


def test_the_command_prints_counts_and_leaves_the_rejected(command: Command):
    path = command.file(f"{COLUMNS}\nAda,L,ada@x.org,UTC,\n=Bob,L,nowhere,UTC,\n")
    assert command.run(path, status=1).split() == [
        "imported", "1", "updated", "0", "rejected", "1",
        "Rejected", "rows", "and", "reasons:", str(command.folder / "people.rejected.csv"),
    ]  # fmt: skip
    (row,) = rejections(command.folder / "people.rejected.csv")
    assert (row["line"], row["first_name"], row["email"]) == ("3", "=Bob", "nowhere")
    assert row["reason"].startswith("email: is not an email address")


def test_json_is_one_object_and_all_there_is(command: Command):
    good = command.file(f"{COLUMNS}\nAda,L,ada@x.org,UTC,\n", "good.csv")
    assert json.loads(command.run(good, "--json")) == {
        "imported": 1,
        "updated": 0,
        "rejected": 0,
        "rejected_file": None,
        "suspicious": 0,
        "suspicious_dates": [],
        "unchanged": 0,
    }
    bad = command.file(f"{COLUMNS}\nAda,L,ada@x.org,UTC,\n,L,bob@x.org,UTC,\n", "bad.csv")
    assert json.loads(command.run(bad, "--json", status=1)) == {
        "imported": 0,
        "updated": 1,
        "rejected": 1,
        "rejected_file": str(command.folder / "bad.rejected.csv"),
        "suspicious": 0,
        "suspicious_dates": [],
        "unchanged": 1,
    }


def test_the_command_tells_who_was_there_as_the_file_says(command: Command):
    rows = [f"Ada,L,a{n}@x.org,UTC," for n in range(3)]
    path = command.file("\n".join((COLUMNS, *rows, "")))
    assert "unchanged" not in command.run(path)
    path = command.file("\n".join((COLUMNS, *rows[1:], "Ada,M,a0@x.org,UTC,", "")))
    printed = command.run(path)
    assert [line.split() for line in printed.splitlines()] == [
        ["imported", "0"],
        ["updated", "3"],
        ["rejected", "0"],
        ["unchanged", "2", "of", "those", "updated"],
    ]


SUSPICIOUS = "A,B,a{}@x.org,UTC,1970-01-01,1900-01-01\n"


def test_suspicious_dates_are_imported_and_told_by_line_and_field_alone(command: Command):
    rows = SUSPICIOUS.format(1) + "A,B,b@x.org,UTC,--02-29,\n" + SUSPICIOUS.format(2)
    path = command.file(f"{COLUMNS},anniversary_date\n{rows}")
    printed = command.run(path)
    assert printed.split()[:6] == ["imported", "3", "updated", "0", "rejected", "0"]
    assert (
        "Suspicious dates: 4 of 1900-01-01 or 1970-01-01, which often mean 'not known'. "
        "They were taken as they are: line 2 birthday_date, line 2 anniversary_date, "
        "line 4 birthday_date, line 4 anniversary_date."
    ) in printed
    assert "x.org" not in printed
    assert not rejected_file(path).exists()


def test_many_suspicious_dates_are_counted_and_the_first_ones_named(command: Command):
    rows = (
        "".join(SUSPICIOUS.format(n) for n in range(1_000)) + ",,,,,\n,B,c@x.org,UTC,1970-01-01,\n"
    )
    path = command.file(f"{COLUMNS},anniversary_date\n{rows}")
    report = json.loads(command.run(path, "--json", status=1))
    assert (report["imported"], report["rejected"], report["suspicious"]) == (1_000, 1, 2_000)
    assert report["suspicious_dates"] == [
        {"line": line, "field": field}
        for line in range(2, 7)
        for field in ("birthday_date", "anniversary_date")
    ]
    assert [row["line"] for row in rejections(rejected_file(path))] == ["1003"]
    assert "line 6 anniversary_date, ..." in command.run(path, status=1)


async def test_a_zone_is_stored_under_the_name_that_it_has_now(pipeline: Pipeline, tmp_path: Path):
    path = tmp_path / "people.csv"
    path.write_text(
        f"{COLUMNS}\nA,B,a@x.org,US/Pacific-New,--01-15\nA,B,b@x.org,america/los_angeles,\n"
    )
    report = await imported(pipeline, path)
    assert (report.imported, report.rejected) == (1, 1)
    assert await pipeline.value("SELECT timezone FROM users") == "America/Los_Angeles"
    row = await pipeline.message()
    assert row["timezone"] == "America/Los_Angeles"
    assert row["scheduled_send_time"] == datetime(2027, 1, 15, 17, tzinfo=UTC)
    (refused,) = rejections(rejected_file(path))
    assert refused["reason"].endswith("did you mean America/Los_Angeles?")


HOSTILE: Sequence[tuple[bytes, str]] = [
    (b"A,B,ren\xe9@x.org,UTC,\n", "byte 8 of the line (0xE9) is not UTF-8"),
    (b"A\0,B,a@x.org,UTC,\n", "first_name: holds a control character"),
    (b"A,B,a@x.org\n", "has 3 fields, but the header names 5"),
    (b"A,B,a@x.org,UTC,,,\n", "has 7 fields, but the header names 5"),
    (b'A,"B,a@x.org,UTC,\n', "a quotation mark on this line is not closed on it"),
    (b"A,B,a@x.org,UTC,1990-02-30\n", "birthday_date: is not a day of the calendar"),
    (b"A,B,a@x.org,UTC,2190-02-03\n", "birthday_date: must lie between 1900-01-01 and today"),
    (b"A," + b"x" * 101 + b",a@x.org,UTC,\n", "last_name: has 101 characters; at most 100"),
    (b"A," + b"x" * 999_999 + b",a@x.org,UTC,\n", "is longer than 65,536 characters"),
    (b'"A\nA",B,a@x.org,UTC,\n', "first_name: holds a control character"),
    (b"A,B,ok@x.org,UTC,\n", "email: is the address of line 2 as well"),
    (b"A,B,OK@X.org,UTC,\n", "email: is the address of line 2 as well"),
]


@pytest.mark.parametrize(("line", "reason"), HOSTILE)
def test_a_bad_row_is_rejected_with_its_reason_and_the_others_come_in(
    command: Command, line: bytes, reason: str
):
    content = f"{COLUMNS}\nA,B,ok@x.org,UTC,\n".encode() + line + b"A,B,last@x.org,UTC,\n"
    output = json.loads(command.run(command.file(content), "--json", status=1))
    assert (output["imported"], output["rejected"]) == (2, 1)
    report = (command.folder / "people.rejected.csv").read_text("utf-8", "surrogateescape")
    assert reason in report


FILES: Sequence[tuple[bytes | None, str]] = [
    (None, "people.csv: cannot be read: No such file or directory"),
    (b"", "people.csv: is empty; the first line must name the columns"),
    (b"Ada,L,ada@x.org,UTC\n", "people.csv: has no header"),
    ("first_name,email\n".encode("utf-16"), "people.csv: is UTF-16 or no text at all"),
    (b"first_name,last_name,email,timezone,shoe_size\n", "shoe_size: is not a column of users"),
    (b"first_name,email\n", "last_name: is required, and not in the header"),
]


@pytest.mark.parametrize(("content", "message"), FILES)
def test_a_file_that_cannot_be_imported_is_refused_kindly(
    command: Command,
    content: bytes | None,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    path = command.folder / "people.csv"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["heyday", "users", "import", str(path)])
    with pytest.raises(SystemExit) as left:
        main()
    printed = capsys.readouterr()
    assert left.value.code == 2
    assert printed.out == ""
    assert printed.err.startswith(f"heyday: {message}")
    assert list(command.folder.glob("*.rejected.csv")) == []
