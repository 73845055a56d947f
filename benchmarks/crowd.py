"""Bring people in of whom many have their day on 1 January, and plan that day."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no stubs of its own

from heyday.db import migrate
from heyday.db.connection import connect
from heyday.db.embedded.postmaster import find_postmaster
from heyday.db.seeding.copying import copy_population
from heyday.db.seeding.population import Population, births_by_day
from heyday.domain.timezone import Window

ROOT = Path(__file__).parents[1]
BROUGHT_AT = datetime(2027, 1, 10, tzinfo=UTC)
FIRST_YEAR = 2028
_NEW_YEAR = (1, 1)
# Of a window of two days in an ordinary year: two days of 365, and two thirds of all people have
# an anniversary.
_ORDINARY_SHARE = 2 / 365 * 2 / 3


@dataclass(frozen=True, slots=True)
class Planned:
    """Hold what one plan took. memory_mib: peak of the Python process.

    cpu_seconds: of PostgreSQL's processes.   wal_bytes: written to its log.
    """

    rows: int
    seconds: float
    memory_mib: float
    cpu_seconds: float
    wal_bytes: int

    @property
    def rate(self) -> float:
        """Return rows a second."""
        return self.rows / self.seconds


def around_new_year(year: int) -> Window:
    """Return the two days that the daily run of 31 December plans."""
    start_at = datetime(year - 1, 12, 31, tzinfo=UTC)
    return Window(start_at, start_at + timedelta(hours=48))


async def bring(url: str, people: int, due: int) -> float:
    """Migrate, and bring people in of whom about so many are due; return how many a second."""
    await migrate.upgrade(url, BROUGHT_AT)
    births = births_by_day()
    wanted = (due / people - _ORDINARY_SHARE) / (1 - due / people)
    births[_NEW_YEAR] = sum(births.values()) * max(wanted, 0)
    connection = await connect(url)
    try:
        began = time.perf_counter()
        crowd = Population(1, BROUGHT_AT, births)
        await copy_population(connection, crowd, people, lambda *_: None)
        seconds = time.perf_counter() - began
        await connection.execute("VACUUM (ANALYZE) users")
    finally:
        await connection.close()
    return people / seconds


async def plan(url: str, home: Path, window: Window, planning_url: str | None = None) -> Planned:
    """Plan a window in a process of its own, after a checkpoint: each plan pays for its own pages.

    home: the folder of the server, which is Heyday's own.   planning_url: with whose account.
    """
    days = (window.end_at - window.start_at).days
    command = [sys.executable, "-m", "benchmarks.once", planning_url or url]
    command += [window.start_at.isoformat(), str(days)]
    connection = await connect(url)
    try:
        await connection.execute("CHECKPOINT")
        log_at = await connection.fetchval("SELECT pg_current_wal_lsn()")
        before = cpu_of_server(home)
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)  # noqa: ASYNC221
        cpu = cpu_of_server(home) - before
        written = await connection.fetchval(
            "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), $1)::bigint", log_at
        )
    finally:
        await connection.close()
    found = json.loads(done.stdout)
    return Planned(found["rows"], found["seconds"], found["memory_mib"], round(cpu, 2), written)


def cpu_of_server(home: Path) -> float:
    """Return the CPU seconds of PostgreSQL's processes so far, those that have ended included."""
    found = find_postmaster(home / "postgres" / "data")
    if found is None:
        raise RuntimeError(f"PostgreSQL in {home} has ended")
    main = psutil.Process(found.pid)
    total = 0.0
    for process in (main, *main.children()):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    ended = main.cpu_times()
    return total + float(ended.children_user) + float(ended.children_system)
