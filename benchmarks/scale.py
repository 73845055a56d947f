"""Reckon what it takes to greet up to a billion people: `make bench-scale`.

Measures bytes, WAL and PostgreSQL's CPU time a greeting on a private server; takes the rest from
the figures that other benchmarks left in docs/; lets the model live through an ordinary day and
1 January; writes docs/scale.md, its pictures and docs/scale.json.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import scale_costs, scale_results, scale_storage
from benchmarks.pages import DOCS, write_between
from benchmarks.scale_days import crowds, kinds
from benchmarks.scale_page import COMMAND, parts, pictures
from benchmarks.scale_reckoning import step

_FIGURES = DOCS / "scale.json"


def main() -> None:
    """Measure, reckon, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--people", type=int, default=100_000, help="to measure with")
    parser.add_argument(
        "--reckon", action="store_true", help="measure nothing: take what the last run measured"
    )
    parser.add_argument("--dry", action="store_true", help="print only, write no file")
    options = parser.parse_args()
    if options.reckon:
        last = json.loads(_FIGURES.read_text("utf-8"))
        command, stored = last["command"], last["stored"]
    else:
        command = f"python -m benchmarks.scale --people {options.people}"
        stored = asdict(measure(options.people))
    document = reckon(command, stored)
    if options.dry:
        print("\n\n".join(parts(document).values()))
    else:
        publish(document)


def measure(people: int) -> scale_storage.Stored:
    """Measure on a new server, where no settings of this machine are."""
    with tempfile.TemporaryDirectory(prefix="heyday-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL may run as another account
        os.chdir(folder)  # no .env is there
        return asyncio.run(scale_storage.measure(people, folder))


def reckon(command: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that the pages say. stored: what was measured, as a dictionary."""
    figures = scale_costs.read()
    before = share_before(stored)
    lists = kinds()[scale_results.LISTS]
    return {
        "command": command,
        "stored": stored,
        "figures": [asdict(figure) for figure in figures],
        "share_before": before,
        "kinds": [kind.name for kind in kinds()],
        "due": [asdict(each) for each in scale_results.due()],
        "machine": [
            {"way": way, **asdict(each)} for way, each in scale_results.one_machine(figures)
        ],
        "holding": [asdict(each) for each in scale_results.holding(figures, before)],
        "limited": [asdict(each) for each in scale_results.limited()],
        "day": [list(each) for each in crowds(scale_results.PEOPLE[-1], lists.share)],
    }


def share_before(stored: Mapping[str, Any]) -> float:
    """Return which share of what PostgreSQL does from queueing on is done before the instant."""
    queue, *after = (
        statistics.median(step({"stored": stored}, name, "cpu"))
        for name in ("queue", "claim", "record")
    )
    return queue / (queue + sum(after))


def publish(document: Mapping[str, Any]) -> None:
    """Write the figures, the pictures, and each part of the page between its marks."""
    _FIGURES.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for name, picture in pictures(document).items():
        (DOCS / name).write_text(picture, "utf-8")
    for name, text in parts(document).items():
        write_between(DOCS / "scale.md", f"{COMMAND}, {name}", text)


if __name__ == "__main__":
    main()
