"""deploy/postgres/init-db.sql gives Heyday a database of its own, all it needs, and no more."""

import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import pytest

from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.db.embedded.binaries import find_installed_servers
from tests.acceptance.processes import Finished, run
from tests.deploy.composition import ROOT
from tests.postgres import private_folder
from tests.servers import missing

SCRIPT = ROOT / "deploy" / "postgres" / "init-db.sql"
PASSWORD = "s3cr3t'of;postgres"
# As talkative as can be: the password must not be in the log even so.
TALKATIVE = {
    "log_statement": "all",
    "log_min_duration_statement": "0",
    "log_min_error_statement": "error",
    "timezone": "Asia/Tokyo",
}


@pytest.fixture(autouse=True, scope="module")
def _is_installed() -> None:
    if not find_installed_servers() or shutil.which("psql") is None:
        missing("PostgreSQL with its extensions and psql", "apt-get install postgresql")


@dataclass(frozen=True, slots=True)
class Company:
    """A server as the image has it when it runs the script, and what the script left."""

    first_url: str
    log: Path

    def url(self, user: str, password: str, database: str) -> str:
        parts = urlsplit(self.first_url)
        address = f"{user}:{quote(password, safe='')}@{parts.hostname}:{parts.port}"
        return urlunsplit(parts._replace(netloc=address, path=f"/{database}"))

    @property
    def heydays(self) -> str:
        return self.url("heyday", PASSWORD, "heyday")

    @property
    def administrators(self) -> str:
        return self.url("founder", urlsplit(self.first_url).password or "", "heyday")


def psql(url: str, *words: str) -> None:
    """Run psql as the image does, with the password where the image has it."""
    environment = {"PATH": os.defpath, "POSTGRES_PASSWORD": PASSWORD}
    subprocess.run(
        ["psql", "--no-psqlrc", "--quiet", url, *words],  # noqa: S607 - of whichever version
        env=environment,
        check=True,
    )


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    home = private_folder(tmp_path_factory)
    bin_dir = find_installed_servers()[0]
    server = EmbeddedServer(
        EmbeddedConfig(home=home, bin_dir=bin_dir, durable=False, settings=TALKATIVE)
    )
    try:
        company = Company(server.start_blocking(), home / "postgres" / "log")
        # The names that the script gives are taken by our own server.
        psql(company.first_url, "--command", "CREATE ROLE postgres SUPERUSER LOGIN PASSWORD 'x'")
        superuser = company.url("postgres", "x", "postgres")
        psql(superuser, "--command", "ALTER DATABASE heyday RENAME TO before")
        psql(superuser, "--command", "ALTER ROLE heyday RENAME TO founder")
        psql(superuser, "--file", str(SCRIPT))
        yield company
    finally:
        server.stop_blocking()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
async def heyday(company: Company) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(company.heydays)
    yield connection
    await connection.close()


def heyday_runs(company: Company, folder: Path, *words: str) -> Finished:
    done = run(*words, cwd=folder, DATABASE_URL=company.heydays)
    assert done.status == 0, done.err
    return done


async def test_heyday_migrates_plans_and_begins_anew_as_that_role(
    company: Company, heyday: "asyncpg.Connection[asyncpg.Record]", tmp_path: Path
) -> None:
    heyday_runs(company, tmp_path, "db", "migrate")
    await heyday.execute(
        "INSERT INTO users (first_name, last_name, email, timezone, birthday_date) "
        "VALUES ('Ada', 'Byron', 'ada@example.com', 'UTC', current_date + 1 - interval '30 years')"
    )
    planned = heyday_runs(company, tmp_path, "jobs", "run", "daily", "--json")
    assert json.loads(planned.out)["planned"] == 1
    heyday_runs(company, tmp_path, "db", "reset", "--yes")
    assert await heyday.fetchval("SELECT count(*) FROM users") == 0
    # What the administrator gave outlives that.
    assert await heyday.fetchval("SELECT uuid_generate_v4()")


async def test_the_role_owns_its_database_and_nothing_else(
    heyday: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    row = await heyday.fetchrow("SELECT * FROM pg_roles WHERE rolname = current_user")
    assert row is not None
    rights = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls")
    assert [name for name in rights if row[name]] == []
    assert await heyday.fetch("SELECT 1 FROM pg_auth_members WHERE member = $1", row["oid"]) == []
    owned = await heyday.fetch("SELECT datname FROM pg_database WHERE datdba = $1", row["oid"])
    assert [name for (name,) in owned] == ["heyday"]
    # Without it planning is slower, and Heyday does without: docs/adr/0008.
    await heyday.execute("SET session_replication_role = replica")


async def test_its_sessions_are_in_utc_and_find_the_extensions(
    heyday: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    assert await heyday.fetchval("SHOW timezone") == "UTC"
    names = await heyday.fetch("SELECT extname FROM pg_extension ORDER BY 1")
    assert [name for (name,) in names] == ["pg_stat_statements", "plpgsql", "uuid-ossp"]


async def test_nobody_else_comes_in(company: Company) -> None:
    administrator = await asyncpg.connect(company.administrators)
    await administrator.execute("CREATE ROLE stranger LOGIN PASSWORD 'x'")
    await administrator.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(company.url("stranger", "x", "heyday"))


@pytest.mark.parametrize("password", ["x", PASSWORD, ""])
async def test_the_superuser_comes_in_by_no_password(company: Company, password: str) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(company.url("postgres", password, "postgres"))


async def test_the_password_is_neither_in_the_log_nor_in_the_statistics(company: Company) -> None:
    log = company.log.read_text("utf-8")
    assert "CREATE DATABASE" not in log
    assert "ALTER ROLE heyday RENAME" in log, "the log would have shown it"
    assert "s3cr3t" not in log
    administrator = await asyncpg.connect(company.administrators)
    seen = await administrator.fetch("SELECT query FROM extensions.pg_stat_statements")
    await administrator.close()
    assert any("ALTER ROLE heyday RENAME" in query for (query,) in seen)
    assert not any("s3cr3t" in query for (query,) in seen)
