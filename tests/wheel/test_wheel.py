"""The wheel holds all of Heyday, comes out the same from wherever it is built, and works alone."""

import os
import re
import signal
import subprocess
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import heyday as package
from tests.acceptance.processes import get, heyday, run
from tests.wheel.conftest import ROOT, uv

IMPORT_ALL = """
import importlib, pkgutil
import heyday
for module in pkgutil.walk_packages(heyday.__path__, "heyday."):
    # This one is for those alone who have the extra.
    if module.name == "heyday.telemetry.otlp":
        continue
    if ".migrations." not in module.name and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(heyday.__file__)
"""


def files_of(folder: Path) -> set[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)) for path in found if "__pycache__" not in path.parts}


def build(out: Path, *what: str) -> None:
    uv("build", "--offline", "--no-build-isolation", "--quiet", *what, "--out-dir", out)


def test_the_wheel_holds_every_file_of_the_package_and_of_data(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    ours = files_of(ROOT / "src" / "heyday") | {f"data/{n}" for n in files_of(ROOT / "data")}
    assert found == {f"heyday/{name}" for name in ours}
    assert {"heyday/data/people-us-congress.csv", "heyday/db/sql/plans.sql"} <= found


def test_the_sdist_holds_what_tests_and_checks_need(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"Makefile", "requirements-dev.lock", "tests/conftest.py", "docs/setup.md", "LICENSE"}
    assert wanted <= found
    assert not [name for name in found if re.match(r"\.(venv|heyday|env$|git/)|dist/", name)]


def test_it_is_the_same_wheel_straight_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    build(tmp_path, "--wheel")
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_built_again_it_is_the_same(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    usual = os.umask(0o077)
    try:
        build(tmp_path)
    finally:
        os.umask(usual)
    assert (tmp_path / sdist.name).read_bytes() == sdist.read_bytes()
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_it_says_what_it_is(wheel: Path) -> None:
    version = package.__version__
    assert wheel.name == f"heyday-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"heyday-{version}.dist-info/METADATA").decode()
        archive.getinfo(f"heyday-{version}.dist-info/licenses/LICENSE")
    told = Parser().parsestr(text)
    assert (told["Name"], told["Version"]) == ("heyday", version)
    assert told["Requires-Python"] == ">=3.11"
    assert told.get_payload() == (ROOT / "README.md").read_text("utf-8")


def test_every_module_is_there_with_what_it_imports(programs: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [programs / "python", "-I", "-c", IMPORT_ALL],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(programs.parent)


def test_without_the_extra_it_says_what_traces_need(programs: Path, tmp_path: Path) -> None:
    program, url = [str(programs / "heyday")], "http://127.0.0.1:4318/v1/traces"
    words = ("jobs", "run", "minute")
    done = run(*words, cwd=tmp_path, program=program, HOME=str(tmp_path), HEYDAY_TRACES_URL=url)
    assert done.status == 2
    assert "pip install 'heyday[traces]'" in done.err


@pytest.mark.parametrize("locale", ["en", "de", "ja"])
def test_it_greets_in_its_languages(programs: Path, tmp_path: Path, locale: str) -> None:
    words = ("preview", "--sample", "--type", "BIRTHDAY", "--locale", locale)
    done = run(*words, cwd=tmp_path, program=[str(programs / "heyday")], HOME=str(tmp_path))
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("Subject: ")


async def test_one_command_in_an_empty_folder_greets_somebody(
    programs: Path, tmp_path: Path
) -> None:
    program = [str(programs / "heyday")]
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    alone = {"HOME": str(tmp_path / "home"), "PATH": os.defpath, "PORT": "0"}
    async with heyday("up", cwd=tmp_path / "here", program=program, **alone) as up:
        await up.said(r"Next: |Nobody is to be greeted")
        address, key = (await up.said(r"(http://\S+)/inbox"))[1], await up.first_key()

        async def letters() -> object:
            return (await get(f"{address}/inbox/messages", key))["letters"]

        assert await up.until(letters, 20.0)
        assert (await get(f"{address}/health"))["version"] == package.__version__
        page = await get(f"{address}/sign-in")
        styles = [await get(f"{address}{href}") for href in re.findall(r'href="(/\S+\.css)', page)]
        assert styles
        assert all("{" in text for text in styles)
        assert await up.stop(10.0, signal.SIGINT) == 0
    assert "Traceback" not in up.text
    assert [path.name for path in (tmp_path / "here").iterdir()] == [".heyday"]
    assert list((tmp_path / "home").iterdir()) == []

    done = run("db", "migrate", cwd=tmp_path / "here", program=program, **alone)
    assert done.out == "The database is up to date; 0 partitions created.\n", done.err
