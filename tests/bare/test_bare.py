"""What a bare machine is made of, and when none is made; `make test-bare` makes one."""

import sys
from pathlib import Path

import pytest

from tests.bare import machine, tree
from tests.bare.cell import remove
from tests.bare.machine import Impossible
from tests.bare.terminal import Terminal
from tests.docs.pages import page

TOLD = """\
:env:.cert='/no/such/all.pem'
global.constraint='/etc/pip/constraints.txt'
global.extra-index-url='file:///srv/index https://packages.example.com/simple'
global.index-url='https://packages.example.com/all'
install.find-links='file:///srv/more'
"""
# It says that it is ready once it heeds nothing.
DEAF = "import signal; signal.signal(2, signal.SIG_IGN); print('Ready'); input()"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="a bare Debian is Linux's")


@pytest.fixture
def terminal(request: pytest.FixtureRequest) -> Terminal:
    words = [sys.executable, "-u", "-c", request.param]
    return Terminal(["/usr/bin/setsid", "--ctty", "--wait", *words], {})


def test_readme_and_setup_name_the_same_packages() -> None:
    by_readme = set(tree.needed(page("README.md").text).split()[2:])
    (line,) = (
        block.strip() for block in page("docs/setup.md").blocks("sh") if "python3-venv" in block
    )
    # Debian has python3 by python3-venv.
    assert by_readme == set(line.split()[2:]) - {"python3"}


def test_a_tree_is_made_anew_when_the_readme_asks_for_more() -> None:
    one = tree.Recipe("bookworm", "http://mirror.example.com", "apt install make")
    assert one.name.startswith("bookworm-")
    other = tree.Recipe("bookworm", "http://mirror.example.com", "apt install make git")
    assert other.name != one.name


def test_pip_is_told_how_to_reach_packages_and_nothing_else_of_this_machine() -> None:
    assert dict(machine.pip_settings(TOLD)) == {
        "PIP_CERT": "/no/such/all.pem",
        "PIP_EXTRA_INDEX_URL": "https://packages.example.com/simple",
        "PIP_INDEX_URL": "https://packages.example.com/all",
    }


def test_what_is_set_for_one_command_wins_over_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "_output", lambda *_: TOLD)
    for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "all.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "all.pem"))
    monkeypatch.setenv("PIP_INDEX_URL", "https://other.example.com")
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PIP_FIND_LINKS", f"{tmp_path} /not/there")
    found = machine.legacy()
    assert found.environment["PIP_INDEX_URL"] == "https://other.example.com"
    assert "PIP_TARGET" not in found.environment
    # The one that is not there cannot be copied.
    assert found.files == (str(tmp_path / "all.pem"),)
    assert found.folders == (str(tmp_path),)


def test_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(Impossible, match="sudo make test-bare"):
        machine.check()


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(machine, "PROGRAMS", ("sh", "no-such-program"))
    with pytest.raises(Impossible, match="no-such-program"):
        machine.check()


@on_linux
def test_a_folder_that_something_is_mounted_in_is_not_deleted() -> None:
    with pytest.raises(OSError, match=r"mounted at .*/proc"):
        remove(Path("/proc"))


def test_another_run_is_left_alone_and_a_killed_one_removed(tmp_path: Path) -> None:
    killed = tmp_path / "run-killed"
    killed.mkdir()
    with tree.room(tmp_path) as first:
        assert not killed.exists()
        with tree.room(tmp_path):
            assert first.exists()
    assert list(tmp_path.iterdir()) == []


@on_linux
@pytest.mark.parametrize("terminal", ["print('Ready'); input()"], indirect=True)
def test_ctrl_c_ends_what_runs_in_the_terminal(terminal: Terminal) -> None:
    with terminal:
        terminal.said("Ready", 20)
        terminal.stop(20)
        assert "KeyboardInterrupt" in terminal.text


@on_linux
@pytest.mark.parametrize("terminal", [DEAF], indirect=True)
def test_what_does_not_heed_ctrl_c_is_a_fault(terminal: Terminal) -> None:
    with terminal:
        terminal.said("Ready", 20)
        with pytest.raises(AssertionError, match="still there"):
            terminal.stop(0.3)


@on_linux
@pytest.mark.parametrize("terminal", ["print('Good bye')"], indirect=True)
def test_what_ends_too_early_is_shown(terminal: Terminal) -> None:
    with terminal, pytest.raises(AssertionError, match=r"ended without(?s:.*)Good bye"):
        terminal.said("never", 20)
