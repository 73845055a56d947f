"""The commands that report, as somebody at a terminal has them: forecast, explain, reconcile."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heyday.cli.app import app
from tests.factories import Pipeline
from tests.terminal import refusal

# By the clock of the machine, which a program of its own reads. 1992 had every day.
TOMORROW = datetime.now(UTC) + timedelta(days=1)  # noqa: TID251 - as above
ADA = "ada@example.com"


def run(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.output


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
async def ada(pipeline: Pipeline) -> str:
    """The address of a person whose birthday is tomorrow."""
    on = TOMORROW.date().replace(year=1992)
    await pipeline.insert(email=ADA, timezone="UTC", birthday_date=on)
    return ADA


@pytest.fixture
async def mars(pipeline: Pipeline) -> None:
    """A person in a zone that is not of this world."""
    await pipeline.insert(timezone="Mars/Olympus", birthday_date="1990-06-14")


@pytest.mark.usefixtures("ada")
class TestForecast:
    """What will be sent when."""

    def test_a_table_and_what_it_comes_to(self) -> None:
        printed = run("forecast", "--days", "3")
        assert f"{TOMORROW:%Y-%m-%d %a}" in printed
        assert "1 greetings from" in printed
        assert f"Most at once: 1 at {TOMORROW:%Y-%m-%d} 09:00:00 UTC." in printed

    @pytest.mark.parametrize(("by", "rows"), [("hour", 49), ("day", 3), ("zone", 1), ("type", 2)])
    def test_rows_as_json(self, by: str, rows: int) -> None:
        told = json.loads(run("forecast", "--days", "2", "--by", by, "--json"))
        assert len(told["rows"]) == rows
        assert told["total"] == sum(row["total"] for row in told["rows"]) == 1
        assert told["message_types"] == {"BIRTHDAY": 1, "ANNIVERSARY": 0}
        assert all(by in row for row in told["rows"])

    def test_a_date_to_begin_with_is_the_beginning_of_that_day(self) -> None:
        on = f"{TOMORROW:%Y-%m-%d}"
        told = json.loads(run("forecast", "--from", on, "--days", "1", "--json"))
        assert (told["from"], told["total"]) == (f"{on}T00:00:00Z", 1)
        later = json.loads(run("forecast", "--from", f"{on}T10:00:00Z", "--days", "1", "--json"))
        assert later["total"] == 0

    @pytest.mark.parametrize("by", ["hour", "day", "zone", "type"])
    def test_a_drawing(self, tmp_path: Path, by: str) -> None:
        printed = run("forecast", "--by", by, "--plot", "plot.svg")
        assert "Drawn: plot.svg" in printed
        assert (tmp_path / "plot.svg").read_text("utf-8").startswith("<svg ")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--plot", "plot.png"], "--plot: cannot draw .png"),
            (["--plot", "no/folder/plot.svg"], "--plot: cannot write no/folder/plot.svg"),
            (["--from", "tomorrow"], "--from: is neither a date nor an instant"),
            (["--from", "2027-01-14T09:00:00"], "--from: is neither a date nor an instant"),
        ],
    )
    def test_what_cannot_be_done_is_refused(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        arguments: list[str],
        said: str,
    ) -> None:
        assert said in refusal(monkeypatch, capsys, "forecast", *arguments)


@pytest.mark.usefixtures("mars")
def test_people_in_zones_that_nobody_knows_are_named() -> None:
    assert "NOT sent: 1 a year in Mars/Olympus" in run("forecast")


class TestExplain:
    """Why somebody is greeted, or is not."""

    def test_in_words(self, ada: str) -> None:
        printed = run("explain", ada)
        assert "Ada Lovelace, ada@example.com" in printed
        assert "will be sent at" in printed
        assert "! date          anniversary_date is not set" in printed

    def test_as_json(self, ada: str) -> None:
        told = json.loads(run("explain", ada, "--json", "--type", "birthday"))
        (birthday,) = told["message_types"]
        assert (birthday["verdict"], birthday["on"]) == ("WILL", f"{TOMORROW:%Y-%m-%d}")
        assert {"rule", "effect", "text"} == set(birthday["findings"][0])
        assert told["person"]["email"] == ada

    def test_on_a_date(self, ada: str) -> None:
        other = f"{TOMORROW + timedelta(days=1):%Y-%m-%d}"
        assert "not on this date" in run("explain", ada, "--on", other, "--type", "BIRTHDAY")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["x@example.com"], "there is no person with the email address x@example.com"),
            (["ada"], "USER: 'ada' is neither an id"),
            ([ADA, "--on", "2027-02-29"], "--on: '2027-02-29' is not a day of the calendar"),
            ([ADA, "--type", "NAMEDAY"], "known: BIRTHDAY, ANNIVERSARY"),
        ],
    )
    def test_what_cannot_be_answered_is_refused(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        arguments: list[str],
        said: str,
    ) -> None:
        assert said in refusal(monkeypatch, capsys, "explain", *arguments)


class TestPreview:
    """A greeting as somebody would get it."""

    def test_of_a_person_on_their_next_day(self, ada: str) -> None:
        age = TOMORROW.year - 1992
        printed = run("preview", ada, "--type", "BIRTHDAY", "--locale", "de")
        assert printed.startswith("Subject: Herzlichen Glückwunsch zum Geburtstag, Ada!\n")
        Path("birthday.en.txt").write_text("{% if age %}{{ age }}{% endif %}!", "utf-8")
        assert run("preview", ada, "--type", "BIRTHDAY") != printed
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HEYDAY_TEXTS", ".")
            assert run("preview", ada, "--type", "BIRTHDAY").endswith(f"\n{age}!\n")

    async def test_a_person_has_their_own_language_and_the_stored_text(
        self, pipeline: Pipeline
    ) -> None:
        on = TOMORROW.date().replace(year=1992)
        await pipeline.insert(email=ADA, timezone="UTC", birthday_date=on, locale="pt-BR")
        shown = partial(asyncio.to_thread, run, "preview", ADA, "--type", "BIRTHDAY")
        assert (await shown()).startswith("Subject: Feliz aniversário, Ada!\n")
        await pipeline.execute(
            "INSERT INTO message_texts (message_type, language, subject, text)"
            " VALUES ('BIRTHDAY', 'pt', 'Oi', 'Oi, {{ first_name|upper }}')"
        )
        assert await shown() == "Subject: Oi\n\nOi, ADA\n"

    def test_of_a_person_without_the_date(self, ada: str) -> None:
        printed = run("preview", ada, "--type", "ANNIVERSARY")
        assert printed.endswith("\nHey, Ada Lovelace it's your work anniversary!\n")

    def test_the_audit_log_notes_the_look(self, ada: str) -> None:
        run("preview", ada, "--type", "BIRTHDAY")
        assert "preview.preview_of" in run("audit")


COUNTS = {"due", "sent", "failed", "cancelled", "skipped", "unknown", "live", "unplanned"}
COUNTS |= {"overdue", "late"}
OF_PROVIDER = {"unconfirmed", "unrecorded", "orphaned"}
ORPHAN = """
    INSERT INTO inbox_messages (idempotency_key, email, message, scheduled_send_time, received_at)
    VALUES ('8a6f2b1e-4c7d-4e30-8f3c-5d0a9b7e4d1c:BIRTHDAY:2027-01-15', $1, 'Hey',
            '2027-01-15T09:00:00Z', now())
"""


class TestReconcile:
    """Whether the books balance."""

    def test_as_json(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = json.loads(run("reconcile", "--json"))
        own = {"ungreetable", "balanced", "message_types"}
        assert set(told) == COUNTS | OF_PROVIDER | own
        assert set(told["message_types"]) == {"BIRTHDAY", "ANNIVERSARY"}
        for line in told["message_types"].values():
            assert set(line) == COUNTS | OF_PROVIDER | {"balanced"}
        assert told["balanced"] is True
        # This provider cannot be asked, so nothing is said in its name.
        monkeypatch.setenv("EMAIL_SERVICE_URL", "http://127.0.0.1:9")
        told = json.loads(run("reconcile", "--json"))
        assert set(told) == COUNTS | own
        assert set(told["message_types"]["BIRTHDAY"]) == COUNTS | {"balanced"}

    def test_as_tables(self, monkeypatch: pytest.MonkeyPatch) -> None:
        printed = run("reconcile")
        assert "The books balance." in printed
        assert all(name in printed for name in COUNTS | OF_PROVIDER)
        monkeypatch.setenv("EMAIL_SERVICE_URL", "http://127.0.0.1:9")
        printed = run("reconcile")
        assert "late" in printed
        assert not any(name in printed for name in OF_PROVIDER)

    async def test_a_difference_ends_with_status_1(self, pipeline: Pipeline) -> None:
        await pipeline.execute(ORPHAN, ADA)
        # The command runs a loop of its own.
        printed = await asyncio.to_thread(run, "reconcile", status=1)
        assert "do NOT balance: 1 orphaned. The provider has these" in printed
        assert ADA not in printed
        told = json.loads(await asyncio.to_thread(run, "reconcile", "--json", status=1))
        assert (told["orphaned"], told["balanced"]) == (1, False)
        assert told["message_types"]["BIRTHDAY"]["balanced"] is False
        assert told["message_types"]["ANNIVERSARY"]["balanced"] is True

    @pytest.mark.usefixtures("mars")
    def test_people_who_can_be_owed_nothing_are_a_warning(self) -> None:
        assert "1 people have a time zone that the tz database does not have" in run("reconcile")
        assert json.loads(run("reconcile", "--json"))["ungreetable"] == 1
