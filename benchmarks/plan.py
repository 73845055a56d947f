"""Measure planning: `make bench`.

A private PostgreSQL, durable, as `make run` has it; people from the product's own seeder; one run
over a window in which a quarter of a million greetings are due, then the same window again.
"""

import argparse
import asyncio
import json
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from heyday.db import migrate
from heyday.db.connection import Database, PoolConfig
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.db.seeding.copying import copy_population
from heyday.db.seeding.population import Population
from heyday.domain.timezone import TimezoneService, Window
from heyday.services.planning import PlanConfig, Planner

START_AT = datetime(2027, 1, 10, tzinfo=UTC)
RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
FACTS = ("server_version", "shared_buffers", "fsync", "synchronous_commit", "full_page_writes")


@dataclass(frozen=True, slots=True)
class Run:
    """Hold one window: planned once, then again. memory_mib: peak of the Python process."""

    rows: int
    seconds: float
    rows_again: int
    seconds_again: float
    memory_mib: int

    @property
    def rate(self) -> float:
        """Return rows a second of the first run."""
        return self.rows / self.seconds

    @property
    def again(self) -> float:
        """Return the time of the second run as a share of the first."""
        return self.seconds_again / self.seconds


async def measure(users: int, runs: int, days: int) -> tuple[list[Run], dict[str, str]]:
    """Seed a new server with people and plan `runs` windows of `days` days, one after another."""
    with tempfile.TemporaryDirectory(prefix="heyday-bench-") as folder:
        async with EmbeddedServer(EmbeddedConfig(home=Path(folder))) as url:
            await migrate.upgrade(url, START_AT)
            database = Database(PoolConfig(url))
            await database.open()
            try:
                facts = await seed(database, users)
                measured = [
                    await plan_twice(database, START_AT + n * timedelta(days=days), days)
                    for n in range(runs)
                ]
            finally:
                await database.close()
    return measured, facts


async def seed(database: Database, users: int) -> dict[str, str]:
    """Bring people in, and return how the server is set."""
    began = time.perf_counter()
    async with database.connection() as connection:
        await copy_population(connection, Population(1, START_AT), users, lambda *_: None)
        seconds = time.perf_counter() - began
        print(f"{users:,} people in {seconds:.1f} s ({users / seconds:,.0f} a second)")
        await connection.execute("VACUUM (ANALYZE) users")
        await connection.execute("CHECKPOINT")
        return {name: await connection.fetchval(f"SHOW {name}") for name in FACTS}


async def plan_twice(database: Database, start_at: datetime, days: int) -> Run:
    """Plan one window and plan it again."""
    planner = Planner(TimezoneService(), PlanConfig())
    window = Window(start_at, start_at + timedelta(days=days))
    await planner.ensure_partitions(database, window)
    results = []
    for _ in range(2):
        began = time.perf_counter()
        rows = await planner.plan_window(database, window, start_at)
        results.append((rows, time.perf_counter() - began))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    run = Run(*results[0], *results[1], memory_mib=memory)
    print(f"{run.rows:,} rows in {run.seconds:.2f} s, {run.rate:,.0f}/s; again {run.again:.3f}")
    return run


def machine() -> dict[str, str]:
    """Return what the figures were measured on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].partition(": ")[2] if names else cpu
    return {"CPU": cpu, "cores": str(os.cpu_count()), "Python": platform.python_version()}


def spread(values: Sequence[float], form: str) -> str:
    """Return the median with its range."""
    shown = (statistics.median(values), min(values), max(values))
    return "{} ({} to {})".format(*(form.format(value) for value in shown))


def table(runs: Sequence[Run], facts: dict[str, str], command: str) -> str:
    """Return the page: what was done, on what, and the figures."""
    rows: list[tuple[str, Callable[[Run], float], str]] = [
        ("greetings planned in one run", lambda run: run.rows, "{:,.0f}"),
        ("rows a second, ledger and all indexes included", lambda run: run.rate, "{:,.0f}"),
        ("the same window again: rows written", lambda run: run.rows_again, "{:,.0f}"),
        ("the same window again: share of the time", lambda run: run.again, "{:.3f}"),
        ("peak memory of the Python process, MiB", lambda run: run.memory_mib, "{:.0f}"),
    ]
    lines = [f"| {name} | {spread([of(r) for r in runs], form)} |" for name, of, form in rows]
    about = ", ".join(f"{name} {value}" for name, value in {**machine(), **facts}.items())
    return (
        "# Performance\n\nWritten by `make bench`; do not edit. Medians, with the range in "
        f"brackets, of {len(runs)} runs of `{command}`.\n\nMeasured on: {about}. PostgreSQL and "
        "Heyday share the cores.\n\n## Planning\n\n| figure | median (range) |\n|---|---|\n"
        + "\n".join(lines)
        + "\n"
    )


def main() -> None:
    """Measure, print, and write docs/performance.md and benchmarks/results/plan.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=3_000_000, help="people to plan for")
    parser.add_argument("--runs", type=int, default=5, help="windows to plan")
    parser.add_argument("--days", type=int, default=20, help="length of a window")
    parser.add_argument("--dry", action="store_true", help="print only, write no file")
    options = parser.parse_args()
    runs, facts = asyncio.run(measure(options.users, options.runs, options.days))
    command = (
        f"python -m benchmarks.plan --users {options.users} --runs {options.runs} "
        f"--days {options.days}"
    )
    page = table(runs, facts, command)
    print(page)
    if options.dry:
        return
    RESULTS.mkdir(exist_ok=True)
    document = {"machine": machine(), "server": facts, "runs": [asdict(run) for run in runs]}
    (RESULTS / "plan.json").write_text(json.dumps(document, indent=2) + "\n")
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
