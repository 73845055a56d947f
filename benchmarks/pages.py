"""Write figures into pages."""

import statistics
from collections.abc import Sequence
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def spread(values: Sequence[float], form: str) -> str:
    """Return the median with its range. form: of each, such as "{:.1f}"."""
    shown = (statistics.median(values), min(values), max(values))
    return "{} ({} to {})".format(*(form.format(value) for value in shown))


def write_between(page: Path, command: str, text: str) -> None:
    """Put a text in the place of what stands between a command's two marks in a page."""
    begin, end = f"<!-- {command}: begin -->", f"<!-- {command}: end -->"
    before, begun, rest = page.read_text("utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not (begun and ended):
        raise ValueError(f"{page.name} has no {begin} and {end}")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")
