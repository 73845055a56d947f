"""A known hole fails the check; that nobody could be asked is said, and is no all-clear."""

import json
from collections.abc import Mapping

import pytest

from tests.audit.__main__ import Look, audit, read

HOLE = {"id": "PYSEC-2026-1", "fix_versions": ["1.1"], "aliases": [], "description": ""}
SAFE = {"name": "safe", "version": "2.0", "vulns": []}
HOLED = {"name": "holed", "version": "1.0", "vulns": [HOLE]}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


def told(*packages: Mapping[str, object]) -> Look:
    return read("pypi", json.dumps({"dependencies": packages, "fixes": []}), "")


def run(*answers: Look, is_strict: bool = False) -> tuple[int, str]:
    said: list[str] = []
    queue = iter(answers)
    status = audit("x.lock", said.append, lambda *_: next(queue), is_strict=is_strict)
    return status, "\n".join(said)


def test_a_known_hole_fails_the_check_and_is_named() -> None:
    status, said = run(told(SAFE, HOLED))
    assert status == 1
    assert "holed 1.0: PYSEC-2026-1, fixed in 1.1" in said


def test_no_known_hole_passes_and_says_how_many_were_looked_at() -> None:
    assert run(told(SAFE, UNKNOWN)) == (0, "x.lock: 0 known holes in 1 packages (pypi)")


def test_the_second_database_is_asked_where_the_first_cannot_be() -> None:
    status, said = run(read("pypi", "", "ERROR: no route"), told(HOLED))
    assert status == 1
    assert "could not be asked: ERROR: no route" in said


@pytest.mark.parametrize("answer", [read("pypi", "", ""), told(UNKNOWN)])
def test_that_nobody_could_be_asked_is_said_and_fails_where_that_is_wanted(answer: Look) -> None:
    status, said = run(answer, answer)
    assert (status, "NOT LOOKED" in said) == (0, True)
    assert run(answer, answer, is_strict=True)[0] == 1
