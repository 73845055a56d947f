"""The commands of the pages that come to an end do so well, as the shell runs them."""

import os
import shutil
import subprocess
from pathlib import Path

import asyncpg
import pytest

from heyday.db import partitions
from heyday.domain.timezone import Window
from tests.docs.commands import Command, commands
from tests.docs.pages import ROOT, page, pages
from tests.servers import missing

HEYDAY = ".venv/bin/heyday"
# These stay until they are told to stop; the acceptance tests run them.
STAYING = {("up",), ("api",), ("scheduler",), ("worker",)}
# These need a database that was restored, which tests/acceptance/test_restore.py gives them.
HELD = {("sends", "replay"), ("sends", "resume")}
# A person is meant to have five seconds for second thoughts; a test has none.
WAITS = {("db", "reset"), ("db", "drop-old-partitions", "12")}

# A year over all zones takes up to a minute, and tests/acceptance lives through it; here two days.
YEAR, SHORT = "--to 2027-12-31", "--to 2027-01-02 --users 100"
# Whom docs/time.md asks about, by address, and docs/database.md by id.
FINN = """
    INSERT INTO users (id, first_name, last_name, email, timezone, birthday_date)
    VALUES ('8a6f2b1e-4c7d-4e30-8f3c-5d0a9b7e4d1c', 'Finn', 'Berg', 'finn@example.com',
            'Europe/Oslo', '1992-02-29')
"""
# The greeting that two pages ask about: due this moment, and nobody knows whether it left.
UNKNOWN = """
    WITH person AS (
        INSERT INTO users (first_name, last_name, email, timezone, birthday_date)
        VALUES ('Liv', 'Dahl', 'liv@example.com', 'Europe/Oslo', '1992-03-01')
        RETURNING *)
    INSERT INTO message_logs (
        id, user_id, message_type, delivery_date, scheduled_send_time, status, ambiguous_count,
        idempotency_key, message_content, occasion_date, timezone, tzdb_version)
    SELECT '6f1d3a52-4a09-4d0b-9f3e-1c2b7a9d8e10', id, 'BIRTHDAY', now()::date, $1, 'UNKNOWN', 2,
           id || ':BIRTHDAY:' || now()::date, 'Hey', birthday_date, timezone, '2026f'
    FROM person
"""


def runnable(command: Command) -> str:
    """Return the line as it is run here."""
    if command.arguments in WAITS:
        return f"{command.line} --yes"
    return command.line.replace(YEAR, SHORT)


LINES = list(
    dict.fromkeys(
        runnable(command)
        for page in pages()
        for command in commands(page)
        if command.program == HEYDAY and command.arguments not in STAYING | HELD
    )
)


def environment(database_url: str) -> dict[str, str]:
    """Return that of a person who has set DATABASE_URL and nothing else of Heyday's."""
    own = {
        name: value
        for name, value in os.environ.items()  # noqa: TID251 - what a shell would hand on
        if not name.startswith(("HEYDAY_", "EMAIL_SERVICE_URL", "SENDER", "SEND_TIME"))
    }
    return {**own, "DATABASE_URL": database_url}


def run(line: str, database_url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line as a person's shell would, in a window of 100 columns.

    folder: looks like the checkout, and takes what the line writes in its place.
    """
    for name in (".venv", "data", "tests"):
        (folder / name).symlink_to(ROOT / name)
    return subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=folder,
        env={**environment(database_url), "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
async def finns_url(database_url: str) -> str:
    """The URL of a database that Finn is in, with a greeting that waits for a decision."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(FINN)
    now = await connection.fetchval("SELECT now()")
    await partitions.ensure(connection, Window(now, now))
    await connection.execute(UNKNOWN, now)
    await connection.close()
    return database_url


@pytest.mark.parametrize("line", LINES)
def test_a_command_ends_well(finns_url: str, tmp_path: Path, line: str) -> None:
    if line.endswith("studio") and shutil.which("psql") is None:
        missing("psql, which `heyday db studio` opens", "apt-get install postgresql-client")
    done = run(line, finns_url, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_an_explanation_reads_as_the_page_shows_it(finns_url: str, tmp_path: Path) -> None:
    (line,) = (line for line in LINES if "explain" in line)
    (shown,) = page("docs/time.md").blocks("text")
    said = [row.rstrip() for row in run(line, finns_url, tmp_path).stdout.splitlines()]
    # Above the blank line it says who the person is and what their clock shows now.
    assert said[said.index("") + 1 :] == shown.splitlines()
