"""Print results as a table, and publish those of a full run in docs/."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.pages import DOCS, write_between
from tests.chaos.scenario import Result

POSTGRESQL, RABBITMQ = "postgresql", "rabbitmq"
TRANSPORTS = (POSTGRESQL, RABBITMQ)
NAMES = {POSTGRESQL: "PostgreSQL", RABBITMQ: "RabbitMQ"}
KIND = {True: "honoured", False: "ignored"}
COLUMNS = (
    "fault",
    "times",
    "messages",
    "lost",
    "UNKNOWN",
    "twice, keys honoured",
    "twice, keys ignored",
    "else",
)
_EXPLAINED = """\
Times: with a provider that honours keys + with one that ignores them. Twice: acceptances beyond
one a greeting, and where keys are ignored, how many attempts are on record as ambiguous; it may not
be more than those, for any greeting. Else: letters that came early, that nobody was to get, that
were claimed after an edit, or written by a worker whose lease was over; processes that ended in
another way than they were asked to; books that do not balance."""


@dataclass(frozen=True, slots=True)
class Run:
    """Hold what was run, how, and what came of it."""

    seed: int
    began_on: str
    facts: Mapping[str, str]
    results: Sequence[Result]
    transport: str = POSTGRESQL

    def document(self) -> dict[str, Any]:
        """Return everything that is published."""
        run = {"seed": self.seed, "on": self.began_on, "transport": self.transport}
        results = [run | _plain(result) for result in self.results]
        return {"facts": dict(self.facts), "results": results}


def _plain(result: Result) -> dict[str, Any]:
    found = result.findings
    return {
        "fault": result.fault.name,
        "title": result.fault.title,
        "keys": KIND[result.honours_keys],
        "times": result.times,
        "messages": found.messages,
        "requests": found.requests,
        "unknown": found.held,
        "twice": found.extra,
        "ambiguous": found.ambiguous,
        "broken": {name: len(keys) for name, keys in found.broken.items()},
        "notes": dict(result.notes),
        "seconds": round(result.seconds, 1),
    }


def show(run: Run, console: Console) -> None:
    """Print the table, and where evidence is."""
    table = Table(*COLUMNS, box=None)
    document = run.document()
    results = document["results"]
    for name, (_, *cells) in zip(_names(results), _rows(results), strict=True):
        table.add_row(name, *cells)
    console.print(table)
    for result in run.results:
        if result.evidence:
            broken = {name: len(keys) for name, keys in result.findings.broken.items()}
            keys = KIND[result.honours_keys]
            console.print(f"[red]{result.fault.name}, keys {keys}: {broken}; {result.evidence}")


def publish(run: Run, docs: Path = DOCS) -> None:
    """Write chaos.json, and its table into delivery.md between two marks.

    What other runs have published of other faults, or of another transport, stays.
    """
    document, path = run.document(), docs / "chaos.json"
    if path.exists():
        mine = {(r["fault"], r["transport"]) for r in document["results"]}
        before = json.loads(path.read_text("utf-8"))["results"]
        others = [r for r in before if (r["fault"], r["transport"]) not in mine]
        document["results"] = others + document["results"]
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
    write_between(docs / "delivery.md", "make chaos", markdown(document))


def markdown(document: Mapping[str, Any]) -> str:
    """Return what a page says of a published run."""
    tables = "\n\n".join(
        f"With {NAMES[transport]} as the transport:\n\n{_table(found)}{_longest(found)}"
        for transport in TRANSPORTS
        if (found := [r for r in document["results"] if r["transport"] == transport])
    )
    facts = ", ".join(f"{name} {value}" for name, value in document["facts"].items())
    return (
        "By `make chaos`, or by `python -m tests.chaos --publish`: with `--only` for some faults,\n"
        "with `--transport rabbitmq` for RabbitMQ. Seed and day of each are in\n"
        "[chaos.json](chaos.json). The last of them ran on:\n"
        f"{facts}.\n\n{tables}\n\n{_EXPLAINED}"
    )


def _table(results: Sequence[Mapping[str, Any]]) -> str:
    lines = [COLUMNS, ["---"] * len(COLUMNS), *_rows(results)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _longest(results: Sequence[Mapping[str, Any]]) -> str:
    """Return a line for each time that was measured."""
    lines = [
        f"* {result['title']}: {name.removesuffix(', ms')} {figure:,} ms"
        for result in results
        for name, figure in result["notes"].items()
        if name.startswith("longest")
    ]
    return "".join(f"\n{line}" for line in ["", *lines]) if lines else ""


def _names(results: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(result["fault"] for result in results))


def _rows(results: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return a row of the table for each fault, in the order in which they were run."""
    return [
        _row([result for result in results if result["fault"] == name]) for name in _names(results)
    ]


def _row(of_fault: Sequence[Mapping[str, Any]]) -> list[str]:
    by_keys = {result["keys"]: result for result in of_fault}
    keyed, unkeyed = by_keys.get("honoured"), by_keys.get("ignored")
    other: dict[str, int] = {}
    for result in of_fault:
        for name, count in result["broken"].items():
            if name not in {"lost", "duplicates"}:
                other[name] = other.get(name, 0) + count
    return [
        of_fault[0]["title"],
        " + ".join(f"{r['times']:,}" for r in of_fault),
        f"{sum(r['messages'] for r in of_fault):,}",
        f"{sum(r['broken'].get('lost', 0) for r in of_fault)}",
        f"{sum(r['unknown'] for r in of_fault):,}",
        f"{keyed['twice']:,}" if keyed else "-",
        _excused(unkeyed) if unkeyed else "-",
        ", ".join(f"{count} {name}" for name, count in other.items()) or "0",
    ]


def _excused(unkeyed: Mapping[str, Any]) -> str:
    """Return how many letters came twice, how many attempts may have caused that, and if not."""
    without = unkeyed["broken"].get("duplicates", 0)
    excused = f"{unkeyed['twice']:,} of {unkeyed['ambiguous']:,}"
    return excused + (f", {without} without" if without else "")
