import socket
from pathlib import Path

import pytest

from heyday.db.embedded.accounts import Account
from heyday.db.embedded.cluster import Cluster, EmbeddedConfig, free_port
from heyday.domain.errors import EmbeddedServerError


def cluster(folder: Path, account: Account | None = None, **config: object) -> Cluster:
    return Cluster(folder, folder / "bin", account, EmbeddedConfig(folder, **config))  # type: ignore[arg-type]


def settings_of(command: list[str]) -> dict[str, str]:
    return dict(part.split("=", 1) for part in command if "=" in part)


def test_the_server_listens_to_this_machine_only(tmp_path: Path):
    settings = settings_of(cluster(tmp_path).server_command(54321))
    assert settings["listen_addresses"] == "127.0.0.1"
    assert settings["unix_socket_directories"] == ""
    assert settings["port"] == "54321"


def test_no_text_of_a_statement_reaches_the_log(tmp_path: Path):
    settings = settings_of(cluster(tmp_path).server_command(1))
    assert settings["log_min_messages"] == "log"
    assert settings["log_min_error_statement"] == "panic"
    assert settings["log_error_verbosity"] == "terse"


def test_only_a_server_for_tests_gives_up_durability(tmp_path: Path):
    assert "fsync" not in settings_of(cluster(tmp_path).server_command(1))
    settings = settings_of(cluster(tmp_path, durable=False).server_command(1))
    assert settings["fsync"] == settings["synchronous_commit"] == "off"


def test_given_settings_win(tmp_path: Path):
    given = cluster(tmp_path, settings={"shared_buffers": "1GB"})
    assert settings_of(given.server_command(1))["shared_buffers"] == "1GB"


def test_another_account_runs_it_through_the_launcher(tmp_path: Path):
    command = cluster(tmp_path, Account(12, 34)).server_command(1)
    split = command.index("--")
    assert command[split + 1] == str(tmp_path / "bin" / "postgres")
    assert command[split - 5 : split - 3] == ["12", "34"]
    assert str(tmp_path) in command[:split], "the folder must be in reach"


def test_the_url_holds_the_password(tmp_path: Path):
    (tmp_path / "password").write_text("s3cret\n")
    assert cluster(tmp_path).url(54321) == "postgresql://heyday:s3cret@127.0.0.1:54321/heyday"


def test_a_lost_password_is_explained(tmp_path: Path):
    with pytest.raises(EmbeddedServerError, match=r"password is missing.*put the file back"):
        cluster(tmp_path).url(1)


def test_a_wanted_port_is_taken_only_while_it_is_free():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        assert free_port(taken) not in {0, taken}
    assert free_port(taken) == taken


def test_what_programs_complain_of_is_passed_on(tmp_path: Path):
    (tmp_path / "bin").mkdir()
    initdb = tmp_path / "bin" / "initdb"
    initdb.write_text("#!/bin/sh\necho no room here >&2\nexit 1\n")
    initdb.chmod(0o755)
    with pytest.raises(EmbeddedServerError, match=r"no room here.*DATABASE_URL"):
        cluster(tmp_path).create()
    assert not (tmp_path / "data").exists()
