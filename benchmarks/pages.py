"""Write figures into pages."""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"


def spread(values: Sequence[float], form: str) -> str:
    """Return the median with its range. form: of each, such as "{:.1f}"."""
    shown = (statistics.median(values), min(values), max(values))
    return "{} ({} to {})".format(*(form.format(value) for value in shown))


def facts_table(facts: Mapping[str, str]) -> str:
    """Return what figures were measured on, as a table."""
    lines = (f"| {name} | {value} |" for name, value in facts.items())
    return "\n".join(("| what | value |", "|---|---|", *lines))


def publish(figures: str, document: Mapping[str, Any], page: str, command: str, text: str) -> None:
    """Write a run's figures into a file of docs/, and what a page says of them into the page."""
    written = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    (DOCS / figures).write_text(written, "utf-8")
    write_between(DOCS / page, command, text)


def write_between(page: Path, command: str, text: str) -> None:
    """Put a text in the place of what stands between a command's two marks in a page."""
    begin, end = f"<!-- {command}: begin -->", f"<!-- {command}: end -->"
    before, begun, rest = page.read_text("utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not (begun and ended):
        raise ValueError(f"{page.name} has no {begin} and {end}")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")
