"""A server that is not installed here is told of in one line, and under CI it is a failure."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = """
import pytest
from tests.servers import missing

@pytest.fixture(scope="session")
def queue():
    missing("BunnyMQ", "apt-get install bunnymq")

@pytest.mark.parametrize("n", range(4))
def test_one(queue, n):
    pass

def test_two():
    missing("Cache", "apt-get install cache")

def test_three():
    pytest.skip("another reason")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "test_it.py").write_text(TESTS, "utf-8")
    return tmp_path


def run(folder: Path, ci: str, *options: str) -> "subprocess.CompletedProcess[str]":
    words = (
        "-m",
        "pytest",
        "-p",
        "tests.servers",
        "-p",
        "no:cacheprovider",
        *options,
        "test_it.py",
    )
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={"CI": ci, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("options", [(), ("-q", "-n", "2")], ids=["alone", "spread"])
def test_it_is_told_in_one_line_at_the_end(folder: Path, options: tuple[str, ...]) -> None:
    done = run(folder, "false", *options)
    assert done.returncode == 0, done.stdout
    (line,) = [row for row in done.stdout.splitlines() if "Not tested" in row]
    assert line == (
        "Not tested, as not installed here: "
        "BunnyMQ (apt-get install bunnymq); Cache (apt-get install cache)"
    )


def test_under_ci_each_test_that_needs_it_fails(folder: Path) -> None:
    done = run(folder, "true")
    assert done.returncode == 1
    assert "1 failed, 1 skipped, 4 errors" in done.stdout
    assert "not installed here: BunnyMQ (apt-get install bunnymq)" in done.stdout
    assert "Not tested" not in done.stdout
