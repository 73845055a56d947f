"""Measure planning: `make bench`.

A private PostgreSQL, durable, set as `make run` sets it; people from the product's own seeder.
Windows in which a quarter of a million greetings are due are planned, each once and then again:
with the account of Heyday's own database, and in turn with one that is no superuser.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from benchmarks import machine
from benchmarks.pages import facts_table, publish, spread
from heyday.db import migrate
from heyday.db.connection import connect
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.db.seeding.copying import copy_population
from heyday.db.seeding.population import Population

ROOT = Path(__file__).parents[1]
START_AT = datetime(2027, 1, 10, tzinfo=UTC)
SHOWN = (
    "server_version",
    "shared_buffers",
    "max_wal_size",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "data_checksums",
)
# What a company would give Heyday on a server of its own.
ORDINARY = """
CREATE ROLE ordinary LOGIN PASSWORD 'ordinary';
GRANT ALL ON ALL TABLES IN SCHEMA public TO ordinary;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ordinary;
"""


@dataclass(frozen=True, slots=True)
class Run:
    """Hold one window: planned once, then again. memory_mib: peak of the Python process."""

    rows: int
    seconds: float
    rows_again: int
    seconds_again: float
    memory_mib: float

    @property
    def rate(self) -> float:
        """Return rows a second of the first run."""
        return self.rows / self.seconds

    @property
    def again(self) -> float:
        """Return the time of the second run as a share of the first."""
        return self.seconds_again / self.seconds


@dataclass(frozen=True, slots=True)
class Measured:
    """Hold everything that one call of this program found out."""

    command: str
    facts: dict[str, str]
    people: int
    people_a_second: float
    own: list[Run]
    ordinary: list[Run]


async def measure(users: int, runs: int, days: int) -> Measured:
    """Seed a new server with people, and plan 2 * `runs` windows of `days` days on it."""
    with tempfile.TemporaryDirectory(prefix="heyday-bench-") as folder:
        home = Path(folder)
        facts = machine.describe(home)
        async with EmbeddedServer(EmbeddedConfig(home=home)) as url:
            await migrate.upgrade(url, START_AT)
            await migrate.create_partitions(url, START_AT, 2 * runs * days // 28 + 2)
            people_a_second = await seed(url, users)
            facts |= await settings_of(url)
            own, ordinary = [], []
            for number in range(runs):
                at = START_AT + timedelta(days=2 * number * days)
                own.append(plan_twice(url, at, days))
                at += timedelta(days=days)
                ordinary.append(plan_twice(with_login(url, "ordinary"), at, days))
    command = f"python -m benchmarks.plan --users {users} --runs {runs} --days {days}"
    return Measured(command, facts, users, people_a_second, own, ordinary)


async def seed(url: str, users: int) -> float:
    """Bring people in; return how many a second."""
    connection = await connect(url)
    began = time.perf_counter()
    await copy_population(connection, Population(1, START_AT), users, lambda *_: None)
    rate = users / (time.perf_counter() - began)
    print(f"seeded {users:,} people, {rate:,.0f} a second")
    await connection.execute(ORDINARY)
    await connection.execute("VACUUM (ANALYZE) users")
    await connection.close()
    return rate


async def settings_of(url: str) -> dict[str, str]:
    """Return how the server is set."""
    connection = await connect(url)
    try:
        return {name: await connection.fetchval(f"SHOW {name}") for name in SHOWN}
    finally:
        await connection.close()


def with_login(url: str, name: str) -> str:
    """Return the same database's URL with another user, whose password is the name."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{name}:{name}@{parts.netloc.rpartition('@')[2]}"))


def plan_twice(url: str, at: datetime, days: int) -> Run:
    """Plan one window and plan it again, each in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.once", url, at.isoformat(), str(days)]
    first, again = (
        json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
        for _ in range(2)
    )
    memory = max(first["memory_mib"], again["memory_mib"])
    run = Run(first["rows"], first["seconds"], again["rows"], again["seconds"], memory)
    print(
        f"{at:%d %b}: {run.rows:,} rows in {run.seconds:.2f} s, {run.rate:,.0f} a second; "
        f"again {run.rows_again} rows in {run.again:.3f} of the time; {run.memory_mib:.0f} MiB"
    )
    return run


# What a row shows, of which run's figures, and how they are written.
ROWS: list[tuple[str, Callable[[Run], float], str]] = [
    ("greetings planned in one run", lambda run: run.rows, "{:,.0f}"),
    ("rows a second, ledger and all indexes included", lambda run: run.rate, "{:,.0f}"),
    ("the same window again: rows written", lambda run: run.rows_again, "{:,.0f}"),
    ("the same window again: share of the time", lambda run: run.again, "{:.3f}"),
    ("peak memory of the Python process, MiB", lambda run: run.memory_mib, "{:.0f}"),
]


def page(measured: Measured) -> str:
    """Return what docs/performance.md says: what was done, on what, and the figures."""
    lines = [
        f"| {name} | {spread([of(run) for run in measured.own], form)} "
        f"| {spread([of(run) for run in measured.ordinary], form)} |"
        for name, of, form in ROWS
    ]
    return f"""
## Planning

Medians, with the range in brackets, of {len(measured.own)} windows for each account. The two
differ in who looks after the foreign key: [adr/0008](adr/0008-planning-by-nested-loop.md).
Measured by `{measured.command}`.

| figure | Heyday's own database | an account that is no superuser |
|---|---|---|
{chr(10).join(lines)}

{measured.people:,} people were seeded before, {measured.people_a_second:,.0f} a second.

## The machine

PostgreSQL and Heyday share its cores.

{facts_table(measured.facts)}
"""


def main() -> None:
    """Measure, print, and write docs/performance.md and docs/performance.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--users", type=int, default=3_000_000, help="people to plan for")
    parser.add_argument("--runs", type=int, default=5, help="windows for each account")
    parser.add_argument("--days", type=int, default=20, help="length of a window")
    parser.add_argument("--dry", action="store_true", help="print only, write no file")
    options = parser.parse_args()
    measured = asyncio.run(measure(options.users, options.runs, options.days))
    text = page(measured)
    print(text)
    if not options.dry:
        publish("performance.json", asdict(measured), "performance.md", "make bench", text)


if __name__ == "__main__":
    main()
