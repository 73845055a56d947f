"""Write docs/performance.md: each program puts its own sections there and leaves the others."""

import json
import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
_DOCS = ROOT / "docs"


def spread(values: Sequence[float], form: str) -> str:
    """Return the median with its range."""
    shown = (statistics.median(values), min(values), max(values))
    return "{} ({} to {})".format(*(form.format(value) for value in shown))


def facts_table(facts: Mapping[str, str]) -> str:
    """Return what is known of the machine as a table."""
    lines = [f"| {name} | {value} |" for name, value in facts.items()]
    return "\n".join(["| what | value |", "|---|---|", *lines])


def publish(name: str, figures: object, sections: Mapping[str, str]) -> None:
    """Write docs/<name>.json, and the sections by heading into docs/performance.md."""
    (_DOCS / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    page = _DOCS / "performance.md"
    page.write_text(replaced(page.read_text("utf-8"), sections), "utf-8")


def replaced(text: str, sections: Mapping[str, str]) -> str:
    """Return a page with these sections in place of those of the same heading; new ones last."""
    head, *parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    bodies = dict(zip(parts[::2], parts[1::2], strict=True)) | dict(sections)
    written = [f"## {heading}\n\n{body.strip()}\n" for heading, body in bodies.items()]
    return "\n".join([head.strip() + "\n", *written])
