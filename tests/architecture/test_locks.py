"""The lock files hold what pyproject.toml asks for, with hashes, and name no registry."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
RUN = PYPROJECT["project"]["dependencies"] + PYPROJECT["dependency-groups"]["build"]
TRACES = RUN + PYPROJECT["project"]["optional-dependencies"]["traces"]
LOCKS = {
    "requirements.lock": RUN,
    "requirements-traces.lock": TRACES,
    "requirements-dev.lock": TRACES + PYPROJECT["dependency-groups"]["dev"],
}
# What stands by itself, and not beside what Heyday runs on.
EVERY = {**LOCKS, "requirements-client.lock": PYPROJECT["dependency-groups"]["client"]}
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[\S+\])?==(\S+)(.*)$", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    found = PIN.findall((ROOT / lock).read_text("utf-8"))
    return {canonicalize_name(name): version for name, version, _ in found}


@pytest.mark.parametrize("lock", EVERY)
def test_a_lock_holds_what_is_asked_for(lock: str) -> None:
    locked = pins(lock)
    wanted = [Requirement(text) for text in EVERY[lock]]
    missing = [
        str(r)
        for r in wanted
        if not r.specifier.contains(locked.get(canonicalize_name(r.name), "0"))
    ]
    assert not missing, f"{lock} is behind pyproject.toml, run make lock: {missing}"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_pin_keeps_its_extras(lock: str) -> None:
    # To pip, `name[extra]` is a requirement of its own: unpinned, it takes the newest release.
    text = (ROOT / lock).read_text("utf-8")
    wanted = [Requirement(given) for given in LOCKS[lock]]
    asked = [f"{r.name}[{','.join(sorted(r.extras))}]==" for r in wanted if r.extras]
    assert asked
    assert [name for name in asked if f"\n{name}" not in text] == []


def test_tests_run_on_what_users_get() -> None:
    users, traced, tested = map(pins, LOCKS)
    assert users.items() <= traced.items() <= tested.items()


@pytest.mark.parametrize("lock", EVERY)
def test_every_pin_has_hashes(lock: str) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text("utf-8"))
    assert [b.split()[0] for b in blocks if PIN.match(b) and "--hash=sha256:" not in b] == []


@pytest.mark.parametrize("lock", EVERY)
def test_a_lock_names_no_registry(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert "://" not in text
    assert "index-url" not in text
    assert "find-links" not in text
