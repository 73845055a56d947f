"""Give tests a real PgBouncer: a private one of the program that is installed here.

It stands before the server of the run, and lends two connections of it for each database, in turn:
what a client left with one of them is soon missed.
"""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.rabbitmq import free_port
from tests.servers import missing

_STARTS_WITHIN = 20.0
_LOOK_EVERY = 0.05
# Debian's place for it is not on everybody's path.
_PATH = f"{os.defpath}:/usr/sbin:/usr/local/sbin"
_DATABASES = "[databases]\n* = host={host} port={port}\n[pgbouncer]\n"
_SETTINGS = {
    "listen_addr": "127.0.0.1",
    "unix_socket_dir": "",
    "auth_type": "scram-sha-256",
    "pool_mode": "transaction",
    "default_pool_size": "2",
    "server_round_robin": "1",
    "max_client_conn": "500",
}


def find_pgbouncer() -> str | None:
    """Return the program, if it is installed."""
    return shutil.which("pgbouncer", path=_PATH)


def through(port: int, url: str) -> str:
    """Return a database's URL as it is reached by way of a pooler on this port."""
    parts = urlsplit(url)
    who = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{who}@127.0.0.1:{port}"))


@contextlib.contextmanager
def pgbouncer(url: str, **settings: str) -> Iterator[int]:
    """Lend the port of a PgBouncer before the server at `url`, set otherwise than by default."""
    program = find_pgbouncer()
    if program is None:
        missing("PgBouncer", "apt-get install pgbouncer")
    folder, port = Path(tempfile.mkdtemp(prefix="heyday-pgbouncer-")), free_port()
    account = _account()
    try:
        (folder / "users.txt").write_text(_users(url), "utf-8")
        settings = {"auth_file": f"{folder}/users.txt", "listen_port": str(port), **settings}
        (folder / "pgbouncer.ini").write_text(_config(url, settings), "utf-8")
        os.chown(folder, account.pw_uid, account.pw_gid)
        with (folder / "output.log").open("ab") as output:
            process = subprocess.Popen(
                [program, folder / "pgbouncer.ini"],
                user=account.pw_uid,
                group=account.pw_gid,
                extra_groups=[] if os.getuid() == 0 else None,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            _wait_until_up(process, port, folder / "output.log")
            yield port
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def pgbouncer_port(postgres_url: str) -> Iterator[int]:
    """The port of a PgBouncer that lends a server for a transaction."""
    with pgbouncer(postgres_url) as port:
        yield port


@pytest.fixture
def pooled_url(pgbouncer_port: int, database_url: str) -> str:
    """The URL of the test's own database by way of that PgBouncer."""
    return through(pgbouncer_port, database_url)


def _account() -> pwd.struct_passwd:
    """Return who is to run it: PgBouncer refuses to run as root."""
    return pwd.getpwuid(os.getuid()) if os.getuid() else pwd.getpwnam("nobody")


def _users(url: str) -> str:
    """Return who may come, and with which password to go on to PostgreSQL."""
    server = urlsplit(url)
    return f'"{server.username}" "{server.password}"\n'


def _config(url: str, settings: Mapping[str, str]) -> str:
    server = urlsplit(url)
    lines = (f"{name} = {value}" for name, value in {**_SETTINGS, **settings}.items())
    return _DATABASES.format(host=server.hostname, port=server.port) + "\n".join(lines)


def _wait_until_up(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    tries = int(_STARTS_WITHIN / _LOOK_EVERY)
    while not _answers(port):
        tries -= 1
        if process.poll() is not None or not tries:
            raise RuntimeError(f"PgBouncer did not start: {log.read_text('utf-8', 'replace')}")
        threading.Event().wait(_LOOK_EVERY)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
