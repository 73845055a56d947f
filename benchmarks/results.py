"""Keep what the suite found, so that a night that breaks off is not lost; write the page."""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

from benchmarks import floors, instant
from benchmarks.catalogue import (
    BATCH,
    BENCHMARKS,
    BURN_DOWN,
    FLOORS,
    FRONTIER,
    MVCC_PIN,
    SINGLE,
    STEADY,
)
from benchmarks.entries import Benchmark
from benchmarks.pages import DOCS, facts_table, write_between
from benchmarks.plot import COLOURS, Axis, Plot

FIGURES, PAGE, COMMAND = "performance.json", "performance.md", "make bench"
_BURSTS = {"one call each": SINGLE, "a thousand with each call": BATCH}
_STEADY = {
    "a thousand a second": STEADY,
    "ten million for tomorrow": FRONTIER,
    "a transaction kept open": MVCC_PIN,
}
# What may be another with each benchmark: machines are alike, not the same.
_OF_ONE = ("CPU", "load before", "fdatasync of 8 KiB", "pg_test_fsync, fdatasync of 8 KiB")
_SHARES = (0, 1, *range(5, 100, 5), 99, 100)
_POINTS = 40
Lines = dict[str, list[tuple[float, float]]]


@dataclass
class Results:
    """Hold the runs of each benchmark, in a file that is written after each run.

    Each benchmark has its `command`, its `facts` (what it was measured on) and its `runs`.
    """

    path: Path

    def __post_init__(self) -> None:
        """Read what is there."""
        found = json.loads(self.path.read_text("utf-8")) if self.path.exists() else {}
        self.benchmarks: dict[str, dict[str, Any]] = found.get("benchmarks", {})

    def runs(self, name: str) -> list[Any]:
        """Return the runs of a benchmark so far."""
        return list(self.benchmarks.get(name, {}).get("runs", ()))

    def begin(self, name: str, command: str, facts: Mapping[str, str]) -> None:
        """Forget a benchmark's runs, for new ones are to come."""
        self.benchmarks[name] = {"command": command, "facts": dict(facts), "runs": []}

    def add(self, name: str, run: Any) -> None:
        """Keep a run."""
        self.benchmarks[name]["runs"].append(run)
        self.write()

    def take(self, name: str, other: "Results") -> None:
        """Take a benchmark over, with all its runs."""
        self.benchmarks[name] = other.benchmarks[name]
        self.write()

    def write(self) -> None:
        """Write the file, whole or not at all."""
        document = {"benchmarks": self.benchmarks}
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
        new.replace(self.path)


@dataclass(frozen=True, slots=True)
class Ratio:
    """Hold a figure of one benchmark against that of another, by their medians."""

    name: str
    ours: tuple[Benchmark[Any], Callable[[Any], float]]
    theirs: tuple[Benchmark[Any], Callable[[Any], float]]

    def row(self, results: Results) -> str | None:
        """Return the row of a table; None where one was not measured."""
        medians = []
        for benchmark, of in (self.ours, self.theirs):
            runs = benchmark.read(results.runs(benchmark.name))
            if not runs:
                return None
            medians.append(statistics.median(of(run) for run in runs))
        ours, theirs = medians
        return f"| {self.name} | {ours:,.0f} | {theirs:,.0f} | {ours / theirs:.2f} |"


def _client(run: floors.Figures) -> float:
    return run.client.rate


def _heyday_cpu(run: instant.Figures) -> float:
    return run.per_million(run.cost.cpu.heyday)


RATIOS = (
    Ratio(
        "one call each: greetings a second, bare aiohttp",
        (SINGLE, lambda run: run.rate),
        (FLOORS, _client),
    ),
    Ratio(
        "one call each: CPU seconds a million, bare aiohttp",
        (SINGLE, _heyday_cpu),
        (FLOORS, lambda run: run.client.cpu),
    ),
    Ratio(
        "a thousand with each call: greetings a second, bare aiohttp with one each",
        (BATCH, lambda run: run.rate),
        (FLOORS, _client),
    ),
    Ratio(
        "without a provider: outcomes a second, bare table",
        (BURN_DOWN, lambda run: run.rate),
        (FLOORS, lambda run: run.queue.rate),
    ),
)


def described(results: Results, benchmarks: Sequence[Benchmark[Any]] = BENCHMARKS) -> str:
    """Return what docs/performance.md says of what was measured."""
    parts = []
    for benchmark in benchmarks:
        if runs := benchmark.read(results.runs(benchmark.name)):
            parts.append(benchmark.section(runs))
            parts.append(_measured(results.benchmarks[benchmark.name]))
    parts += [f"![{title}]({chart})\n" for chart, (title, of) in CHARTS.items() if of(results)]
    if ratios := [row for ratio in RATIOS if (row := ratio.row(results))]:
        head = "| figure, and what it is held against | Heyday | bare | ratio |\n|---|---|---|---|"
        parts.append("\n".join(["### Beside the floors", "", head, *ratios, ""]))
    parts.append(_machines(results))
    return "\n" + "\n".join(parts)


def _measured(benchmark: Mapping[str, Any]) -> str:
    """Return by what command a benchmark was measured, and what was its own of the machine."""
    facts = benchmark["facts"]
    own = "; ".join(f"{name}: {facts[name]}" for name in _OF_ONE if name in facts)
    return f"Measured by `{benchmark['command']}`.\n{fill(own, 99)}.\n"


def _machines(results: Results) -> str:
    """Return on what was measured; once, where it was the same for all."""
    facts: dict[str, list[str]] = {}
    for one in results.benchmarks.values():
        for name, value in one["facts"].items():
            if name in _OF_ONE:
                continue
            facts.setdefault(name, [])
            if value not in facts[name]:
                facts[name].append(value)
    table = facts_table({name: "; ".join(values) for name, values in facts.items()})
    return f"### The machine\n\n{table}\n"


def burst_lines(results: Results) -> Lines:
    """Return the share that was greeted over the seconds after nine, of the middle runs."""
    lines = {}
    for name, benchmark in _BURSTS.items():
        runs = sorted(benchmark.read(results.runs(benchmark.name)), key=lambda run: run.rate)
        if runs:
            curve = runs[len(runs) // 2].lateness.curve
            lines[name] = [(curve[share] / 1000, float(share)) for share in _SHARES]
    return lines


def steady_lines(results: Results) -> Lines:
    """Return the dead rows over time, of the last runs or parts, each from its beginning."""
    lines = {}
    for name, benchmark in _STEADY.items():
        if runs := benchmark.read(results.runs(benchmark.name)):
            looks = runs[-1].looks
            every = max(len(looks) // _POINTS, 1)
            lines[name] = [
                (look.seconds - looks[0].seconds, float(look.dead)) for look in looks[::every]
            ]
    return lines


CHARTS: Mapping[str, tuple[str, Callable[[Results], Lines]]] = {
    "burst.svg": (
        "% of a million due at one instant that the provider had, by seconds",
        burst_lines,
    ),
    "steady.svg": (
        "dead rows of greetings while so many are due each second, by seconds",
        steady_lines,
    ),
}


def _draw(title: str, lines: Lines) -> str:
    points = [point for line in lines.values() for point in line]
    plot = Plot(title, Axis.up_to(max(x for x, _ in points)), Axis.up_to(max(y for _, y in points)))
    for (name, line), colour in zip(lines.items(), COLOURS, strict=False):
        plot.line(line, colour, name)
    return plot.svg()


def publish(results: Results, docs: Path = DOCS) -> None:
    """Write the page and its charts."""
    for chart, (title, lines_of) in CHARTS.items():
        if lines := lines_of(results):
            (docs / chart).write_text(_draw(title, lines), "utf-8")
    write_between(docs / PAGE, COMMAND, described(results))
