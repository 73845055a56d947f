"""Measure the API beside a bare service that does the same SQL: `make bench-api`.

Both run as one process on the same private PostgreSQL, durable, with the same people; wrk asks
them in turn, over and over, with 32 connections. All four share the cores of this machine.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from asyncio import run
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no stubs of its own

from benchmarks import machine
from benchmarks.bare_api import PEOPLE, PERSON
from benchmarks.pages import facts_table, publish, spread
from heyday.db import migrate
from heyday.db.connection import connect
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.db.seeding.copying import copy_population
from heyday.db.seeding.population import Population
from tests.keys import bearer, key_at

CONNECTIONS = 32
HEYDAY, BARE = "Heyday", "bare"
WAYS = ("POST", "GET")
# What the comparison is to show.
LEAST_SHARE = 0.6
LEAST_POSTS, WHERE_BARE_REACHES = 2000, 4000
MOST_TIMES_P99 = 2.5

_STARTS_WITHIN = 60.0
_LOOK_EVERY = 0.05
_SAMPLE = 2000
_FAR = timedelta(days=180)
_RATE = re.compile(r"^Requests/sec:\s+([\d.]+)", re.MULTILINE)
_COUNT = re.compile(r"^\s+(\d+) requests in", re.MULTILINE)
_P99 = re.compile(r"^\s+99%\s+([\d.]+)(us|ms|s)", re.MULTILINE)
_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
_FAULTS = re.compile(r"Non-2xx or 3xx responses: \d+|Socket errors: .+")
# Each address once, in every run of wrk.
_POST = """
local made, run = 0, "%(run)s"
wrk.method, wrk.headers["Content-Type"] = "POST", "application/json"
%(headers)s
function request()
  made = made + 1
  return wrk.format(nil, "%(path)s", nil, string.format([[%(body)s]], run .. "." .. made))
end
"""
_GET = """
local ids, at = {%(ids)s}, 0
%(headers)s
function request()
  at = at %% #ids + 1
  return wrk.format("GET", "%(path)s/" .. ids[at])
end
"""


@dataclass(frozen=True, slots=True)
class Run:
    """Hold one run of wrk. p99: milliseconds.   cpu: of the server, seconds for 1,000 requests."""

    rate: float
    p99: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Hold everything that one call of this program found out. runs: by way, then by service."""

    command: str
    facts: dict[str, str]
    people: int
    runs: dict[str, dict[str, list[Run]]]


@dataclass(frozen=True, slots=True)
class Service:
    """Hold a server that was started."""

    process: "subprocess.Popen[str]"
    port: int

    def cpu_seconds(self) -> float:
        """Return what the process has used."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)


def measure(people: int, rounds: int, seconds: int) -> Measured:
    """Start everything, and have wrk ask both services in turn."""
    with (
        tempfile.TemporaryDirectory(prefix="heyday-bench-") as folder,
        contextlib.ExitStack() as stack,
    ):
        home = Path(folder)
        facts = machine.describe(home)
        server = EmbeddedServer(EmbeddedConfig(home=home))
        url = server.start_blocking()
        stack.callback(server.stop_blocking)
        ids, version = run(_seed(url, people))
        key = run(key_at(url))
        services = {
            HEYDAY: stack.enter_context(heyday_api(url, home)),
            BARE: stack.enter_context(_bare(url, key, home)),
        }
        facts |= {"PostgreSQL": version, "wrk": _wrk_version()}
        found: dict[str, dict[str, list[Run]]] = {way: {s: [] for s in services} for way in WAYS}
        for number in range(-1, rounds):
            for way in WAYS:
                # Who comes first changes, as what one leaves behind meets the other.
                for name in sorted(services, reverse=bool(number % 2)):
                    script = _script(way, home, key, f"{number}.{name.lower()}", ids)
                    one = _ask(services[name], script, seconds if number >= 0 else 2)
                    if number >= 0:
                        found[way][name].append(one)
                        print(
                            f"{way:4} {name:6} {one.rate:8,.0f}/s  p99 {one.p99:6.1f} ms  "
                            f"CPU {one.cpu:.3f} s/1k",
                            flush=True,
                        )
    command = f"python -m benchmarks.api --people {people} --rounds {rounds} --seconds {seconds}"
    return Measured(command, facts, people, found)


async def _seed(url: str, people: int) -> tuple[list[str], str]:
    """Migrate, bring people in; return ids of some, and what PostgreSQL this is."""
    now = datetime.now(UTC)  # noqa: TID251 - the services go by the real clock
    await migrate.upgrade(url, now)
    connection = await connect(url)
    await copy_population(connection, Population(1, now), people, lambda *_: None)
    await connection.execute("VACUUM (ANALYZE) users")
    rows = await connection.fetch("SELECT id FROM users ORDER BY random() LIMIT $1", _SAMPLE)
    version: str = await connection.fetchval("SHOW server_version")
    await connection.close()
    return [str(row["id"]) for row in rows], version


@contextlib.contextmanager
def heyday_api(url: str, home: Path) -> Iterator[Service]:
    """Run the API as a company would, with its log in a file."""
    settings = {"DATABASE_URL": url, "PORT": "0", "HEYDAY_API_RATE_LIMIT": "0"}
    words = [sys.executable, "-m", "heyday", "api"]
    log = home / "heyday.log"

    def port() -> int | None:
        match = re.search(r"started\s+port=(\d+)", log.read_text("utf-8"))
        return int(match[1]) if match else None

    with (
        log.open("w", encoding="utf-8") as output,
        subprocess.Popen(
            words,
            cwd=home,
            env={"HOME": str(home), "PATH": os.defpath, **settings},
            stderr=output,
            text=True,
        ) as process,
        _ended(process),
    ):
        yield Service(process, _until(process, port))


@contextlib.contextmanager
def _bare(url: str, key: str, home: Path) -> Iterator[Service]:
    """Run the bare service."""
    words = [sys.executable, "-m", "benchmarks.bare_api", "--url", url, "--key", key]
    out = home / "bare.out"

    def port() -> int | None:
        text = out.read_text("utf-8").strip()
        return int(text) if text else None

    with (
        out.open("w", encoding="utf-8") as output,
        subprocess.Popen(words, cwd=Path(__file__).parents[1], stdout=output, text=True) as process,
        _ended(process),
    ):
        yield Service(process, _until(process, port))


@contextlib.contextmanager
def _ended(process: "subprocess.Popen[str]") -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()


def _until(process: "subprocess.Popen[str]", look: Callable[[], int | None]) -> int:
    """Return what is there once it is there."""
    for _ in range(int(_STARTS_WITHIN / _LOOK_EVERY)):
        if found := look():
            return found
        if process.poll() is not None:
            break
        threading.Event().wait(_LOOK_EVERY)
    raise RuntimeError(f"{process.args!r} did not start")


def _script(way: str, home: Path, key: str, name: str, ids: Sequence[str]) -> Path:
    """Write what wrk is to ask."""
    now = datetime.now(UTC)  # noqa: TID251 - the services go by the real clock
    # Of a few greetings only the day is near, so that of most people nothing is to be planned.
    birthday = (now + _FAR).date().replace(year=1990)
    body = {**PERSON, "email": f"{now.timestamp()}.%s@example.com", "birthday_date": f"{birthday}"}
    body["anniversary_date"] = f"{(now + _FAR / 2).date().replace(year=2015)}"
    lines = (f'wrk.headers["{header}"] = "{text}"' for header, text in bearer(key).items())
    values = {
        "run": name,
        "path": PEOPLE,
        "headers": "\n".join(lines),
        "body": json.dumps(body),
        "ids": ",".join(f'"{each}"' for each in ids),
    }
    script = home / f"{way}.lua"
    script.write_text((_POST if way == "POST" else _GET) % values, "utf-8")
    return script


def _ask(service: Service, script: Path, seconds: int) -> Run:
    """Have wrk ask one service for so long. Raises RuntimeError if anything was refused."""
    before = service.cpu_seconds()
    words = ("-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script))
    text = subprocess.run(
        [_wrk(), *words, f"http://127.0.0.1:{service.port}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    if fault := _FAULTS.search(text):
        raise RuntimeError(f"{script.name}: {fault.group()}")
    rate, asked, p99 = (pattern.search(text) for pattern in (_RATE, _COUNT, _P99))
    if not (rate and asked and p99):
        raise RuntimeError(f"wrk said:\n{text}")
    cpu = (service.cpu_seconds() - before) / int(asked[1]) * 1000
    return Run(float(rate[1]), float(p99[1]) * _MILLISECONDS[p99[2]], cpu)


def _wrk() -> str:
    """Return where wrk is. Exits where it is not installed."""
    found = shutil.which("wrk")
    if not found:
        sys.exit("wrk is not installed. On Debian and Ubuntu: apt install wrk")
    return found


def _wrk_version() -> str:
    said = subprocess.run([_wrk(), "-v"], check=False, capture_output=True, text=True)
    return (said.stdout + said.stderr).split()[1]


def verdicts(runs: Mapping[str, Mapping[str, Sequence[Run]]]) -> dict[str, bool]:
    """Return what was to be shown, and whether it was."""
    shown = {}
    for way in WAYS:
        ours, bare = runs[way][HEYDAY], runs[way][BARE]
        share = _rate(ours) / _rate(bare)
        times = _p99(ours) / _p99(bare)
        shown[f"{way}: at least {LEAST_SHARE:.0%} of the bare rate: {share:.0%}"] = (
            share >= LEAST_SHARE
        )
        shown[f"{way}: p99 at most {MOST_TIMES_P99} times the bare one's: {times:.2f}"] = (
            times <= MOST_TIMES_P99
        )
    slow, fast = _rate(runs["POST"][HEYDAY]), _rate(runs["POST"][BARE])
    name = f"POST: at least {LEAST_POSTS:,}/s where the bare one reaches {WHERE_BARE_REACHES:,}/s"
    if fast < WHERE_BARE_REACHES:
        name += ", which it does not here"
    shown[f"{name}: {slow:,.0f}/s, {fast:,.0f}/s"] = (
        slow >= LEAST_POSTS or fast < WHERE_BARE_REACHES
    )
    return shown


def _rate(runs: Sequence[Run]) -> float:
    return statistics.median(each.rate for each in runs)


def _p99(runs: Sequence[Run]) -> float:
    return statistics.median(each.p99 for each in runs)


def section(measured: Measured) -> str:
    """Return what docs/performance.md says of it."""
    rows = []
    for way, services in measured.runs.items():
        for name, form in (("rate", "{:,.0f}"), ("p99", "{:.1f}"), ("cpu", "{:.3f}")):
            ours, bare = ([getattr(r, name) for r in services[s]] for s in (HEYDAY, BARE))
            ratio = statistics.median(ours) / statistics.median(bare)
            unit = {"rate": "requests a second", "p99": "p99, ms", "cpu": "CPU, s for 1,000"}[name]
            rows.append(
                f"| {way}: {unit} | {spread(ours, form)} | {spread(bare, form)} | {ratio:.2f} |"
            )
    count = len(measured.runs["POST"][HEYDAY])
    shown = [
        f"| {text} | {'yes' if ok else 'no'} |" for text, ok in verdicts(measured.runs).items()
    ]
    return f"""
## The API

`POST {PEOPLE}` and `GET {PEOPLE}/{{id}}`, one process, {CONNECTIONS} connections, beside a bare
service of Starlette, msgspec and asyncpg that runs the same SQL: the statements that Heyday runs
for the same request. It checks nothing, and logs nothing. Medians of {count} alternating rounds,
with the range in brackets. CPU is that of the service's process.
Measured by `{measured.command}`.

| what | Heyday | bare | ratio |
|---|---|---|---|
{chr(10).join(rows)}

| what is to hold | does it |
|---|---|
{chr(10).join(shown)}

{measured.people:,} people were there before. PostgreSQL, wrk and the service share the cores.

{facts_table(measured.facts)}
"""


def main() -> None:
    """Measure, print, and write a section of docs/performance.md and docs/api.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--people", type=int, default=100_000, help="people in the database")
    parser.add_argument("--rounds", type=int, default=7, help="rounds, each asks both both ways")
    parser.add_argument("--seconds", type=int, default=5, help="that wrk asks at a time")
    parser.add_argument("--dry", action="store_true", help="print only, write no file")
    options = parser.parse_args()
    measured = measure(options.people, options.rounds, options.seconds)
    print(text := section(measured))
    if not options.dry:
        publish("api.json", asdict(measured), "performance.md", "make bench-api", text)


if __name__ == "__main__":
    main()
