"""The private server on its bad days: kills, strangers, many users, root in closed folders."""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from heyday.db.embedded import EmbeddedConfig, EmbeddedServer, find_installed_servers
from heyday.db.embedded.binaries import find_binaries
from heyday.db.embedded.filelock import FileLock
from heyday.db.embedded.postmaster import find_postmaster, stop_postmaster
from heyday.domain.errors import EmbeddedServerError
from tests.postgres import private_folder

IS_ROOT = os.geteuid() == 0
SRC = Path(__file__).parents[3] / "src"
NOBODY = 65534
# A Heyday process in small: it uses the server until it may go; after Ctrl-C it has work to finish.
# Tests that run in the background of a shell have it ignore Ctrl-C, unless it says otherwise.
USER_OF_SERVER = """
import signal
import sys
from pathlib import Path
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
signal.signal(signal.SIGINT, signal.default_int_handler)
home, bin_dir = sys.argv[1:]
server = EmbeddedServer(EmbeddedConfig(Path(home), Path(bin_dir) if bin_dir else None))
try:
    print(server.start_blocking(), flush=True)
    sys.stdin.readline()
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.stdin.readline()
server.stop_blocking()
"""

needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root has to change account")


@pytest.fixture(scope="module")
def made_home(
    tmp_path_factory: pytest.TempPathFactory, postgres_bin: Path | None
) -> Iterator[Path]:
    """A home whose database is made; tests start and stop its server."""
    home = private_folder(tmp_path_factory)
    server = EmbeddedServer(EmbeddedConfig(home, postgres_bin))
    server.start_blocking()
    server.stop_blocking()
    yield home
    # A killed server's shared memory is given back by its next start.
    server.start_blocking()
    server.stop_blocking()
    shutil.rmtree(home)


@pytest.fixture
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home in which nothing is yet, in a folder closed to others."""
    folder = private_folder(tmp_path_factory)
    yield folder / ".heyday"
    shutil.rmtree(folder)


@pytest.fixture
def home(made_home: Path) -> Iterator[Path]:
    """The same home, whose server is stopped again whatever the test did."""
    yield made_home
    stop_postmaster(made_home / "postgres" / "data", threading.Event().wait)


@pytest.fixture
def server(home: Path, postgres_bin: Path | None) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(EmbeddedConfig(home, postgres_bin))
    yield server
    server.stop_blocking()


class OtherProcess:
    """Another Heyday process that uses the server."""

    def __init__(
        self, home: Path, bin_dir: Path | None, python: str = sys.executable, uid: int | None = None
    ) -> None:
        self.popen = subprocess.Popen(
            [python, "-c", USER_OF_SERVER, str(home), str(bin_dir or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            user=uid,
            group=uid,
            extra_groups=None if uid is None else [],
            env={"PYTHONPATH": os.pathsep.join([str(SRC), *site_packages()])},
            start_new_session=True,
        )

    def line(self) -> str:
        """Return the next line it prints: first the URL."""
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline().strip()
        assert line, self.popen.communicate()[1]
        return line

    def leave(self) -> str:
        """Let the process end in order; return what it complained of."""
        _, complaints = self.popen.communicate("\n", timeout=30)
        assert self.popen.returncode == 0, complaints
        return complaints

    def kill(self) -> None:
        self.popen.kill()
        self.popen.communicate()


@pytest.fixture
def other(home: Path, postgres_bin: Path | None) -> Iterator[Callable[[], OtherProcess]]:
    started: list[OtherProcess] = []

    def start() -> OtherProcess:
        started.append(OtherProcess(home, postgres_bin))
        return started[-1]

    yield start
    for process in started:
        process.kill()


def site_packages() -> list[str]:
    return [path for path in sys.path if path.endswith("site-packages")]


def pid_of(home: Path) -> int:
    found = find_postmaster(home / "postgres" / "data")
    assert found is not None, "no server is running"
    return found.pid


def kill_server(home: Path) -> None:
    pid = pid_of(home)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: is_gone(pid))


def is_gone(pid: int) -> bool:
    try:
        return not Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_for(condition: Callable[[], object]) -> None:
    for _ in range(1500):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("did not happen within 15 s")


def query(url: str, statement: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(ask())


def log_of(home: Path) -> str:
    return (home / "postgres" / "log").read_text()


# --- The first start ---------------------------------------------------------------------------


@pytest.mark.parametrize("bin_dir", [None, *find_installed_servers()], ids=str)
def test_the_first_start_makes_a_database_fit_for_heyday(
    bin_dir: Path | None, tmp_path: Path
) -> None:
    told: list[str] = []
    config = EmbeddedConfig(tmp_path / ".heyday", bin_dir, settings={"max_connections": "42"})
    server = EmbeddedServer(config, told.append)
    url = server.start_blocking()
    try:
        shown = "SELECT string_agg(setting, ' ' ORDER BY name) FROM pg_settings WHERE name = ANY("
        names = "{data_checksums,fsync,listen_addresses,log_min_messages,max_connections,"
        names += "server_encoding,TimeZone,unix_socket_directories}"
        assert query(url, f"{shown}'{names}')") == "UTC on on 127.0.0.1 log 42 UTF8 "
        assert query(url, "SELECT current_user || ' ' || current_database()") == "heyday heyday"
        assert query(url, "SELECT datcollate FROM pg_database WHERE datname = 'heyday'") == "C"
        with pytest.raises(asyncpg.InvalidPasswordError):
            query(url.replace(":", ":x", 2).replace(":x", ":", 1), "SELECT 1")
        password = tmp_path / ".heyday" / "postgres" / "password"
        assert stat.S_IMODE(password.stat().st_mode) == 0o600
        assert password.read_text().strip() in url
    finally:
        server.stop_blocking()
    assert len(told) == 1
    assert str(tmp_path) in told[0]


def test_statistics_of_statements_are_at_hand(server: EmbeddedServer) -> None:
    url = server.start_blocking()
    query(url, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    assert query(url, "SELECT count(*) > 0 FROM pg_stat_statements")


def test_a_killed_first_start_leaves_no_half_made_database(
    new_home: Path, postgres_bin: Path | None
) -> None:
    process = OtherProcess(new_home, postgres_bin)
    folder = new_home / "postgres"
    wait_for(lambda: any(folder.glob("data.new-*/base/1")))
    process.kill()
    assert not (folder / "data").exists()
    server = EmbeddedServer(EmbeddedConfig(new_home, postgres_bin))
    assert query(server.start_blocking(), "SELECT 1") == 1
    server.stop_blocking()
    # The orphaned initdb may still have put a file into its folder; the next first start would
    # remove that too.
    assert {path.name for path in folder.iterdir() if not path.name.startswith("data.new-")} == {
        *("data", "log", "password", "start.lock", "users.lock")
    }


# --- Sharing -----------------------------------------------------------------------------------


def test_the_last_to_leave_stops_the_server(
    home: Path, server: EmbeddedServer, other: Callable[[], OtherProcess]
) -> None:
    url = server.start_blocking()
    pid = pid_of(home)
    second, third = other(), other()
    assert [second.line(), third.line()] == [url, url]
    second.leave()
    server.stop_blocking()
    assert pid_of(home) == pid, "the third still uses it"
    third.leave()
    assert is_gone(pid)


def test_five_at_once_get_one_server(home: Path, other: Callable[[], OtherProcess]) -> None:
    processes = [other() for _ in range(5)]
    assert len({process.line() for process in processes}) == 1
    pid = pid_of(home)
    for process in processes:
        process.leave()
    assert is_gone(pid)


# --- Kills -------------------------------------------------------------------------------------


def test_a_killed_server_starts_again_at_once_with_all_data(
    home: Path, server: EmbeddedServer, other: Callable[[], OtherProcess]
) -> None:
    url = server.start_blocking()
    query(url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    kill_server(home)
    second = other()
    assert second.line() == url, "the port stays, so that the first finds its server again"
    assert query(url, "SELECT count(*) FROM kept") == 1000
    query(url, "DROP TABLE kept")
    second.leave()
    assert query(url, "SELECT 1") == 1, "the first still uses it"


def test_the_server_of_a_killed_process_is_used_and_then_stopped(
    home: Path, server: EmbeddedServer, other: Callable[[], OtherProcess]
) -> None:
    first = other()
    url = first.line()
    pid = pid_of(home)
    first.kill()
    assert server.start_blocking() == url
    assert pid_of(home) == pid
    server.stop_blocking()
    assert is_gone(pid)


def test_killing_everything_costs_nothing_but_a_start(
    home: Path, server: EmbeddedServer, other: Callable[[], OtherProcess]
) -> None:
    first = other()
    query(first.line(), "CREATE TABLE IF NOT EXISTS kept_too ()")
    first.kill()
    kill_server(home)
    assert query(server.start_blocking(), "SELECT count(*) FROM kept_too") == 0


def test_a_stranger_with_the_old_process_number_does_not_prevent_a_start(
    home: Path, server: EmbeddedServer
) -> None:
    server.start_blocking()
    lock = home / "postgres" / "data" / "postmaster.pid"
    _, rest = lock.read_text().split("\n", 1)
    kill_server(home)
    server.stop_blocking()
    account = lock.stat().st_uid if IS_ROOT else None
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, user=account) as stranger:
        lock.write_text(f"{stranger.pid}\n{rest}")
        assert query(server.start_blocking(), "SELECT 1") == 1


def test_no_second_server_starts_beside_an_orphan_that_still_works(
    home: Path, server: EmbeddedServer
) -> None:
    # A backend that computes does not look whether its server is still there.
    long = "SELECT count(*) FROM generate_series(1, 9e6)"
    is_busy = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%series(1, 9e6)'"

    async def keep_busy() -> None:
        connection = await asyncpg.connect(url)
        busy = asyncio.create_task(connection.execute(long))
        await asyncio.to_thread(wait_for, lambda: query(url, is_busy))
        kill_server(home)
        await asyncio.to_thread(server.start_blocking)
        with contextlib.suppress(asyncpg.PostgresError, ConnectionError):
            await busy

    url = server.start_blocking()
    asyncio.run(keep_busy())
    assert "pre-existing shared memory block" in log_of(home)
    assert query(url, "SELECT 1") == 1


# --- Interruptions -----------------------------------------------------------------------------


def test_ctrl_c_reaches_heyday_but_not_the_server(
    home: Path, other: Callable[[], OtherProcess]
) -> None:
    process = other()
    url = process.line()
    pid = pid_of(home)
    seen = len(log_of(home))
    os.killpg(process.popen.pid, signal.SIGINT)
    assert process.line() == "interrupted"
    assert query(url, "SELECT 1") == 1, "what is in flight can still be recorded"
    process.leave()
    assert is_gone(pid)
    assert "database system is shut down" in log_of(home)[seen:]


async def test_a_start_that_is_called_off_leaves_nothing_running(
    home: Path, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A start that looks but once cannot be over before it is called off.
    monkeypatch.setattr("heyday.db.embedded.server._POLL_SECONDS", 60)
    launched = asyncio.Event()
    loop = asyncio.get_running_loop()
    log = home / "postgres" / "log"
    size = log.stat().st_size

    def watch() -> None:
        wait_for(lambda: log.stat().st_size > size)
        loop.call_soon_threadsafe(launched.set)

    watching = asyncio.create_task(asyncio.to_thread(watch))
    start = asyncio.create_task(server.start())
    await launched.wait()
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    await watching
    assert find_postmaster(home / "postgres" / "data") is None


async def test_waiting_for_another_process_can_be_called_off(
    home: Path, postgres_bin: Path | None
) -> None:
    loop, waits = asyncio.get_running_loop(), asyncio.Event()
    server = EmbeddedServer(
        EmbeddedConfig(home, postgres_bin), lambda _: loop.call_soon_threadsafe(waits.set)
    )
    with FileLock(home / "postgres" / "start.lock") as lock:
        assert lock.is_taken_at_once()
        start = asyncio.create_task(server.start())
        await waits.wait()
        start.cancel()
        done, _ = await asyncio.wait([start], timeout=5)
    assert done


async def test_it_serves_as_a_context(home: Path, postgres_bin: Path | None) -> None:
    async with EmbeddedServer(EmbeddedConfig(home, postgres_bin)) as url:
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
    assert find_postmaster(home / "postgres" / "data") is None


# --- Root and other accounts -------------------------------------------------------------------


def status_of(pid: int, field: str) -> list[str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1:] for line in lines if line.startswith(f"{field}:"))


@needs_root
def test_root_hands_the_server_to_nobody_without_opening_a_closed_folder(
    new_home: Path, postgres_bin: Path | None
) -> None:
    above = list(new_home.parents)
    assert stat.S_IMODE(above[0].stat().st_mode) == 0o700
    before = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in above]
    umask = os.umask(0o077)
    server = EmbeddedServer(EmbeddedConfig(new_home, postgres_bin, durable=False))
    try:
        assert query(server.start_blocking(), "SELECT 1") == 1
        pid = pid_of(new_home)
        assert set(status_of(pid, "Uid")) == {str(NOBODY)}
        assert status_of(pid, "Groups") == []
        # One capability: to read and enter, or to override where that one is withheld.
        assert int(status_of(pid, "CapEff")[0], 16) in {1 << 1, 1 << 2}
    finally:
        os.umask(umask)
        server.stop_blocking()
    assert [(p.stat().st_mode, p.stat().st_uid, p.stat().st_gid) for p in above] == before


@needs_root
def test_root_works_for_the_owner_of_the_clone(new_home: Path, postgres_bin: Path | None) -> None:
    owner = next(user for user in pwd.getpwall() if user.pw_uid not in {0, NOBODY})
    os.chown(new_home.parent, owner.pw_uid, owner.pw_gid)
    server = EmbeddedServer(EmbeddedConfig(new_home, postgres_bin, durable=False))
    server.start_blocking()
    try:
        pid = pid_of(new_home)
        assert set(status_of(pid, "Uid")) == {str(owner.pw_uid)}
        is_within_reach = _can_be_entered(find_binaries(postgres_bin))
        assert (set(status_of(pid, "CapPrm")) == {"0" * 16}) == is_within_reach
    finally:
        server.stop_blocking()
    made = [new_home, *new_home.rglob("*")]
    assert {(p.stat().st_uid, p.stat().st_gid) for p in made} == {(owner.pw_uid, owner.pw_gid)}


def _can_be_entered(folder: Path) -> bool:
    return all(path.stat().st_mode & stat.S_IXOTH for path in [folder, *folder.parents])


@needs_root
def test_an_ordinary_user_needs_nothing_else(postgres_bin: Path | None) -> None:
    python = next(filter(_can_be_run_by_nobody, [sys.executable, "/usr/bin/python3"]), None)
    if python is None:
        pytest.skip("this Python, or this clone, is closed to other accounts")
    folder = Path(f"/tmp/heyday-test-user-{os.getpid()}")  # noqa: S108 - pytest's own are closed
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    process = OtherProcess(folder / ".heyday", postgres_bin, python, NOBODY)
    try:
        assert query(process.line(), "SELECT 1") == 1
        assert set(status_of(pid_of(folder / ".heyday"), "Uid")) == {str(NOBODY)}
        process.leave()
    finally:
        process.kill()
        shutil.rmtree(folder)


def _can_be_run_by_nobody(python: str) -> bool:
    ask = [python, "-c", "import heyday.db.embedded.binaries as b; b.find_binaries()"]
    environment = {"PYTHONPATH": os.pathsep.join([str(SRC), *site_packages()])}
    try:
        done = subprocess.run(
            ask, user=NOBODY, group=NOBODY, env=environment, check=False, capture_output=True
        )
    except (PermissionError, FileNotFoundError):
        return False
    return done.returncode == 0


# --- What stands in the way --------------------------------------------------------------------


def test_data_of_another_major_version_is_refused_with_both_versions(
    home: Path, postgres_bin: Path | None
) -> None:
    version = home / "postgres" / "data" / "PG_VERSION"
    truth = version.read_text()
    version.write_text("14\n")
    server = EmbeddedServer(EmbeddedConfig(home, postgres_bin))
    try:
        with pytest.raises(EmbeddedServerError, match=r"PostgreSQL 14.*incompatible"):
            server.start_blocking()
    finally:
        version.write_text(truth)


def test_a_lost_password_is_named(home: Path, server: EmbeddedServer) -> None:
    password = home / "postgres" / "password"
    aside = password.rename(home / "aside")
    try:
        with pytest.raises(EmbeddedServerError, match=r"password is missing.*put the file back"):
            server.start_blocking()
        assert find_postmaster(home / "postgres" / "data") is None
    finally:
        aside.rename(password)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    server = EmbeddedServer(EmbeddedConfig(tmp_path / "file"))
    with pytest.raises(EmbeddedServerError, match=r"file.*set DATABASE_URL"):
        server.start_blocking()
