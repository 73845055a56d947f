"""A private RabbitMQ leaves no process behind, and touches none that is not its own."""

import subprocess
from pathlib import Path

import pytest

from tests.epmd import NameService
from tests.rabbitmq import RabbitServer, is_installed
from tests.servers import missing

_WORDS = ["-boot", "no_dot_erlang", "-sname", "alone", "-noinput", "-s", "erlang", "halt"]


@pytest.fixture(autouse=True)
def _needs_rabbitmq() -> None:
    if not is_installed():
        missing("RabbitMQ", "apt-get install rabbitmq-server")


def test_the_name_service_of_a_server_ends_with_it_and_others_go_on(tmp_path: Path) -> None:
    other, server = NameService(), RabbitServer(tmp_path / "rabbitmq")
    other.start()
    try:
        server.names.start()
        server.names.start()
        assert server.names.answers()
        server.close()
        assert not server.names.answers()
        assert other.answers()
    finally:
        other.stop()


def test_a_node_without_its_name_service_starts_none(tmp_path: Path) -> None:
    names = NameService()
    done = subprocess.run(
        ["/usr/bin/erl", *_WORDS],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **names.environment},
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert "econnrefused" in done.stdout + done.stderr
    assert not names.answers()
