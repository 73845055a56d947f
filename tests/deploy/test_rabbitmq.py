"""deploy/rabbitmq: a real node starts with these very files, and holds to what they say."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from heyday.db.embedded.cluster import free_port
from tests.deploy.composition import ROOT
from tests.servers import missing

PROGRAMS = Path("/usr/lib/rabbitmq/bin")
DEPLOY = ROOT / "deploy" / "rabbitmq"
PASSWORD = "r4bb1t"
PATIENCE = 90
_LOOK_EVERY = 0.2


@pytest.fixture(autouse=True, scope="module")
def _is_installed() -> None:
    if not (PROGRAMS / "rabbitmq-server").exists():
        missing("RabbitMQ", "apt-get install rabbitmq-server")


@dataclass
class Node:
    """Run one node on free ports, with all its files in a folder of its own."""

    folder: Path
    port: int = field(default_factory=free_port)
    pages_port: int = field(default_factory=free_port)
    epmd_port: int = field(default_factory=free_port)
    processes: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.defpath,
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.epmd_port),
            "RABBITMQ_NODENAME": f"heyday-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            # The ports of the plugins alone, which no variable changes.
            "RABBITMQ_CONFIG_FILES": str(self.folder / "ports"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_DEFAULT_PASS": PASSWORD,
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
        }

    @property
    def said(self) -> str:
        return (self.folder / "console").read_text("utf-8", "replace")

    def start(self, config: Path = DEPLOY / "rabbitmq.conf") -> "subprocess.Popen[bytes]":
        """Start the node, and Erlang's name service, which it would leave behind otherwise."""
        shutil.copy(DEPLOY / "enabled_plugins", self.folder)
        (self.folder / "ports").mkdir()
        (self.folder / "ports" / "10-ports.conf").write_text(
            f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {self.pages_port}\n"
            f"prometheus.tcp.ip = 127.0.0.1\nprometheus.tcp.port = {free_port()}\n"
        )
        environment = {**self.environment, "RABBITMQ_CONFIG_FILE": str(config)}
        with (self.folder / "console").open("wb") as console:
            for program in ("epmd", PROGRAMS / "rabbitmq-server"):
                process = subprocess.Popen(
                    [program],
                    cwd=self.folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                self.processes.append(process)
        return self.processes[-1]

    def wait_until_up(self) -> None:
        for _ in range(int(PATIENCE / _LOOK_EVERY)):
            assert self.processes[-1].poll() is None, self.said[-2000:]
            if "Server startup complete" in self.said:
                return
            threading.Event().wait(_LOOK_EVERY)
        raise AssertionError(self.said[-2000:])

    def stop(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def ask(self, path: str, password: str = PASSWORD) -> Any:
        """Ask the management plugin, as the user of the file."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.pages_port}/api/{path}")
        login = b64encode(f"heyday:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {login}")
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - the same
            return json.load(answer)

    def evaluate(self, expression: str) -> str:
        """Return what Erlang makes of an expression in the node."""
        return subprocess.run(
            [PROGRAMS / "rabbitmqctl", "--quiet", "eval", expression],
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    node = Node(tmp_path_factory.mktemp("rabbitmq"))
    try:
        node.start()
        node.wait_until_up()
        yield node
    finally:
        node.stop()


def test_its_first_start_makes_heydays_user_and_virtual_host_and_no_other(node: Node) -> None:
    assert [user["name"] for user in node.ask("users")] == ["heyday"]
    assert [vhost["name"] for vhost in node.ask("vhosts")] == ["heyday"]
    with pytest.raises(urllib.error.HTTPError, match="401"):
        node.ask("users", password="guest")


def test_memory_is_bounded_by_the_container(node: Node) -> None:
    limit = int(node.evaluate("vm_memory_monitor:get_memory_limit()."))
    assert limit == pytest.approx(0.6 * 2**30, abs=1)
    assert node.evaluate("rabbit_disk_monitor:get_disk_free_limit().") == str(10**9)


@pytest.mark.parametrize(
    ("application", "key", "value"),
    [
        ("rabbit", "channel_max", "{ok,2048}"),
        ("rabbit", "heartbeat", "{ok,30}"),
        ("rabbit", "consumer_timeout", "{ok,1800000}"),
        ("rabbit", "queue_leader_locator", '{ok,<<"balanced">>}'),
        ("rabbit", "cluster_partition_handling", "{ok,pause_minority}"),
        ("ra", "wal_max_size_bytes", "{ok,64000000}"),
    ],
)
def test_a_setting_of_the_file_is_in_force(
    node: Node, application: str, key: str, value: str
) -> None:
    assert node.evaluate(f"application:get_env({application}, {key}).") == value


def test_it_logs_to_the_console_alone_a_json_object_a_line(node: Node) -> None:
    lines = [line for line in node.said.splitlines() if line.startswith("{")]
    assert any("Server startup complete" in json.loads(line)["msg"] for line in lines)
    assert PASSWORD not in node.said
    assert not list((node.folder / "log").glob("*@localhost.log"))


def test_the_plugins_are_those_of_the_file(node: Node) -> None:
    names = (DEPLOY / "enabled_plugins").read_text("utf-8").strip("[].\n ").split(",")
    found = node.evaluate("rabbit_plugins:active().")
    assert names == ["rabbitmq_management", "rabbitmq_prometheus"]
    assert [name for name in names if name not in found] == []


def test_a_key_that_rabbitmq_does_not_know_would_have_stopped_it(tmp_path: Path) -> None:
    node = Node(tmp_path)
    wrong = tmp_path / "wrong.conf"
    wrong.write_text((DEPLOY / "rabbitmq.conf").read_text("utf-8") + "chanel_max = 1\n", "utf-8")
    try:
        node.start(wrong).wait(PATIENCE)
    finally:
        node.stop()
    assert "unknown variable: chanel_max" in node.said.lower()
    assert "Server startup complete" not in node.said
