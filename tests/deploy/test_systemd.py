"""deploy/systemd: systemd takes the units, and finds little that they could harm."""

import configparser
import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from heyday.domain.durations import parse_duration
from tests.deploy.composition import ROOT
from tests.docs.commands import commands
from tests.docs.pages import page
from tests.program import check_words
from tests.servers import missing

FOLDER = ROOT / "deploy" / "systemd"
EVERY = FOLDER / "heyday-.service.d" / "every.conf"
# Where docs/deploy.md puts Heyday.
CURRENT = "/opt/heyday/current"
PROGRAM = f"{CURRENT}/.venv/bin/heyday"
ANALYZE = shutil.which("systemd-analyze")
UNITS = ("heyday-api", "heyday-scheduler", "heyday-worker@1", "heyday-migrate")
# In tenths of the 0 to 10 that systemd gives: 10 is a service without any bounds, below 2 is OK.
EXPOSURE = 15
# What cli/serve.py promises: stopping may take ten seconds in all.
STOPS_WITHIN = timedelta(seconds=10)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as they are, but for where Heyday is installed."""
    if ANALYZE is None:
        missing("systemd", "apt-get install systemd")
    folder = tmp_path / "units"
    shutil.copytree(FOLDER, folder)
    program = Path(sys.executable).with_name("heyday")
    for path in folder.glob("*.service"):
        text = path.read_text("utf-8")
        path.write_text(text.replace(PROGRAM, str(program)), "utf-8")
    return folder


def analyze(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Ask systemd, with its own units beside ours."""
    return subprocess.run(
        [str(ANALYZE), *words],
        env={"PATH": os.defpath, "SYSTEMD_UNIT_PATH": f"{folder}:/lib/systemd/system"},
        capture_output=True,
        text=True,
        check=False,
    )


def verify(folder: Path) -> str:
    """Return what systemd has to say against the target, and all that it starts."""
    done = analyze(folder, "verify", "heyday.target", *(f"{unit}.service" for unit in UNITS))
    return done.stderr or f"{'' if done.returncode == 0 else done.returncode}"


def expose(folder: Path, unit: str) -> subprocess.CompletedProcess[str]:
    words = ("--offline=yes", f"--threshold={EXPOSURE}", "--no-pager", f"{unit}.service")
    return analyze(folder, "security", *words)


def test_systemd_takes_the_units(installed: Path) -> None:
    assert verify(installed) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("Restart=always", "Restart=sometimes", "sometimes"),
        ("Type=exec", "Typ=exec", "Unknown key"),
        ("bin/heyday api", "bin/hayday api", "is not executable"),
    ],
)
def test_systemd_sees_what_is_wrong(installed: Path, right: str, wrong: str, said: str) -> None:
    unit = installed / "heyday-api.service"
    text = unit.read_text("utf-8")
    assert right in text
    unit.write_text(text.replace(right, wrong), "utf-8")
    assert said in verify(installed)


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_could_harm_little(installed: Path, unit: str) -> None:
    done = expose(installed, unit)
    assert done.returncode == 0, done.stdout


def test_without_its_bounds_a_unit_is_found_to_be_exposed(installed: Path) -> None:
    shutil.rmtree(installed / "heyday-.service.d")
    assert expose(installed, "heyday-worker@1").returncode != 0


def lines(path: Path, section: str) -> dict[str, str]:
    """Return the keys of one section, the last of each."""
    parser = configparser.RawConfigParser(strict=False, delimiters="=")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path, "utf-8")
    return dict(parser[section])


def services() -> list[Path]:
    found = sorted(FOLDER.glob("heyday-*.service"))
    assert len(found) == len(UNITS)
    return found


@pytest.mark.parametrize("path", services(), ids=lambda path: path.stem)
def test_a_unit_runs_a_command_that_heyday_has(path: Path) -> None:
    program, *words = lines(path, "Service")["ExecStart"].split()
    assert program == PROGRAM
    check_words(words, is_whole=True)


@pytest.mark.parametrize("path", services(), ids=lambda path: path.stem)
def test_a_unit_is_begun_again_and_waits_for_the_migration(path: Path) -> None:
    service, unit = lines(path, "Service"), lines(path, "Unit")
    if path.stem == "heyday-migrate":
        assert (service["Type"], service["Restart"]) == ("oneshot", "on-failure")
        return
    assert service["Restart"] == "always"
    assert unit["Wants"] == unit["After"] == "heyday-migrate.service"
    # Heyday tells systemd nothing of itself: it would be killed for that.
    assert (service["Type"], service.get("WatchdogSec")) == ("exec", None)


def test_a_process_is_given_the_time_to_end() -> None:
    assert parse_duration(lines(EVERY, "Service")["TimeoutStopSec"]) > STOPS_WITHIN


def test_settings_are_no_part_of_a_unit() -> None:
    assert lines(EVERY, "Service")["EnvironmentFile"] == "/etc/heyday/heyday.env"
    texts = "".join(path.read_text("utf-8") for path in FOLDER.rglob("*.*") if path.is_file())
    # What a file of settings says goes before.
    assert re.findall(r"^Environment=(\w+)", texts, re.MULTILINE) == ["HEYDAY_SENDS"]


def unkept(every: Path) -> str | None:
    """Return where the ledger of sends is that would go with a process; None: it is kept."""
    service = lines(every, "Service")
    name, _, folder = service.get("Environment", "").partition("=")
    state = service.get("StateDirectory")
    is_kept = name == "HEYDAY_SENDS" and state and folder.startswith(f"%S/{state}/")
    return None if is_kept else folder


def test_the_ledger_of_sends_outlives_a_process_and_its_user() -> None:
    assert unkept(EVERY) is None
    # All services have it, and one user.
    assert EVERY.parent.name == "heyday-.service.d"
    assert all(path.name.startswith("heyday-") for path in services())
    assert lines(EVERY, "Service")["User"] == "heyday"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("StateDirectory=heyday\n", ""),
        ("%S/heyday/sends", "%T/heyday/sends"),
        ("Environment=HEYDAY_SENDS", "Environment=HEYDAY_HOME"),
    ],
)
def test_a_ledger_that_is_not_kept_is_found(tmp_path: Path, right: str, wrong: str) -> None:
    text = EVERY.read_text("utf-8")
    assert right in text
    (tmp_path / "every.conf").write_text(text.replace(right, wrong), "utf-8")
    assert unkept(tmp_path / "every.conf") is not None


def links(name: str) -> list[list[str]]:
    """Return the commands of a page that make or move a link."""
    return [c.line.split() for c in commands(page(name)) if c.program == "ln"]


def test_an_upgrade_moves_the_link_that_units_start_heyday_by(tmp_path: Path) -> None:
    (first,), (moved,) = links("docs/deploy.md"), links("docs/upgrade.md")
    assert first[-1] == moved[-1] == CURRENT
    for command in (first, moved):
        release = tmp_path / command[-2]
        (release / ".venv" / "bin").mkdir(parents=True)
        (release / ".venv" / "bin" / "heyday").write_text(command[-2], "utf-8")
        here = [word.replace("/opt/heyday", str(tmp_path)) for word in command]
        subprocess.run(here, check=True)
        started = Path(PROGRAM.replace("/opt/heyday", str(tmp_path)))
        assert started.read_text("utf-8") == command[-2]
    assert first[-2] != moved[-2]
    assert not (tmp_path / first[-2] / moved[-2]).exists()


def test_the_target_starts_one_of_each() -> None:
    wanted = set(lines(FOLDER / "heyday.target", "Unit")["Wants"].split())
    assert wanted == {f"{unit}.service" for unit in UNITS}
    assert lines(EVERY, "Unit")["PartOf"] == "heyday.target"
