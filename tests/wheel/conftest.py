"""The wheel that `make dist` built, in an environment of its own, with nothing of the checkout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
# Where `make test-wheel` has the wheel and the sdist built.
BUILT = os.environ.get("HEYDAY_TEST_WHEEL")  # noqa: TID251 - where it is on this machine


def uv(*words: str | Path, cwd: Path = ROOT) -> None:
    """Run uv, which must end well."""
    done = subprocess.run(
        [UV, *words, "--no-config"], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"uv {words[0]} ended with {done.returncode}:\n{done.stderr}"


@pytest.fixture(scope="session")
def built() -> Path:
    """The folder of the wheel and the sdist."""
    if BUILT is None:
        pytest.skip("`make test-wheel` builds the wheel and runs this")
    return ROOT / BUILT


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    """The wheel, the only one there."""
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def sdist(built: Path) -> Path:
    """The sdist, the only one there."""
    (found,) = built.glob("*.tar.gz")
    return found


@pytest.fixture(scope="session")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `heyday` and its Python are after an installation by hash, and of nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    python = folder / "bin" / "python"
    uv("venv", "--no-project", "--python", sys.executable, folder)
    locked = ("--require-hashes", "--only-binary", ":all:", ROOT / "requirements.lock")
    uv("pip", "sync", "--python", python, *locked)
    uv("pip", "install", "--python", python, "--no-deps", "--offline", wheel)
    return python.parent
