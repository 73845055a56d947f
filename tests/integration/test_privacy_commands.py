"""`heyday users export` and `erase`, and the secret that all processes agree on."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from typer.testing import CliRunner

from heyday.bootstrap.privacy import load_seals
from heyday.cli.app import app
from heyday.db.connection import Database, PoolConfig
from heyday.settings import load_settings
from tests.factories import Pipeline
from tests.terminal import refusal

MARK = "Zebulon"


def run(*arguments: str, answer: str | None = None, expected: int = 0) -> str:
    result = CliRunner().invoke(app, ["users", *arguments], input=answer, catch_exceptions=False)
    assert result.exit_code == expected, result.output
    return result.stdout


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)


@pytest.fixture
async def user_id(pipeline: Pipeline) -> UUID:
    user = await pipeline.create(
        first_name=MARK, birthday_date="1990-01-15", timezone="Europe/London"
    )
    return user.id


async def test_an_export_can_be_read_and_handed_over(user_id: UUID) -> None:
    shown = await asyncio.to_thread(run, "export", str(user_id))
    assert f"Hey, {MARK} Lovelace it's your birthday" in shown
    assert f"{user_id}:BIRTHDAY:2027-01-15" in shown
    dossier = json.loads(await asyncio.to_thread(run, "export", str(user_id), "--json"))
    assert dossier["person"][0]["first_name"] == MARK
    assert set(dossier) >= {
        "greetings",
        "attempts",
        "letters",
        "ledger",
        "suppressions",
        "rejected_rows",
    }


async def test_an_erasure_asks_before_it_begins(pipeline: Pipeline, user_id: UUID) -> None:
    await asyncio.to_thread(run, "erase", str(user_id), answer="n\n", expected=1)
    assert (await pipeline.users.get(user_id)).first_name == MARK
    assert "Erased." in await asyncio.to_thread(run, "erase", str(user_id), answer="y\n")
    assert MARK not in await asyncio.to_thread(run, "export", str(user_id))
    assert await asyncio.to_thread(run, "erase", str(user_id), "--yes") == "Erased.\n"


@pytest.mark.parametrize("command", ["export", "erase"])
def test_what_is_no_id_and_who_was_never_there_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    options = ["--yes"] if command == "erase" else []
    for given, said in (("ada", "is not an id"), (str(uuid4()), "no person with this id")):
        assert said in refusal(monkeypatch, capsys, "users", command, given, *options)


# --- The secret -------------------------------------------------------------------------------


async def open_database(url: str) -> Database:
    database = Database(PoolConfig(url, min_size=1, patience=timedelta(seconds=5)))
    await database.open()
    return database


async def test_processes_that_start_at_once_agree_on_one_secret(database_url: str) -> None:
    databases = [await open_database(database_url) for _ in range(5)]
    try:
        seals = await asyncio.gather(*(load_seals(load_settings(), each) for each in databases))
        assert len(set(seals)) == 1
        assert len(seals[0].secrets[0]) == 32
    finally:
        for database in databases:
            await database.close()


async def test_a_secret_that_is_set_comes_first_and_the_former_one_is_still_known(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await open_database(database_url)
    try:
        (made,) = (await load_seals(load_settings(), database)).secrets
        first, second = "f" * 32, "s" * 40
        monkeypatch.setenv("HEYDAY_SECRET", f"{second}, {first}")
        seals = await load_seals(load_settings(), database)
        assert seals.secrets == (second.encode(), first.encode(), made)
    finally:
        await database.close()


async def test_where_a_secret_is_set_none_is_made(
    database_url: str, monkeypatch: pytest.MonkeyPatch, pipeline: Pipeline
) -> None:
    monkeypatch.setenv("HEYDAY_SECRET", "f" * 32)
    database = await open_database(database_url)
    try:
        assert (await load_seals(load_settings(), database)).secrets == (b"f" * 32,)
    finally:
        await database.close()
    assert await pipeline.value("SELECT count(*) FROM secrets") == 0


async def test_an_import_by_command_passes_the_list(
    database_url: str, tmp_path: Path, user_id: UUID
) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("UPDATE users SET email = 'ada@example.com'")
        await asyncio.to_thread(run, "erase", str(user_id), "--yes")
        file = tmp_path / "people.csv"
        file.write_text(
            "first_name,last_name,email,timezone\n"
            "Ada,L,ADA@example.com,UTC\nBob,B,bob@example.com,UTC\n"
        )
        await asyncio.to_thread(run, "import", str(file))
        rows = await connection.fetch(
            "SELECT first_name FROM users WHERE unsubscribed_at IS NULL AND deleted_at IS NULL"
        )
        assert [row["first_name"] for row in rows] == ["Bob"]
    finally:
        await connection.close()
