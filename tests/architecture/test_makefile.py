"""`make` alone lists every target, each with one line, and none is a name without work."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


@pytest.fixture(scope="module")
def printed() -> str:
    return subprocess.run(
        ["make"],  # noqa: S607 - whichever make the reader of the Makefile would use
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_make_alone_prints_each_target_with_its_purpose(printed: str) -> None:
    rows = dict(re.findall(r"^  make ([a-z-]+) +(\S.*)$", printed, re.MULTILINE))
    assert set(rows) == TARGETS


def test_every_target_is_phony() -> None:
    phony = {
        name
        for row in re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
        for name in row.split()
    }
    assert phony >= TARGETS


def test_ci_runs_what_a_developer_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    wanted = [
        "make check",
        "make docs",
        "make test",
        "make test-wheel",
        "make client",
        "make model",
        "make mutants",
        "make chaos-short",
        'make test-bare BARE="--tests none"',
    ]
    assert [line for line in script if line.startswith("make ")] == wanted
    assert "set -euo pipefail" in script


@pytest.mark.parametrize("makes", ["true", "touch greeting.html"])
def test_ci_refuses_a_run_that_leaves_something_behind(tmp_path: Path, makes: str) -> None:
    (tmp_path / ".ci").mkdir()
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    begin, end = script.index("# What a bare machine lacks"), script.index("make check\n")
    # Without what it installs, and with one target that does all.
    text = script[:begin] + re.sub(r"^make .+$", makes, script[end:], flags=re.MULTILINE)
    (tmp_path / ".ci" / "run").write_text(text, "utf-8")
    (tmp_path / "begun.py").touch()
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)  # noqa: S607
    done = subprocess.run(
        ["/bin/bash", ".ci/run"], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert (done.returncode == 0) == (makes == "true")
    assert ("greeting.html" in done.stderr) == (makes != "true")


def test_heyday_tells_nobody_to_run_make_who_may_have_no_makefile() -> None:
    told = re.compile(rf"\bmake ({'|'.join(sorted(TARGETS))})\b")
    package = ROOT / "src" / "heyday"
    texts = [path for path in package.rglob("*") if path.suffix in {".py", ".html", ".js", ".txt"}]
    found = [
        str(path.relative_to(package)) for path in texts if told.search(path.read_text("utf-8"))
    ]
    assert told.search("Start it: make run")
    assert not found, f"name the command of `heyday` instead: {found}"
