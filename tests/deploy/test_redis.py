"""Redis starts as docker-compose.yml says: with a password, an append-only file, a bound."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from heyday.db.embedded.cluster import free_port
from tests.deploy.composition import PASSWORDS, ROOT
from tests.servers import missing

PATIENCE = 20
_LOOK_EVERY = 0.05


@pytest.fixture(autouse=True, scope="module")
def _is_installed() -> None:
    if shutil.which("redis-server") is None:
        missing("Redis", "apt-get install redis-server")


@dataclass(frozen=True, slots=True)
class Container:
    """Run the commands of the service here, in a folder in place of the container's own."""

    service: dict[str, Any]
    folder: Path
    port: int

    def shell(self, command: str, password: str | None = None) -> "subprocess.Popen[bytes]":
        """Start a command of the service, with its paths within the folder."""
        for path in ("/etc/redis.conf", "/tmp/redis.conf"):  # noqa: S108 - of the container
            command = command.replace(path, str(self.folder / path.strip("/").replace("/", "-")))
        given = self.service["environment"]["REDISCLI_AUTH"]
        return subprocess.Popen(
            ["/bin/sh", "-c", command.replace("redis-cli", f"redis-cli -p {self.port}")],
            env={"PATH": os.defpath, "REDISCLI_AUTH": given if password is None else password},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def ask(self, words: str, password: str | None = None) -> str:
        out, _ = self.shell(f"redis-cli {words}", password).communicate()
        return out.decode().strip()

    def is_healthy(self, password: str | None = None) -> bool:
        _, check = self.service["healthcheck"]["test"]
        asked = self.shell(check, password)
        asked.communicate()
        return asked.returncode == 0


@pytest.fixture(scope="module")
def container(
    services: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Container]:
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    settings = (ROOT / "deploy" / "redis" / "redis.conf").read_text("utf-8")
    assert "dir /data" in settings
    (folder / "etc-redis.conf").write_text(
        settings.replace("dir /data", f"dir {folder}") + f"port {port}\nbind 127.0.0.1\n", "utf-8"
    )
    container = Container(services["redis"], folder, port)
    shell, option, command = container.service["command"]
    assert (shell, option) == ("sh", "-c")
    # Compose writes a "$" that is not its own as "$$".
    server = container.shell(command.replace("$$", "$"))
    try:
        for _ in range(int(PATIENCE / _LOOK_EVERY)):
            assert server.poll() is None
            if container.is_healthy():
                break
            threading.Event().wait(_LOOK_EVERY)
        yield container
    finally:
        server.kill()
        server.communicate()


def test_it_is_healthy_and_asks_for_the_password(container: Container) -> None:
    assert container.ask("ping") == "PONG"
    assert "NOAUTH" in container.ask("ping", password="")
    assert not container.is_healthy(password="wrong")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("appendonly", "yes"),
        ("appendfsync", "everysec"),
        ("maxmemory", str(256 * 2**20)),
        ("maxmemory-policy", "volatile-lru"),
    ],
)
def test_a_setting_of_the_file_is_in_force(container: Container, setting: str, value: str) -> None:
    assert container.ask(f"config get {setting}").splitlines() == [setting, value]


def test_the_password_lies_in_a_file_that_nobody_else_reads(container: Container) -> None:
    file = container.folder / "tmp-redis.conf"
    assert PASSWORDS["REDIS_PASSWORD"] in file.read_text("utf-8")
    assert file.stat().st_mode & 0o077 == 0
