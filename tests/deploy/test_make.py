"""`make setup` writes passwords and keeps what is there; `make docker-up` says what is missing."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.deploy.composition import PASSWORDS, ROOT

MAKE = shutil.which("make") or "make"


def setup(folder: Path) -> dict[str, str]:
    """Run `make setup`, without the install, in a folder; return what .env holds then."""
    words = [MAKE, "--makefile", str(ROOT / "Makefile"), "MAKE=true", "setup"]
    done = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True)
    text = (folder / ".env").read_text("utf-8")
    lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    assert not [value for value in lines.values() if value and value in done.stdout + done.stderr]
    return lines


def test_each_password_is_long_random_and_fit_for_an_address(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = setup(tmp_path / "a"), setup(tmp_path / "b")
    assert set(first) == set(second) == set(PASSWORDS)
    values = [*first.values(), *second.values()]
    assert len(set(values)) == len(values)
    assert all(len(value) == 48 and value.isalnum() for value in values)


def test_only_the_owner_reads_them(tmp_path: Path) -> None:
    setup(tmp_path)
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


@pytest.mark.parametrize("ending", ["\n", ""])
def test_what_is_there_already_is_kept(tmp_path: Path, ending: str) -> None:
    old = f"# ours\nREDIS_PASSWORD=\nSENDER=inbox\nDATABASE_PASSWORD=kept{ending}"
    (tmp_path / ".env").write_text(old, "utf-8")
    (tmp_path / ".env").chmod(0o644)
    lines = setup(tmp_path)
    assert lines["DATABASE_PASSWORD"] == "kept"
    assert lines["SENDER"] == "inbox"
    assert len(lines["REDIS_PASSWORD"]) == 48, "an empty one is none"
    assert (tmp_path / ".env").read_text("utf-8").startswith(old)
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert setup(tmp_path) == lines


def docker_up(folder: Path, docker: str | None) -> subprocess.CompletedProcess[str]:
    """Run `make docker-up` where `docker` is a program of these lines, or is not there."""
    for name in ("sh", "git", "true"):
        (folder / name).symlink_to(shutil.which(name) or name)
    if docker is not None:
        (folder / "docker").write_text(f"#!/bin/sh\n{docker}\n")
        (folder / "docker").chmod(0o755)
    return subprocess.run(
        [MAKE, "docker-up"],
        cwd=ROOT,
        env={"PATH": str(folder), "HOME": os.devnull},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("docker", "missing", "remedy"),
    [
        (None, "Docker is not on this machine", "make run"),
        ("exit 1", "no Compose plugin", "docker-compose-plugin"),
        ('test "$1" = compose', "No Docker engine answers", "systemctl start docker"),
    ],
)
def test_it_says_what_is_missing_and_what_to_do(
    tmp_path: Path, docker: str | None, missing: str, remedy: str
) -> None:
    done = docker_up(tmp_path, docker)
    assert done.returncode != 0
    assert missing in done.stderr
    assert remedy in done.stderr


def test_all_is_there_and_it_starts(tmp_path: Path) -> None:
    done = docker_up(tmp_path, 'echo "$*"')
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "compose up --build --detach --wait"
