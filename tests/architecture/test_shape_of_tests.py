"""The shape of the test folder: unit tests mirror the package, and no test waits by sleeping."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "tests" / "unit"
UNIT_TESTS = sorted(UNIT.rglob("test_*.py"))


def imported(source: str) -> set[str]:
    """Return the dotted names a module imports, with and without the last part.

    "from a.b import c" may mean the module a.b or the module a.b.c, so both are in the answer.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def mirrored(test: Path) -> str:
    """Return the module that a unit test's place and name stand for: unit/db/test_x -> db.x."""
    relative = test.relative_to(UNIT).with_suffix("")
    return ".".join(["heyday", *relative.parts[:-1], relative.name.removeprefix("test_")])


def sleeps(source: str) -> list[int]:
    """Return the lines that sleep; sleep(0), which only lets other tasks run, is not one."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"asyncio.sleep", "time.sleep", "sleep", "anyio.sleep"}
        and not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
    ]


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda p: str(p.relative_to(UNIT)))
def test_a_unit_test_imports_the_module_it_mirrors(path: Path) -> None:
    module = mirrored(path)
    source = ROOT / "src" / module.replace(".", "/")
    assert source.with_suffix(".py").exists() or source.is_dir(), f"there is no {module} to mirror"
    names = imported(path.read_text("utf-8"))
    assert any(f"{name}.".startswith(f"{module}.") for name in names), f"does not import {module}"


def test_no_test_sleeps() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for line in sleeps(path.read_text("utf-8"))
    ]
    assert not found, f"wait for an event or a condition instead: {found}"


def test_the_measures_see_what_they_look_for() -> None:
    assert imported("import a.b\nfrom c.d import e") == {"a.b", "c.d", "c.d.e"}
    assert mirrored(UNIT / "domain" / "test_retry.py") == "heyday.domain.retry"
    assert sorted(sleeps("await asyncio.sleep(0)\nawait asyncio.sleep(0.1)\nsleep(s)")) == [2, 3]
