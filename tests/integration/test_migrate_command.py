"""`heyday db migrate --plan`: what would run, for people, for programs, and by its exit status."""

import json
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from sqlalchemy import Connection
from typer.testing import CliRunner

from heyday.cli.app import app
from heyday.db import alembic_runner, migrate, migration_plan

PLAN = ("db", "migrate", "--plan")
JSON = (*PLAN, "--json")


def run(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.output


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(
    empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    # Tables here are small: any of which all is read counts as large.
    monkeypatch.setattr(migration_plan, "_BRIEF_BYTES", 0)


@pytest.fixture
async def at(empty_database_url: str, request: pytest.FixtureRequest) -> str:
    """The revision that the database is brought to."""
    revision: str = request.param

    def go(connection: Connection) -> None:
        command.upgrade(alembic_runner.config_for(connection), revision)

    await alembic_runner.with_connection(empty_database_url, go)
    return revision


async def revision_of(url: str) -> str:
    connection = await asyncpg.connect(url)
    found = await connection.fetchval("SELECT version_num FROM alembic_version")
    await connection.close()
    return str(found)


@pytest.mark.parametrize("at", ["0018"], indirect=True)
def test_each_missing_migration_with_its_locks(at: str) -> None:
    told = run(*PLAN, status=1)
    assert f"at {at}; this release needs {migrate.newest_revision()}." in told
    assert "0019  Note over how many seconds greetings leave that were planned spread." in told
    assert "message_logs (0.0 MB): ACCESS EXCLUSIVE, an instant" in told
    assert "0020  Keep what each day was like" in told
    assert "locks no table that is there" in told
    assert "import_jobs (0.0 MB): ACCESS EXCLUSIVE, while all of it is read or written" in told
    assert "NOT beside what runs: whoever wants that table waits" in told
    assert told.endswith("see above. Nothing was changed.\n")


@pytest.mark.parametrize("at", ["0018"], indirect=True)
def test_the_same_for_programs(at: str) -> None:
    told = json.loads(run(*JSON, status=1))
    assert (told["revision"], told["newest"], told["safe"]) == (
        at,
        migrate.newest_revision(),
        False,
    )
    first, second, third = told["migrations"][:3]
    assert first["locks"] == [
        {"table": "message_logs", "mode": "ACCESS EXCLUSIVE", "whole_table": False, "bytes": 0}
    ]
    assert (first["safe"], second["locks"], third["safe"]) == (True, [], False)


@pytest.mark.parametrize("at", ["0021"], indirect=True)
async def test_what_can_be_done_beside_what_runs_ends_well_and_changes_nothing(
    at: str, empty_database_url: str
) -> None:
    plan = await migrate.plan(empty_database_url)
    assert plan.is_safe
    assert await revision_of(empty_database_url) == at


@pytest.mark.parametrize("at", ["head"], indirect=True)
def test_nothing_is_missing(at: str) -> None:
    assert at == "head"
    assert "There is nothing to do." in run(*PLAN)
    assert json.loads(run(*JSON))["migrations"] == []


def test_a_database_with_nothing_in_it_is_safe_to_begin() -> None:
    told = run(*PLAN)
    assert "The database is at nothing" in told
    assert "queue_batches (not there yet): ACCESS EXCLUSIVE" in told
    assert told.endswith("Nothing was changed.\n")


def test_json_belongs_to_the_plan() -> None:
    assert "heyday db migrate --plan --json" in run("db", "migrate", "--json", status=2)
