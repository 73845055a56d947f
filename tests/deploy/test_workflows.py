"""The workflows are as their schema has them, call what is there, and may do no more than it takes.

Nobody runs them here; what they call, .ci/run runs.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.deploy.composition import ROOT

PROGRAMS = Path(sys.executable).parent
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
CI = (ROOT / ".ci" / "run").read_text("utf-8")
# What only a release needs, and what takes an engine that makes images.
NOT_IN_CI = {"check-release", "image"}
# Besides reading the checkout, with what each job has to be trusted.
TRUSTED = {
    ("release.yml", "publish"): {"id-token": "write"},
    ("release.yml", "image"): {"contents": "read", "packages": "write"},
}


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text("utf-8"))


def jobs() -> list[tuple[str, str, dict[str, Any]]]:
    return [(p.name, name, job) for p in FILES for name, job in read(p)["jobs"].items()]


def lines() -> list[str]:
    return [step["run"] for *_, job in jobs() for step in job["steps"] if "run" in step]


def look(program: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAMS / program, *words], check=False, capture_output=True, text=True)


def schema_of(path: Path) -> subprocess.CompletedProcess[str]:
    return look("check-jsonschema", "--builtin-schema", "vendor.github-workflows", path)


def weak_points_of(path: Path) -> subprocess.CompletedProcess[str]:
    return look("zizmor", "--offline", "--no-progress", "--persona", "pedantic", path)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_workflow_is_as_its_schema_has_it(path: Path) -> None:
    done = schema_of(path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_workflow_lets_no_stranger_in(path: Path) -> None:
    done = weak_points_of(path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("right", "wrong", "found"),
    [
        ("    runs-on: ubuntu-24.04\n", "", "runs-on"),
        ("timeout-minutes: 30", "timeout-minutes: [30]", "timeout-minutes"),
    ],
)
def test_the_schema_finds_what_is_wrong(tmp_path: Path, right: str, wrong: str, found: str) -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    (tmp_path / "release.yml").write_text(text.replace(right, wrong, 1), "utf-8")
    done = schema_of(tmp_path / "release.yml")
    assert done.returncode != 0
    assert found in done.stdout


@pytest.mark.parametrize(
    ("right", "wrong", "found"),
    [
        ("@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@v6", "unpinned-uses"),
        ("permissions: {}", "permissions: write-all", "excessive-permissions"),
        ("        with:\n          persist-credentials: false\n", "", "artipacked"),
        ('TAG="$GITHUB_REF_NAME"', 'TAG="${{ github.ref_name }}"', "template-injection"),
    ],
)
def test_weak_points_are_found(tmp_path: Path, right: str, wrong: str, found: str) -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    assert right in text
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "release.yml").write_text(text.replace(right, wrong, 1), "utf-8")
    done = weak_points_of(folder / "release.yml")
    assert done.returncode != 0
    assert found in done.stdout


def test_a_job_may_read_the_checkout_and_no_more_unless_it_is_trusted() -> None:
    assert all(read(path)["permissions"] == {} for path in FILES)
    given = {(file, name): job["permissions"] for file, name, job in jobs()}
    expected = {job: {"contents": "read"} for job in given} | TRUSTED
    assert given == expected


def test_what_publishes_runs_nothing_of_the_checkout() -> None:
    job = read(ROOT / ".github" / "workflows" / "release.yml")["jobs"]["publish"]
    assert job["environment"] == "pypi"
    assert job["needs"] == "build"
    assert [step for step in job["steps"] if "run" in step or "checkout" in step["uses"]] == []


def test_every_target_that_is_called_is_there_and_runs_in_ci() -> None:
    called = {name for line in lines() for name in re.findall(r"\bmake ([a-z-]+)", line)}
    # `apt-get install make` calls nothing.
    assert called
    assert called <= TARGETS
    assert {name for name in called if f"make {name}\n" not in CI} == NOT_IN_CI
    assert ".ci/run" in lines()


def test_the_pythons_are_those_that_heyday_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = [c.rpartition(" ")[2] for c in project["classifiers"] if ":: 3." in c]
    job = read(ROOT / ".github" / "workflows" / "check.yml")["jobs"]["pythons"]
    assert job["strategy"]["matrix"]["python"] == named


def test_everything_is_tried_on_what_the_image_is_built_on() -> None:
    job = read(ROOT / ".github" / "workflows" / "check.yml")["jobs"]["everything"]
    assert f"ARG PYTHON_IMAGE={job['container']}\n" in (ROOT / "Dockerfile").read_text("utf-8")
