"""Copies of the checkout to break, and a PostgreSQL with a migrated database to test them on."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.witness import MARK
from tests.postgres import TEMPLATE_VARIABLE, migrated_server

ROOT = Path(__file__).parents[2]
_PARTS = ("src", "tests", "data", "docs", "pyproject.toml")
_LONGEST = 120.0
# Of all tests of all guards, on a machine that does other things as well.
_PLUGINS = ("pytest_asyncio.plugin", "pytest_timeout", "tests.mutation.witness", "no:cacheprovider")
_LONGEST_OF_ALL = 600.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run of tests ended.

    failed: the first test that failed in its body.   trouble: what kept tests from being run.
    """

    failed: str | None
    trouble: str | None
    passed: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Ground:
    """Hold a folder for the copies, and the environment that their tests run in."""

    folder: Path
    variables: dict[str, str]

    def copy(self, name: str) -> "Copy":
        """Return a copy of the checkout."""
        root = self.folder / name
        root.mkdir()
        for part in _PARTS:
            source = ROOT / part
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", ".*")
                shutil.copytree(source, root / part, ignore=ignored)
            else:
                shutil.copy2(source, root / part)
        return Copy(root, {**self.variables, "PYTHONPATH": str(root / "src")})


@dataclass(frozen=True, slots=True)
class Copy:
    """Hold one copy of the checkout."""

    root: Path
    variables: dict[str, str]

    def run(self, tests: Sequence[str], *, is_to_stop: bool = True) -> Verdict:
        """Run tests, by default up to the first failure."""
        began, longest = time.perf_counter(), _LONGEST if is_to_stop else _LONGEST_OF_ALL
        command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "--no-header"]
        command += [word for plugin in _PLUGINS for word in ("-p", plugin)]
        command += [*(["-x"] if is_to_stop else []), *tests]
        try:
            done = subprocess.run(
                command,
                cwd=self.root,
                env=self.variables,
                capture_output=True,
                text=True,
                timeout=longest,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Verdict(None, f"no end within {longest:g} s", 0, longest)
        return _verdict(done.stdout + done.stderr, time.perf_counter() - began)

    @contextlib.contextmanager
    def changed(self, file: str, content: str) -> Iterator[None]:
        """Lend the copy with another content of one file."""
        path = self.root / file
        original = path.read_text("utf-8")
        stamp = path.stat().st_mtime_ns
        path.write_text(content, "utf-8")
        try:
            yield
        finally:
            path.write_text(original, "utf-8")
            # Compiled code of the change must not pass for that of the original.
            os.utime(path, ns=(stamp, stamp))


def _verdict(output: str, seconds: float) -> Verdict:
    lines = [line for line in output.splitlines() if line.startswith(MARK)]
    if not lines:
        return Verdict(None, f"no test was run: {output[-2000:]}", 0, seconds)
    told = json.loads(lines[-1].removeprefix(MARK))
    if told["failed"] and told["when"] != "call":
        return Verdict(None, f"{told['failed']} could not be set up", told["passed"], seconds)
    trouble = None if told["failed"] or told["passed"] else f"no test was run: {output[-2000:]}"
    return Verdict(told["failed"], trouble, told["passed"], seconds)


@contextlib.contextmanager
def open_ground() -> Iterator[Ground]:
    """Lend a folder and a server, and remove both."""
    with tempfile.TemporaryDirectory(prefix="heyday-mutants-") as name, migrated_server() as server:
        folder = Path(name)
        url, template = server
        variables = dict(os.environ)  # noqa: TID251 - handed on to the tests
        # Compiled code is kept, by the run: most of a short test is imports.
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        variables["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
        # Of pytest's plugins only the one that these tests need.
        variables["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        variables["DATABASE_URL"] = url
        variables[TEMPLATE_VARIABLE] = template
        yield Ground(folder, variables)
