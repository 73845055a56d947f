"""Give tests a real PostgreSQL: one private server a run, a fresh database a test.

DATABASE_URL names another server to use (its user must be allowed to create databases);
HEYDAY_TEST_PG_BIN names another folder of PostgreSQL's programs than the wheel's;
HEYDAY_TEST_TEMPLATE a database of the server that is migrated already.
"""

import asyncio
import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.db.embedded.filelock import FileLock
from heyday.db.embedded.postmaster import stop_postmaster

# The instant as of which the template is migrated: its partitions begin with this month.
MIGRATED_AT = datetime(2027, 1, 1, tzinfo=UTC)

TEMPLATE_VARIABLE = "HEYDAY_TEST_TEMPLATE"
_TEMPLATE = "heyday_template"

_SETTINGS = {
    # A background vacuum of the template would hold up the copies made of it.
    "autovacuum": "off",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    # tests/chaos tells by it whether a claim came before an edit.
    "track_commit_timestamp": "on",
}
_MEMORY = Path("/dev/shm")  # noqa: S108 - the folders made in it are private
_ROOM_BYTES = 2_000_000_000
_RUN = f"heyday-tests-{os.getuid()}-"


@dataclass(frozen=True, slots=True)
class Administrator:
    """Create and drop databases over one connection, in a loop of its own."""

    runner: asyncio.Runner
    connection: "asyncpg.Connection[asyncpg.Record]"

    def execute(self, statement: str) -> None:
        """Run one statement."""
        self.runner.run(self._execute(statement))

    async def _execute(self, statement: str) -> None:
        await self.connection.execute(statement)


@pytest.fixture(scope="session")
def postgres_bin() -> Path | None:
    """The folder of PostgreSQL's programs to test with; None means the wheel's."""
    chosen = os.environ.get("HEYDAY_TEST_PG_BIN")  # noqa: TID251 - chooses the server under test
    return Path(chosen) if chosen else None


@pytest.fixture(scope="session")
def postgres_url(
    postgres_bin: Path | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of a database on the server of this run, with a user who may create others."""
    given = os.environ.get("DATABASE_URL")  # noqa: TID251 - chooses the server under test
    if given:
        yield given
        return
    _remove_abandoned()
    home = private_folder(tmp_path_factory, _RUN)
    config = EmbeddedConfig(home=home, bin_dir=postgres_bin, durable=False, settings=_SETTINGS)
    server = EmbeddedServer(config)
    try:
        yield server.start_blocking()
    finally:
        server.stop_blocking()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def administrator(postgres_url: str) -> Iterator[Administrator]:
    """What creates and drops databases."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        connection = runner.run(asyncpg.connect(postgres_url))
        yield Administrator(runner, connection)
        runner.run(connection.close())


@pytest.fixture(scope="session")
def template_database(postgres_url: str, administrator: Administrator) -> Iterator[str]:
    """The name of a migrated database, for copies. Nothing may stay connected to it."""
    given = os.environ.get(TEMPLATE_VARIABLE)  # noqa: TID251 - belongs to the server under test
    if given:
        yield given
        return
    from heyday.db import migrate  # noqa: PLC0415 - unit tests need no migrations

    name = f"heyday_template_{uuid4().hex[:8]}"
    administrator.execute(f"CREATE DATABASE {name}")
    url = database_at(postgres_url, name)
    administrator.runner.run(migrate.upgrade(url, MIGRATED_AT))
    yield name
    administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(
    postgres_url: str,
    administrator: Administrator,
    template_database: str,
    _database_names: Iterator[str],
) -> Iterator[str]:
    """The URL of a migrated, empty database of the test's own."""
    name = next(_database_names)
    administrator.execute(f"CREATE DATABASE {name} TEMPLATE {template_database}")
    yield database_at(postgres_url, name)
    administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_database_url(postgres_url: str, administrator: Administrator) -> Iterator[str]:
    """The URL of a database without any table."""
    name = f"heyday_empty_{uuid4().hex[:8]}"
    administrator.execute(f"CREATE DATABASE {name}")
    yield database_at(postgres_url, name)
    administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def _database_names() -> Iterator[str]:
    run = uuid4().hex[:8]
    return (f"heyday_test_{run}_{number}" for number in count(1))


@contextlib.contextmanager
def migrated_server() -> Iterator[tuple[str, str]]:
    """Lend the URL of a server for several runs of tests, and the name of a migrated database."""
    from heyday.db import migrate  # noqa: PLC0415 - unit tests need no migrations

    _remove_abandoned()
    home = _memory_folder(_RUN) or Path(tempfile.mkdtemp(prefix=_RUN))
    server = EmbeddedServer(EmbeddedConfig(home=home, durable=False, settings=_SETTINGS))
    try:
        url = server.start_blocking()
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            connection = runner.run(asyncpg.connect(url))
            Administrator(runner, connection).execute(f"CREATE DATABASE {_TEMPLATE}")
            runner.run(connection.close())
            runner.run(migrate.upgrade(database_at(url, _TEMPLATE), MIGRATED_AT))
        yield url, _TEMPLATE
    finally:
        server.stop_blocking()
        shutil.rmtree(home, ignore_errors=True)


def database_at(url: str, name: str) -> str:
    """Return the same server's URL with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def private_folder(tmp_path_factory: pytest.TempPathFactory, prefix: str = "heyday-test-") -> Path:
    """Return a folder for a server: in memory where there is room, as it is 10 times faster.

    ext4 scans past every file that was deleted in the last minutes when it creates one, which
    turns the creation of a database from 20 ms into 200-400 ms when tests drop them all the time.
    """
    return _memory_folder(prefix) or tmp_path_factory.mktemp("postgres")


def _memory_folder(prefix: str) -> Path | None:
    is_usable = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)
    if is_usable and shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES:
        return Path(tempfile.mkdtemp(prefix=prefix, dir=_MEMORY))
    return None


def _remove_abandoned() -> None:
    """Stop and remove the servers of runs that were killed."""
    for home in _MEMORY.glob(f"{_RUN}*"):
        folder = home / "postgres"
        if not (folder / "users.lock").exists():
            continue
        with FileLock(folder / "start.lock") as start, FileLock(folder / "users.lock") as users:
            if start.is_taken_at_once() and users.is_taken_at_once():
                stop_postmaster(folder / "data", pause=threading.Event().wait)
                shutil.rmtree(home)
