"""Give tests a real Redis: a private server of the program that is installed here.

REDIS_URL names another server for those tests that leave it running; what Heyday has in its
database is deleted.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redis.asyncio import Redis

from heyday.db.embedded.cluster import free_port
from heyday.rate_limits import KEY_PREFIX
from tests.servers import missing

PASSWORD = "s3cret"
_PROGRAM = "redis-server"
_STARTS_WITHIN = 10.0
_LOOK_EVERY = 0.02


def url_at(port: int, password: str = PASSWORD) -> str:
    """Return the URL of a server of ours, or of what stands before it."""
    return f"redis://:{password}@127.0.0.1:{port}/0"


@dataclass
class RedisServer:
    """Run one server, which keeps nothing on the disk, in a folder of its own."""

    folder: Path
    port: int = field(default_factory=free_port)
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return url_at(self.port)

    def start(self) -> None:
        """Start it, and return when it takes commands."""
        words = f"--bind 127.0.0.1 --port {self.port} --requirepass {PASSWORD} --appendonly no"
        self._process = subprocess.Popen(
            [_PROGRAM, *words.split(), "--save", "", "--dir", self.folder],
            stdout=subprocess.DEVNULL,
        )
        for _ in range(int(_STARTS_WITHIN / _LOOK_EVERY)):
            if _answers(self.port):
                return
            threading.Event().wait(_LOOK_EVERY)
        raise RuntimeError("Redis did not start")

    def kill(self) -> None:
        """End it at once, as a power cut would; what it held is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            client.sendall(b"PING\r\n")
            return client.recv(1) == b"-"  # that a password is wanted
    except OSError:
        return False


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A Redis of the test's own, which it may break. It starts in some ten milliseconds."""
    if not shutil.which(_PROGRAM):
        missing("Redis", "apt-get install redis-server")
    with tempfile.TemporaryDirectory(prefix="heyday-redis-") as folder:
        server = RedisServer(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.kill()


@pytest.fixture
async def redis_url(request: pytest.FixtureRequest) -> str:
    """The URL of a Redis that holds nothing of Heyday's, and is left running."""
    given = os.environ.get("REDIS_URL")  # noqa: TID251 - chooses the server under test
    url = given or request.getfixturevalue("redis_server").url
    async with Redis.from_url(url) as client:
        async for key in client.scan_iter(f"{KEY_PREFIX}*"):
            await client.delete(key)
    return url
