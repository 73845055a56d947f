"""Run Heyday's benchmarks, each several times, and write docs/performance.md: `make bench`.

Everything runs on this machine, on the same cores: Heyday's own processes, a durable PostgreSQL
that is made for each run, and a provider's stub that accepts everything. All of it takes most of a
night. Each finished run is kept in .bench.json, so one that was broken off goes on with --resume.

    make bench                                  everything
    make bench ONLY=burn_down,floors            some of it; the others' figures stay as they are
    python -m benchmarks.suite --scale 0.01     a trial with a hundredth of the work, page as is
    python -m benchmarks.suite --list           what there is
"""

import argparse
import asyncio
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import facts
from benchmarks.catalogue import BENCHMARKS
from benchmarks.entries import Benchmark
from benchmarks.instant import new_folder
from benchmarks.pages import DOCS
from benchmarks.results import FIGURES, Results, publish

RUNS = 5
_KEPT = Path(__file__).parents[1] / ".bench.json"


async def run(
    benchmark: Benchmark[Any], runs: int, scale: float, kept: Results, command: str
) -> None:
    """Do what is missing of so many runs."""
    if not kept.runs(benchmark.name):
        with new_folder() as folder:
            kept.begin(benchmark.name, command, await facts.gather(folder))
    while (done := len(kept.runs(benchmark.name))) < runs:
        with new_folder() as folder:
            found = await benchmark.measure(scale, folder)
        for figures in found:
            kept.add(benchmark.name, asdict(figures))
        print(f"{benchmark.name}, {done + len(found)} of {runs}", flush=True)
    print(benchmark.section(benchmark.read(kept.runs(benchmark.name))), flush=True)


def chosen(names: str | None) -> Sequence[Benchmark[Any]]:
    """Return the benchmarks of these names, with commas between. Raises ValueError."""
    if not names:
        return BENCHMARKS
    by_name = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    wanted = names.split(",")
    if unknown := [name for name in wanted if name not in by_name]:
        raise ValueError(f"there is no {', '.join(unknown)}; there are {', '.join(by_name)}")
    return [by_name[name] for name in wanted]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write docs/performance.md and docs/performance.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="NAME,...", help="these; else all")
    parser.add_argument("--runs", type=int, default=RUNS, help="of each (5)")
    parser.add_argument("--scale", type=float, default=1, help="share of the work; below 1 a trial")
    parser.add_argument("--resume", action="store_true", help="go on where a run was broken off")
    parser.add_argument("--list", action="store_true", help="print what there is, and end")
    options = parser.parse_args(arguments)
    try:
        benchmarks = chosen(options.only)
    except ValueError as problem:
        print(problem, file=sys.stderr)
        return 2
    if options.list:
        print("\n".join(f"{each.name:22} {each.work}" for each in benchmarks))
        return 0
    is_trial = options.scale < 1 or options.runs < RUNS
    path = _KEPT.with_name(".bench-trial.json") if is_trial else _KEPT
    if not options.resume:
        path.unlink(missing_ok=True)
    kept, published = Results(path), Results(DOCS / FIGURES)
    failed = []
    for benchmark in benchmarks:
        command = f"python -m benchmarks.suite --only {benchmark.name} --runs {options.runs}"
        try:
            asyncio.run(run(benchmark, options.runs, options.scale, kept, command))
        except Exception:  # noqa: BLE001 - one that fails must not take a night from the others
            traceback.print_exc()
            failed.append(benchmark.name)
            continue
        if not is_trial:
            published.take(benchmark.name, kept)
            publish(published)
    if failed:
        print(f"failed: {', '.join(failed)}; go on with --resume", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
