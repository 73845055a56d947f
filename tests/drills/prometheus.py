"""Run a real Prometheus with the rules of deploy/prometheus, and note which alerts fire when."""

import asyncio
import contextlib
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.chaos.processes import ROOT
from tests.chaos.waiting import pause, wait_until
from tests.rabbitmq import free_port

FOLDER = ROOT / "deploy" / "prometheus"
_STARTS_WITHIN = 30.0
_LOOK_EVERY = 1.0
# A reading may take as long as the time between two; the API's takes a second without PostgreSQL.
_FASTEST = {"scrape_interval": 2.0, "evaluation_interval": 1.0}
_SPANS = re.compile(r"(?<=\[)(\d+)([smhd])(?=\])|(?<=offset )(\d+)([smhd])\b")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
# They measure the rhythm of Heyday's own jobs and looks, which nothing makes faster.
_OWN_RHYTHM = {"HeydaySchedulerOverdue", "HeydayFactsOld"}


def is_installed() -> bool:
    """Tell whether there is a program to start a server of."""
    return shutil.which("prometheus") is not None


def shorten(span: str, faster: float) -> str:
    """Return a duration such as 30m, so many times shorter."""
    return f"{max(round(int(span[:-1]) * _SECONDS[span[-1]] * 1000 / faster), 1)}ms"


def speed_up(rules: dict[str, Any], faster: float) -> dict[str, Any]:
    """Return the rules of a file with every duration of Prometheus so many times shorter.

    What an expression compares with is Heyday's own time, and stays.
    """
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        if rule.get("alert") in _OWN_RHYTHM:
            continue
        rule["expr"] = _SPANS.sub(lambda found: shorten(found[0], faster), rule["expr"])
        if "for" in rule:
            rule["for"] = shorten(rule["for"], faster)
    return rules


def write_configuration(folder: Path, ports: Sequence[tuple[str, int]], faster: float) -> Path:
    """Write what a server reads: the files of deploy/, with targets of our own.

    ports: of each process, with its kind, as DNS would tell it.
    At their own speed the rules are the very files.
    """
    given = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    (job,) = given["scrape_configs"]
    del job["dns_sd_configs"]
    job["static_configs"] = [
        {"targets": [f"127.0.0.1:{port}"], "labels": {"__meta_dns_name": kind}}
        for kind, port in ports
    ]
    if faster != 1:
        for name, fastest in _FASTEST.items():
            seconds = float(given["global"][name].removesuffix("s")) / faster
            given["global"][name] = f"{max(seconds, fastest) * 1000:.0f}ms"
    folder.mkdir()
    for name in given["rule_files"]:
        if faster == 1:
            shutil.copy(FOLDER / name, folder / name)
        else:
            rules = speed_up(yaml.safe_load((FOLDER / name).read_text("utf-8")), faster)
            (folder / name).write_text(yaml.safe_dump(rules), "utf-8")
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(given), "utf-8")
    return path


@contextlib.asynccontextmanager
async def open_prometheus(configuration: Path) -> AsyncIterator[str]:
    """Lend the address of a running server, which has read every target once."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    words = [f"--config.file={configuration}", f"--web.listen-address=127.0.0.1:{port}"]
    words += [f"--storage.tsdb.path={configuration.parent / 'data'}", "--log.level=warn"]
    with (configuration.parent / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *("prometheus", *words), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:

        async def look() -> bool:
            assert process.returncode is None, f"Prometheus ended, see {configuration.parent}"
            with contextlib.suppress(aiohttp.ClientError):
                active = (await _ask(url, "targets"))["activeTargets"]
                return bool(active) and all(each["health"] == "up" for each in active)
            return False

        await wait_until(look, _STARTS_WITHIN, "a Prometheus that reads every process")
        yield url
    finally:
        process.terminate()
        await process.wait()


async def _ask(url: str, what: str) -> Any:
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.get(f"{url}/api/v1/{what}") as response,
    ):
        return (await response.json())["data"]


@dataclass
class Alerts:
    """Follow which alerts fire. tell: is given the name of one that fires, or no longer does."""

    url: str
    tell: Callable[[str, bool], None]
    firing: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self.run_once()
            await pause(_LOOK_EVERY)

    async def run_once(self) -> None:
        """Ask once. A reply that does not come in time is asked for again."""
        try:
            alerts: Sequence[Mapping[str, Any]] = (await _ask(self.url, "alerts"))["alerts"]
        except (aiohttp.ClientError, TimeoutError):
            return
        now = {each["labels"]["alertname"] for each in alerts if each["state"] == "firing"}
        for name in sorted(now - self.firing):
            self.tell(name, True)  # noqa: FBT003 - the one thing that it says
        for name in sorted(self.firing - now):
            self.tell(name, False)  # noqa: FBT003 - the same
        self.firing = now
