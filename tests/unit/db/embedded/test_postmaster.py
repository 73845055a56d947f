import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from heyday.db.embedded.postmaster import (
    Postmaster,
    adopt_stale_lock,
    find_postmaster,
    read_postmaster,
    stop_postmaster,
)
from heyday.domain.errors import EmbeddedServerError

# As PostgreSQL writes it: number, data folder, start, port, socket, address, shared memory, state.
LOCK = "{pid}\n{data}\n1700000000\n54321\n\n127.0.0.1\n  9306124  12\n{state}\n"
READY = "ready   "


def write_lock(data: Path, pid: int, state: str = READY) -> Path:
    lock = data / "postmaster.pid"
    lock.write_text(LOCK.format(pid=pid, data=data, state=state))
    return lock


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that has the data folder on its command line and ignores requests to stop."""
    script = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    script += "signal.signal(signal.SIGQUIT, signal.SIG_IGN); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process


def test_no_lock_file_means_no_server(tmp_path: Path):
    assert read_postmaster(tmp_path) is None
    assert find_postmaster(tmp_path) is None


@pytest.mark.parametrize("text", ["", "123", "123\n/data\n"])
def test_a_lock_file_cut_off_while_written_names_no_server(tmp_path: Path, text: str):
    (tmp_path / "postmaster.pid").write_text(text)
    assert read_postmaster(tmp_path) is None


def test_a_lock_file_is_read(tmp_path: Path):
    write_lock(tmp_path, 123)
    assert read_postmaster(tmp_path) == Postmaster(123, str(tmp_path), 54321, is_ready=True)
    write_lock(tmp_path, 123, "starting")
    assert read_postmaster(tmp_path) == Postmaster(123, str(tmp_path), 54321, is_ready=False)


def test_a_process_that_serves_this_folder_is_found(
    tmp_path: Path, stand_in: "subprocess.Popen[bytes]"
):
    write_lock(tmp_path, stand_in.pid)
    assert find_postmaster(tmp_path) is not None


def test_a_stranger_with_the_number_is_no_server(tmp_path: Path):
    write_lock(tmp_path, os.getppid())
    assert find_postmaster(tmp_path) is None


def test_a_dead_process_that_is_not_buried_is_no_server(
    tmp_path: Path, stand_in: "subprocess.Popen[bytes]"
):
    write_lock(tmp_path, stand_in.pid)
    stand_in.kill()
    os.waitid(os.P_PID, stand_in.pid, os.WEXITED | os.WNOWAIT)
    assert find_postmaster(tmp_path) is None


def test_adopting_a_stale_lock_keeps_what_names_the_shared_memory(tmp_path: Path):
    lock = write_lock(tmp_path, 123)
    adopt_stale_lock(tmp_path)
    assert lock.read_text() == LOCK.format(pid=os.getpid(), data=tmp_path, state=READY)


def test_adopting_removes_a_lock_that_was_cut_off(tmp_path: Path):
    (tmp_path / "postmaster.pid").write_text("12")
    adopt_stale_lock(tmp_path)
    assert not (tmp_path / "postmaster.pid").exists()


def test_adopting_where_nothing_is_does_nothing(tmp_path: Path):
    adopt_stale_lock(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_stop_is_reported(
    tmp_path: Path, stand_in: "subprocess.Popen[bytes]"
):
    write_lock(tmp_path, stand_in.pid)
    waited: list[float] = []
    with pytest.raises(EmbeddedServerError, match="did not stop within 9 s"):
        stop_postmaster(tmp_path, waited.append)
    assert sum(waited) == pytest.approx(9)
    assert stand_in.poll() is None


def test_stopping_waits_until_the_process_is_gone(
    tmp_path: Path, stand_in: "subprocess.Popen[bytes]"
):
    write_lock(tmp_path, stand_in.pid)

    def pause(seconds: float) -> None:
        stand_in.kill()
        threading.Event().wait(seconds)

    stop_postmaster(tmp_path, pause)
    assert find_postmaster(tmp_path) is None
