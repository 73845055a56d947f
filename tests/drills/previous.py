"""Lay the release before this one beside it, to be run with the libraries of this checkout."""

import shutil
import subprocess
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from tests.chaos.processes import ROOT

_NAMED = Path(__file__).with_name("previous.txt")


class NoHistory(Exception):
    """Say why there is no release before this one to be had."""


@dataclass(frozen=True, slots=True)
class Release:
    """Hold the code of a release.

    name: a tag, or a commit.   source: the folder that the package heyday lies in.
    """

    name: str
    source: Path

    @property
    def newest_revision(self) -> str:
        """Return the newest migration that it knows."""
        versions = self.source / "heyday" / "db" / "migrations" / "versions"
        return max(path.name.partition("_")[0] for path in versions.glob("*_*.py"))


def lay_out(folder: Path) -> Release:
    """Put the release before this one into a folder. Raises NoHistory."""
    name = _find()
    archive = _git("archive", "--format=zip", name, "src", "data")
    with ZipFile(BytesIO(archive)) as files:
        files.extractall(folder)
    return Release(name, folder / "src")


def _find() -> str:
    """Return the newest tag before this commit, else the revision that is named beside this."""
    try:
        return _git("describe", "--tags", "--abbrev=0", "HEAD^").decode().strip()
    except NoHistory:
        pass
    (name,) = (line for line in _NAMED.read_text("utf-8").split("\n") if line and line[0] != "#")
    _git("cat-file", "-e", f"{name}^{{commit}}")
    return name


def _git(*words: str) -> bytes:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        raise NoHistory("this is no checkout of git, so the release before it cannot be had")
    done = subprocess.run([git, *words], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip()
        raise NoHistory(f"git has not the release before this one (git fetch --unshallow): {why}")
    return done.stdout
