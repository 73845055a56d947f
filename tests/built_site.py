"""The site of the documentation, built as `make docs` builds it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Not --quiet: that would keep from --strict what it is to fail over.
BUILD = ("-m", "mkdocs", "build", "--strict")


def build(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Build the site into a folder."""
    words = [sys.executable, *BUILD, "--site-dir", str(folder), *options]
    return subprocess.run(words, cwd=ROOT, check=False, capture_output=True, text=True)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site."""
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder
