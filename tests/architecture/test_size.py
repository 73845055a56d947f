"""Sizes and names that keep any behaviour to be found in a minute."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 40
# Names that say nothing of what a module is about.
EMPTY_NAMES = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}


def modules() -> list[Path]:
    """Return every module of the package; generated migrations may be as long as they are."""
    found = sorted(p for p in SRC.rglob("*.py") if "migrations/versions" not in p.as_posix())
    assert found, f"no Python files under {SRC}"
    return found


def long_functions(source: str, limit: int) -> Iterator[str]:
    """Yield "line name: n lines" for each function over <limit> lines, nested ones included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            length = node.end_lineno - node.lineno + 1
            if length > limit:
                yield f"{node.lineno} {node.name}: {length} lines"


def test_no_module_is_too_long() -> None:
    lengths = {p: len(p.read_text("utf-8").splitlines()) for p in modules()}
    too_long = [f"{p.relative_to(SRC)}: {n}" for p, n in lengths.items() if n > MAX_MODULE_LINES]
    assert not too_long, f"over {MAX_MODULE_LINES} lines, split by concern: {too_long}"


def test_no_function_is_too_long() -> None:
    too_long = [
        f"{path.relative_to(SRC)}:{row}"
        for path in modules()
        for row in long_functions(path.read_text("utf-8"), MAX_FUNCTION_LINES)
    ]
    assert not too_long, f"over {MAX_FUNCTION_LINES} lines, give the parts names: {too_long}"


def test_no_module_has_an_empty_name() -> None:
    empty = [str(p.relative_to(SRC)) for p in modules() if {p.stem, p.parent.name} & EMPTY_NAMES]
    assert not empty, f"name the module after what it holds: {empty}"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f():\n    a = 1\n    return a\n", ["1 f: 3 lines"]),
        ("class C:\n    async def g(self):\n        x = 1\n        return x\n", ["2 g: 3 lines"]),
        ("def f():\n    return 1\n", []),
    ],
)
def test_the_measure_counts_whole_functions(source: str, found: list[str]) -> None:
    assert list(long_functions(source, limit=2)) == found
