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
from tests.program import check_words
from tests.servers import missing

FOLDER = ROOT / "deploy" / "systemd"
EVERY = FOLDER / "heyday-.service.d" / "every.conf"
# Where docs/deploy.md puts Heyday.
PROGRAM = "/opt/heyday/.venv/bin/heyday"
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
    assert re.findall(r"^Environment=", texts, re.MULTILINE) == []


def test_the_target_starts_one_of_each() -> None:
    wanted = set(lines(FOLDER / "heyday.target", "Unit")["Wants"].split())
    assert wanted == {f"{unit}.service" for unit in UNITS}
    assert lines(EVERY, "Unit")["PartOf"] == "heyday.target"
