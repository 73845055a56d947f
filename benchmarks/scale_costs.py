"""Gather what a greeting costs from the figures in docs/, and say which command each came from.

They are medians of the runs in docs/performance.json. What it does not have is taken from
docs/transports.json, or left out.
"""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import burst, instant
from benchmarks.catalogue import BATCH, PLAN_DAY, SINGLE
from benchmarks.pages import DOCS
from benchmarks.results import FIGURES, Results
from benchmarks.scale_model import Costs
from tests.chaos.report import POSTGRESQL, RABBITMQ

WAYS = {"single": "one call each", "batch": "one call for 1,000"}
"""How greetings may be sent, and how pages name it."""
RATE, HEYDAY, DATABASE = "greetings_a_second", "heyday", "postgresql"

_UNITS = {
    RATE: "greetings a second, all parts on two cores",
    HEYDAY: "CPU seconds a million, Heyday's processes",
    DATABASE: "CPU seconds a million, PostgreSQL, from queueing on",
}


_BURSTS = {"single": SINGLE, "batch": BATCH}


@dataclass(frozen=True, slots=True)
class Figure:
    """Hold one measured value.

    way: to send, a key of WAYS, or "" where it matters to neither.   source: what measured it.
    """

    way: str
    name: str
    value: float
    unit: str
    source: str


def read(docs: Path = DOCS) -> list[Figure]:
    """Return what is known, the ways to send first."""
    suite, transports = Results(docs / FIGURES), _document(docs / "transports.json")
    figures = []
    for way, benchmark in _BURSTS.items():
        if runs := benchmark.read(suite.runs(benchmark.name)):
            figures += _of_way(way, _from_bursts(runs), suite.benchmarks[benchmark.name])
        elif way == "single":
            figures += _of_way(way, _from_transports(transports), transports)
    broker = statistics.median(_cpu(transports, RABBITMQ, burst.RABBITMQ))
    unit = "CPU seconds a million, RabbitMQ, where it carries batches"
    figures.append(Figure("", "broker", broker, unit, _source(transports)))
    if planned := PLAN_DAY.read(suite.runs(PLAN_DAY.name)):
        rate = statistics.median(run.own.rate for run in planned)
        source = _source(suite.benchmarks[PLAN_DAY.name])
        figures.append(Figure("", "plan", rate, "rows a second planned", source))
    return figures


def costs_of(figures: Sequence[Figure], way: str, share_before: float) -> Costs:
    """Return CPU seconds a greeting.

    share_before: of what PostgreSQL does for a greeting, that which it does before the instant.
    """
    database = value(figures, DATABASE, way) / 1e6
    return Costs(
        queue=database * share_before,
        deliver=database * (1 - share_before),
        send=value(figures, HEYDAY, way) / 1e6,
    )


def value(figures: Sequence[Figure], name: str, way: str = "") -> float:
    """Return one figure. Raises LookupError if it was not measured."""
    for figure in figures:
        if (figure.way, figure.name) == (way, name):
            return figure.value
    raise LookupError(f"no figure {name!r} {way!r} in docs/: run make bench, make bench-transports")


def ways(figures: Iterable[Figure]) -> list[str]:
    """Return the ways to send that were measured."""
    found = {figure.way for figure in figures}
    return [way for way in WAYS if way in found]


def _of_way(way: str, found: Mapping[str, float], document: Mapping[str, Any]) -> list[Figure]:
    source = _source(document)
    return [Figure(way, name, found[name], unit, source) for name, unit in _UNITS.items()]


def _from_bursts(runs: Sequence[instant.Figures]) -> dict[str, float]:
    return {
        RATE: statistics.median(run.rate for run in runs),
        HEYDAY: statistics.median(run.per_million(run.cost.cpu.heyday) for run in runs),
        DATABASE: statistics.median(run.per_million(run.cost.cpu.postgresql) for run in runs),
    }


def _from_transports(document: Mapping[str, Any]) -> dict[str, float]:
    """Return the medians of the rounds in which PostgreSQL carried the batches."""
    rounds = [each for each in document["rounds"] if each["transport"] == POSTGRESQL]
    rates = [each["many"] / each["burst"][burst.GREETED_WITHIN] * 1e3 for each in rounds]
    return {
        RATE: statistics.median(rates),
        HEYDAY: statistics.median(_cpu(document, POSTGRESQL, burst.HEYDAY)),
        DATABASE: statistics.median(_cpu(document, POSTGRESQL, burst.POSTGRESQL)),
    }


def _cpu(document: Mapping[str, Any], transport: str, what: str) -> list[float]:
    """Return CPU seconds a million of each round."""
    rounds = [each for each in document["rounds"] if each["transport"] == transport]
    return [each["burst"][what] / each["many"] * 1e3 for each in rounds]


def _source(document: Mapping[str, Any]) -> str:
    return f"`{document.get('command', 'make bench')}`"


def _document(path: Path) -> Mapping[str, Any]:
    read: Mapping[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return read
