"""List the decisions, which each have a page of their own."""

import re
from pathlib import Path

_HEAD = """# Decisions

What would be hard to take back, and why it is so. A later one may replace a part of an earlier one.
"""
_TITLE = re.compile(r"# \d+\. (.+)\n\nStatus: (.+)")


def write_page(folder: Path) -> str:
    """Return the page that leads to every decision of a folder, by number."""
    rows = [_row(path) for path in sorted(folder.glob("*.md"))]
    return "\n".join([_HEAD, "| number | decision | status |", "|---|---|---|", *rows, ""])


def _row(path: Path) -> str:
    found = _TITLE.match(path.read_text("utf-8"))
    if found is None:
        raise ValueError(f'{path} begins otherwise than with "# 1. Title" and "Status: ..."')
    title, status = found.groups()
    return f"| {path.stem[:4]} | [{title}]({path.name}) | {status} |"
