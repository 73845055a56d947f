"""What Docker runs to look after Heyday tells a process that lives from one that does not."""

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from heyday.db.embedded.cluster import free_port
from heyday.schedulers.heartbeat import EVERY
from tests.acceptance.processes import heyday
from tests.deploy.composition import ROOT

OLD = timedelta(seconds=35).total_seconds()
HEARTBEAT = "/tmp/heartbeat"  # noqa: S108 - of the container


def passes(*words: str) -> bool:
    """Tell whether a program ends well."""
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


def finds_alive(check: str, file: Path) -> bool:
    """Run the check of docker-compose.yml on a file here."""
    return passes("/bin/sh", "-c", check.replace(HEARTBEAT, str(file)))


@pytest.fixture
def check(services: dict[str, dict[str, Any]]) -> str:
    """The check of schedulers and workers, which look at the file that Heyday is told to touch."""
    (check,) = {services[name]["healthcheck"]["test"][1] for name in ("scheduler", "worker")}
    assert HEARTBEAT in check
    assert services["worker"]["environment"]["HEYDAY_HEARTBEAT"] == HEARTBEAT
    return str(check)


def test_a_file_that_is_touched_is_a_process_that_lives(check: str, tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    assert not finds_alive(check, file), "there is none yet"
    file.touch()
    assert finds_alive(check, file)
    then = file.stat().st_mtime - OLD
    os.utime(file, (then, then))
    assert not finds_alive(check, file)


def test_it_is_touched_often_enough(check: str) -> None:
    (seconds,) = re.findall(r"-(\d+) seconds", check)
    assert timedelta(seconds=int(seconds)) >= 3 * EVERY


@pytest.mark.parametrize("process", ["scheduler", "worker"])
async def test_a_process_without_a_port_shows_that_it_lives(
    check: str, database_url: str, tmp_path: Path, process: str
) -> None:
    file = tmp_path / "heartbeat"

    async def look() -> bool:
        return finds_alive(check, file)

    settings = {"DATABASE_URL": database_url, "HEYDAY_HEARTBEAT": str(file)}
    async with heyday(process, cwd=tmp_path, **settings) as running:
        await running.until(look)


async def test_a_heartbeat_that_cannot_be_is_refused(database_url: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": database_url, "HEYDAY_HEARTBEAT": str(tmp_path / "no" / "file")}
    async with heyday("worker", cwd=tmp_path, **settings) as running:
        await running.said("HEYDAY_HEARTBEAT=.* cannot be written")
        assert await running.process.wait() == 2


async def test_the_check_of_the_image_asks_the_api(database_url: str, tmp_path: Path) -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    (line,) = re.findall(r"^HEALTHCHECK .* CMD (\[.+\])$", text, re.MULTILINE)
    program, option, code = json.loads(line)
    assert (program, option) == ("python3", "-c")
    port = free_port()

    async def look() -> bool:
        return passes(sys.executable, option, code.replace("8000", str(port)))

    assert not await look(), "nobody answers yet"
    async with heyday("api", cwd=tmp_path, DATABASE_URL=database_url, PORT=str(port)) as running:
        await running.until(look)
