"""Print results as a table, and publish those of a full run in docs/."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.chaos.scenario import Result

DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- make chaos: begin -->", "<!-- make chaos: end -->"
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


@dataclass(frozen=True, slots=True)
class Run:
    """Hold what was run, how, and what came of it."""

    command: str
    seed: int
    began_at: str
    facts: dict[str, str]
    results: Sequence[Result]


def rows_of(results: Sequence[Result]) -> list[list[str]]:
    """Return a row of the table for each fault, in the order in which they were run."""
    faults = list(dict.fromkeys(result.fault.name for result in results))
    return [_row([r for r in results if r.fault.name == name]) for name in faults]


def _row(of_fault: Sequence[Result]) -> list[str]:
    keyed = [r for r in of_fault if r.honours_keys]
    unkeyed = [r for r in of_fault if not r.honours_keys]
    named = {"lost", "duplicates"}
    other = {
        name: len(keys)
        for r in of_fault
        for name, keys in r.findings.broken.items()
        if name not in named
    }
    return [
        of_fault[0].fault.title,
        " + ".join(f"{r.times:,}" for r in of_fault),
        f"{sum(r.findings.messages for r in of_fault):,}",
        f"{sum(len(r.findings.broken.get('lost', ())) for r in of_fault)}",
        f"{sum(r.findings.held for r in of_fault):,}",
        f"{sum(r.findings.extra for r in keyed)}" if keyed else "-",
        _explained(unkeyed),
        ", ".join(f"{n} {name}" for name, n in other.items()) or "0",
    ]


def _explained(unkeyed: Sequence[Result]) -> str:
    """Return how many letters came twice, and how many attempts may have caused that."""
    if not unkeyed:
        return "-"
    extra = sum(r.findings.extra for r in unkeyed)
    ambiguous = sum(r.findings.ambiguous for r in unkeyed)
    wrong = sum(len(r.findings.broken.get("duplicates", ())) for r in unkeyed)
    return f"{extra:,} of {ambiguous:,} ambiguous" + (f", {wrong} NOT" if wrong else "")


def show(results: Sequence[Result], console: Console) -> None:
    """Print the table, and where evidence is."""
    table = Table(*COLUMNS, box=None)
    names = dict.fromkeys(result.fault.name for result in results)
    for name, (_, *cells) in zip(names, rows_of(results), strict=True):
        table.add_row(name, *cells)
    console.print(table)
    for result in results:
        if result.evidence:
            keys = "honoured" if result.honours_keys else "ignored"
            broken = {name: len(keys) for name, keys in result.findings.broken.items()}
            console.print(f"[red]{result.fault.name}, keys {keys}: {broken}; {result.evidence}")


def publish(run: Run) -> None:
    """Write docs/chaos.json, and the table into docs/delivery.md."""
    path = DOCS / "chaos.json"
    path.write_text(json.dumps(_plain(run), indent=2, ensure_ascii=False) + "\n", "utf-8")
    page = DOCS / "delivery.md"
    text = page.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{_markdown(run)}\n{END}{after}", "utf-8")


def _markdown(run: Run) -> str:
    lines = [COLUMNS, ["---"] * len(COLUMNS), *rows_of(run.results)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    facts = ", ".join(f"{name} {value}" for name, value in run.facts.items())
    return f"Written by `{run.command}` with seed {run.seed}, on {facts}.\n\n{table}"


def _plain(run: Run) -> dict[str, object]:
    return {
        "command": run.command,
        "seed": run.seed,
        "began_at": run.began_at,
        "facts": run.facts,
        "results": [
            {
                "fault": r.fault.name,
                "title": r.fault.title,
                "keys": "honoured" if r.honours_keys else "ignored",
                "times": r.times,
                "messages": r.findings.messages,
                "requests": r.findings.requests,
                "held": r.findings.held,
                "extra": r.findings.extra,
                "ambiguous": r.findings.ambiguous,
                "broken": {name: len(keys) for name, keys in r.findings.broken.items()},
                "notes": r.notes,
                "seconds": round(r.seconds, 1),
            }
            for r in run.results
        ],
    }
