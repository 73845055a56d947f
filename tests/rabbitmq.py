"""Give tests a real RabbitMQ: private servers of the programs that are installed here.

RABBITMQ_URL names another server for those tests that leave it running; what Heyday has in its
virtual host is deleted.

`python -m tests.rabbitmq` runs three nodes until it is interrupted.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aio_pika
import pytest

from heyday.queue.config import EXCHANGES, QUEUE, QUEUES
from tests.epmd import NameService
from tests.servers import missing

_PROGRAMS = Path("/usr/lib/rabbitmq/bin")
_STARTS_WITHIN = 60.0
_LOOK_EVERY = 0.1
_CONFIG = """
loopback_users.guest = true
listeners.tcp.1 = 127.0.0.1:{port}
disk_free_limit.absolute = 1MB
vm_memory_high_watermark.absolute = 1GB
log.file.level = info
"""
_FORM_CLUSTER = "cluster_formation.peer_discovery_backend = classic_config\n"
_PEER = "cluster_formation.classic_config.nodes.{number} = {name}\n"
_ADD_HOST = """
rabbit_vhost:add(<<"{host}">>, <<"tests">>),
rabbit_auth_backend_internal:set_permissions(
    <<"guest">>, <<"{host}">>, <<".*">>, <<".*">>, <<".*">>, <<"tests">>).
"""
# A member of the queue knows its leader sooner than what is stored of the queue.
_LEADER = """
{{ok, Queue}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"{host}">>, queue, <<"{queue}">>)),
case ra_leaderboard:lookup_leader(element(1, amqqueue:get_pid(Queue))) of
    {{_, Node}} -> atom_to_list(Node);
    undefined -> ""
end.
"""


def is_installed() -> bool:
    """Tell whether there are programs to start a server of."""
    return (_PROGRAMS / "rabbitmq-server").exists() and shutil.which("erl") is not None


def free_port() -> int:
    """Return a port of the loopback that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def url_at(port: int, host: str = "") -> str:
    """Return the URL of a server that was just installed. host: a virtual one."""
    return f"amqp://guest:guest@127.0.0.1:{port}/{host}"


@dataclass
class RabbitServer:
    """Run one node in a folder of its own, on ports of its own.

    peers: names of all nodes of its cluster; they share a name service and a home, where the cookie
    is by which they know each other.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    distribution_port: int = field(default_factory=free_port)
    names: NameService = field(default_factory=NameService)
    name: str = "heyday-test@localhost"
    home: Path | None = None
    peers: Sequence[str] = ()
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return url_at(self.port)

    def start(self) -> None:
        """Start the node, and return when it takes connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "rabbitmq.conf").write_text(self._config())
        (self.folder / "enabled_plugins").write_text("[].")
        self.names.start()
        with (self.folder / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                [_PROGRAMS / "rabbitmq-server"],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._wait_until_up()

    @property
    def is_running(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End the node at once, as a power cut would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def wipe(self) -> None:
        """Start with nothing, as on a new disk."""
        self.kill()
        shutil.rmtree(self.folder / "data")
        self.start()

    def control(self, *words: str) -> str:
        """Run rabbitmqctl; return what it prints."""
        done = subprocess.run(
            [_PROGRAMS / "rabbitmqctl", "-n", self.name, *words],
            env=self._environment(),
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def remember_queues(self) -> None:
        """Have on the disk which queues there are, which 3.10 writes down minutes later.

        Killed before that, it drops what it finds of a new queue, confirmed messages and all.
        """
        self.control("eval", "[dets:sync(Table) || Table <- dets:all()].")

    def close(self) -> None:
        """Leave nothing behind."""
        self.kill()
        self.names.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _config(self) -> str:
        config = _CONFIG.format(port=self.port)
        if self.peers:
            peers = enumerate(self.peers, start=1)
            config += _FORM_CLUSTER + "".join(_PEER.format(number=n, name=p) for n, p in peers)
        return config

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.defpath,
            "HOME": str(self.home or self.folder),
            "LANG": "C.UTF-8",
            **self.names.environment,
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
        }

    def _wait_until_up(self) -> None:
        assert self._process is not None
        tries = int(_STARTS_WITHIN / _LOOK_EVERY)
        while not _answers(self.port):
            tries -= 1
            if self._process.poll() is not None or not tries:
                text = (self.folder / "output.log").read_text("utf-8", "replace")
                raise RuntimeError(f"RabbitMQ did not start: {text[-2000:]}")
            threading.Event().wait(_LOOK_EVERY)


class RabbitCluster:
    """Run some nodes on one machine that know each other; each can be killed and started again."""

    def __init__(self, folder: Path, size: int = 3) -> None:
        self._folder = folder
        names = [f"n{number}@localhost" for number in range(1, size + 1)]
        name_service = NameService()
        self.nodes = [
            RabbitServer(
                folder / name.partition("@")[0],
                names=name_service,
                name=name,
                home=folder,
                peers=names if size > 1 else (),
            )
            for name in names
        ]

    def start(self) -> None:
        """Start all, one after another: the others join the first."""
        for node in self.nodes:
            node.start()

    def urls(self, host: str = "") -> list[str]:
        """Return the URL of each node. host: a virtual one."""
        return [url_at(node.port, host) for node in self.nodes]

    def add_host(self, host: str) -> None:
        """Make a virtual host, with queues of its own."""
        self._any().control("eval", _ADD_HOST.format(host=host))

    def leader(self, host: str) -> RabbitServer | None:
        """Return the node that leads the queue of batches; None while there is none.

        It takes rabbitmqctl a second or two to say so.
        """
        name = self._any().control("eval", _LEADER.format(host=host, queue=QUEUE)).strip('"\n')
        return next((node for node in self.nodes if node.is_running and node.name == name), None)

    def remember_queues(self) -> None:
        """Have on all disks which queues there are."""
        for node in self.nodes:
            node.remember_queues()

    def close(self) -> None:
        """Leave nothing behind."""
        for node in self.nodes:
            node.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _any(self) -> RabbitServer:
        return next(node for node in self.nodes if node.is_running)


def _answers(port: int) -> bool:
    """Tell whether a server takes the first words of an AMQP client."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            client.sendall(b"AMQP\x00\x00\x09\x01")
            return bool(client.recv(1))
    except OSError:
        return False


async def empty(url: str) -> None:
    """Delete what Heyday has on a server."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        for queue in QUEUES:
            await channel.queue_delete(queue.name)
        for exchange in EXCHANGES:
            await channel.exchange_delete(exchange.name)


@pytest.fixture(scope="session")
def rabbit_server() -> Iterator[RabbitServer]:
    """A RabbitMQ of the run's own, which tests may break."""
    if not is_installed():
        missing("RabbitMQ", "apt-get install rabbitmq-server")
    server = RabbitServer(Path(tempfile.mkdtemp(prefix="heyday-rabbit-")))
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
async def rabbit(rabbit_server: RabbitServer) -> RabbitServer:
    """The same, with nothing of Heyday's in it."""
    await empty(rabbit_server.url)
    return rabbit_server


def main() -> int:
    """Run nodes until interrupted, and say where they are."""
    parser = argparse.ArgumentParser(prog="python -m tests.rabbitmq", description=main.__doc__)
    parser.add_argument("--nodes", type=int, default=3, help="how many (3)")
    size = parser.parse_args().nodes
    if not is_installed():
        sys.stderr.write("RabbitMQ is not installed: apt install rabbitmq-server\n")
        return 2
    cluster = RabbitCluster(Path(tempfile.mkdtemp(prefix="heyday-rabbit-")), size)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        cluster.start()
        sys.stdout.write(f"RABBITMQ_URL={','.join(cluster.urls())}\n")
        sys.stdout.flush()
        signal.pause()
    except KeyboardInterrupt:
        return 0
    finally:
        cluster.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
