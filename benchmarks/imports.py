"""Measure `heyday users import`: `python -m benchmarks.imports`.

A private PostgreSQL, durable, set as `make run` sets it, on the cores that the command has as well.
A file of people comes into an empty table, then the same file again, then one in which every row
has changed. The floor, in the same run: COPY of the same people, unchecked, into a table that has a
primary key and nothing else.
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no stubs of its own

from benchmarks.pages import spread
from benchmarks.people_files import COLUMNS, PeopleFiles, write_people
from heyday.clock import SystemClock
from heyday.db import migrate
from heyday.db.connection import connect
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer

ROOT = Path(__file__).parents[1]
_WRONG_SHARE = 0.01
_SAMPLE_SECONDS = 0.1
_MIB = 1 << 20
# What the command was served by: its CPU counts for the server once it has ended.
_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
_WAIT = "SELECT pg_sleep(0.1)"
_FLOOR = """
CREATE TABLE floor (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), first_name varchar(100), last_name varchar(100),
    email varchar(255), timezone varchar(100), birthday_date date, anniversary_date date,
    location_city varchar(100), location_country varchar(100))
"""


@dataclass(frozen=True, slots=True)
class Pass:
    """Hold what one import took. seconds: of the whole command, from its start to its end.

    python_cpu, postgres_cpu: seconds.   memory_mib: of the command's processes, a quarter, a half
    and three quarters of the way through, and at most.   wal_mib: what PostgreSQL wrote ahead.
    """

    imported: int
    updated: int
    rejected: int
    seconds: float
    python_cpu: float
    postgres_cpu: float
    wal_mib: float
    memory_mib: tuple[float, ...]
    memory_peak_mib: float

    @property
    def rate(self) -> float:
        """Return rows a second."""
        return (self.imported + self.updated + self.rejected) / self.seconds


@dataclass(frozen=True, slots=True)
class ImportRun:
    """Hold one run: new people, the same file again, a file in which each row has changed.

    floor_rate: rows a second of the bare COPY.   planned: greetings that the first import planned.
    """

    rows: int
    wrong: int
    floor_rate: float
    planned: int
    new: Pass
    again: Pass
    changed: Pass


async def measure(rows: int) -> ImportRun:
    """Import `rows` people into a new server, each way."""
    with tempfile.TemporaryDirectory(prefix="heyday-bench-") as folder:
        home = Path(folder)
        files = write_people(home, rows, _WRONG_SHARE)
        async with EmbeddedServer(EmbeddedConfig(home=home)) as url:
            await migrate.upgrade(url, SystemClock().now())
            floor_rate = await _measure_floor(url, files)
            new = await _import(url, files.given)
            connection = await connect(url)
            planned: int = await connection.fetchval("SELECT count(*) FROM message_logs")
            await connection.close()
            again = await _import(url, files.given)
            changed = await _import(url, _change(files.given))
    return ImportRun(rows, files.wrong, floor_rate, planned, new, again, changed)


async def _measure_floor(url: str, files: PeopleFiles) -> float:
    """Return rows a second of COPY alone."""
    connection = await connect(url)
    try:
        await connection.execute(_FLOOR)
        began = time.perf_counter()
        await connection.copy_to_table("floor", source=files.right, columns=COLUMNS, format="csv")
        seconds = time.perf_counter() - began
        await connection.execute("DROP TABLE floor")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    return (files.rows - files.wrong) / seconds


def _change(path: Path) -> Path:
    """Write the file again with another city in each row; return where."""
    changed = path.with_name("changed.csv")
    city = COLUMNS.index("location_city")
    with path.open(encoding="utf-8") as given, changed.open("w", encoding="utf-8") as to:
        to.write(next(given))
        for line in given:
            cells = line.split(",")
            cells[city] = f"New {cells[city]}"
            to.write(",".join(cells))
    return changed


async def _import(url: str, path: Path) -> Pass:
    """Run the command on a file."""
    connection = await connect(url)
    try:
        pid = await connection.fetchval("SELECT pg_backend_pid()")
        postmaster = psutil.Process(psutil.Process(pid).ppid())
        wal_before = await connection.fetchval("SELECT pg_current_wal_insert_lsn()::text")
        cpu_before = _cpu(postmaster)
        counts, seconds, python_cpu, memory = await asyncio.to_thread(_run, url, path)
        while await connection.fetchval(_OTHERS):
            await connection.execute(_WAIT)
        postgres_cpu = _cpu(postmaster) - cpu_before
        wal = "SELECT (pg_current_wal_insert_lsn() - $1::text::pg_lsn)::bigint"
        wal_mib = await connection.fetchval(wal, wal_before) / _MIB
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    return Pass(
        counts["imported"], counts["updated"], counts["rejected"], seconds, python_cpu,
        postgres_cpu, wal_mib, tuple(memory[len(memory) * n // 4] for n in (1, 2, 3)), max(memory),
    )  # fmt: skip


def _run(url: str, path: Path) -> tuple[dict[str, int], float, float, list[float]]:
    """Return the counts, the seconds of clock and of CPU, and the memory over time."""
    command = [sys.executable, "-m", "heyday", "users", "import", str(path), "--json"]
    own = {"DATABASE_URL": url, "PYTHONPATH": f"{ROOT}/src"}
    environment = {**os.environ, **own}  # noqa: TID251 - passed on to the program
    output = path.with_suffix(".json")
    memory = [0.0]
    before, began = _ended_cpu(), time.perf_counter()
    with (
        output.open("wb") as to,
        subprocess.Popen(command, env=environment, cwd=path.parent, stdout=to) as program,
    ):
        while program.poll() is None:
            memory.append(_memory_mib(program.pid))
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(_SAMPLE_SECONDS)
    seconds = time.perf_counter() - began
    counts: dict[str, int] = json.loads(output.read_text("utf-8"))
    return counts, seconds, _ended_cpu() - before, memory


def _ended_cpu() -> float:
    """Return the CPU seconds of all programs that this one has started and that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _memory_mib(pid: int) -> float:
    """Return what a process and its children hold. What they share counts for each."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return float(sum(member.memory_info().rss for member in family)) / _MIB
    except psutil.NoSuchProcess:
        return 0.0


def _cpu(postmaster: psutil.Process) -> float:
    """Return the CPU seconds of a PostgreSQL server, of what lives and of what has ended."""
    times = postmaster.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in postmaster.children():
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return float(total)


# What a row shows, of which figures of a pass, and how they are written.
ROWS: list[tuple[str, Callable[[Pass], float], str]] = [
    ("rows a second, the start of the command included", lambda p: p.rate, "{:,.0f}"),
    ("seconds", lambda p: p.seconds, "{:.1f}"),
    ("CPU of the command's processes, s", lambda p: p.python_cpu, "{:.1f}"),
    ("CPU of PostgreSQL, s", lambda p: p.postgres_cpu, "{:.1f}"),
    ("write-ahead log, MiB", lambda p: p.wal_mib, "{:,.0f}"),
    ("memory a quarter through, MiB", lambda p: p.memory_mib[0], "{:.0f}"),
    ("memory three quarters through, MiB", lambda p: p.memory_mib[2], "{:.0f}"),
    ("memory at most, MiB", lambda p: p.memory_peak_mib, "{:.0f}"),
]


def table(runs: list[ImportRun]) -> str:
    """Return the figures of some runs, as a table."""
    passes = ([run.new for run in runs], [run.again for run in runs], [run.changed for run in runs])
    lines = [
        "| figure | new people | the same file again | each row changed |",
        "|---|---|---|---|",
    ]
    for name, of, form in ROWS:
        cells = (spread([of(one) for one in which], form) for which in passes)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    floor = spread([run.floor_rate for run in runs], "{:,.0f}")
    share = spread([run.new.rate / run.floor_rate for run in runs], "{:.2f}")
    lines.append(f"| bare COPY, rows a second; share of it | {floor}; {share} | | |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the file")
    parser.add_argument("--runs", type=int, default=1, help="each on a new server")
    options = parser.parse_args()
    runs = [asyncio.run(measure(options.rows)) for _ in range(options.runs)]
    for run in runs:
        print(json.dumps(asdict(run), indent=2))
    print(table(runs))


if __name__ == "__main__":
    main()
