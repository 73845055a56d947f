"""Every guard can still be taken away, and the tests that are to notice it are there."""

import ast
from pathlib import Path

import pytest

from tests.mutation.guards import GUARDS, Guard

ROOT = Path(__file__).parents[2]


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_stands_where_it_is_said_to(guard: Guard):
    assert guard.remove_from(ROOT) != (ROOT / guard.file).read_text("utf-8")
    for test in guard.tests:
        file, _, name = test.partition("::")
        assert not name or name in names_in(ROOT / file)


def test_a_guard_that_is_not_there_is_an_error():
    gone = Guard("gone", "Nothing.", "pyproject.toml", "no such text", "", [])
    with pytest.raises(ValueError, match="stands 0 times"):
        gone.remove_from(ROOT)


def test_names_are_names():
    names = [guard.name for guard in GUARDS]
    assert sorted(set(names)) == sorted(names)
