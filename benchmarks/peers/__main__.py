"""Measure Heyday and its peers in turn: `make bench-peers`."""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path

import msgspec

from benchmarks import facts
from benchmarks.instant import new_folder
from benchmarks.pages import publish
from benchmarks.peers.figures import Run
from benchmarks.peers.measuring import VENV, measure
from benchmarks.peers.page import COMMAND, FIGURES, NAMES, PAGE, Measured, described, table
from benchmarks.peers.peers import PEERS
from tests.rabbitmq import is_installed

_KEPT = Path(__file__).parents[2] / ".bench-peers.json"
_VERSIONS = """
import sys
from importlib.metadata import version
print(", ".join(f"{name} {version(name)}" for name in sys.argv[1:]))
"""


def measure_all(
    measured: Measured,
    names: Sequence[str],
    rounds: int,
    take: Callable[[str], Run],
    keep: Path | None = None,
) -> None:
    """Measure each in turn, so many times, but for what is there already.

    take: how one is measured.   keep: a file that has everything after each run.
    """
    for number, name in product(range(1, rounds + 1), names):
        if len(measured.of(name)) >= number:
            continue
        run = take(name)
        measured.runs.append(run)
        if keep:
            new = keep.with_suffix(".new")
            new.write_text(json.dumps(asdict(measured)), "utf-8")
            new.replace(keep)
        rate = f"{run.rate:,.0f}/s" if run.is_right else f"wrong: {run}"
        print(f"{name}, run {number} of {rounds}: {rate}", flush=True)


def kept(path: Path, fresh: Measured) -> Measured:
    """Return what a run that was broken off has left, if it was such a run; else the fresh one."""
    if not path.exists():
        return fresh
    found = msgspec.convert(json.loads(path.read_text("utf-8")), Measured)
    is_same = (found.command, found.packages) == (fresh.command, fresh.packages)
    return found if is_same else fresh


def packages(names: Sequence[str]) -> str:
    """Return the versions of some packages of the peers."""
    command = [str(VENV / "bin" / "python"), "-c", _VERSIONS, *names]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write docs/performance.md and docs/peers.json."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=main.__doc__)
    parser.add_argument("--greetings", type=int, default=100_000, help="due at one instant")
    parser.add_argument("--rounds", type=int, default=5, help="of each, in turn")
    parser.add_argument("--only", choices=NAMES, action="append", help="this one; no file")
    parser.add_argument("--worker", help="another command than its own, with --only; no file")
    parser.add_argument("--resume", action="store_true", help="go on where a run was broken off")
    parser.add_argument("--dry", action="store_true", help="print only, write no file")
    options = parser.parse_args(arguments)
    if options.worker and not options.only:
        parser.error("--worker is for one of them: name it by --only")
    if not VENV.exists() or not is_installed():
        print(f"Missing: {VENV.name} (make bench-peers), or RabbitMQ", file=sys.stderr)
        return 2
    with new_folder() as folder:
        known = asyncio.run(facts.gather(folder))
    command = f"{parser.prog} --greetings {options.greetings} --rounds {options.rounds}"
    names = options.only or NAMES
    measured = Measured(command, known, {peer.name: packages(peer.packages) for peer in PEERS}, [])
    is_to_publish = not (options.dry or options.only or options.worker)
    if is_to_publish and options.resume:
        measured = kept(_KEPT, measured)

    def take(name: str) -> Run:
        return asyncio.run(measure(name, options.greetings, options.worker))

    measure_all(measured, names, options.rounds, take, _KEPT if is_to_publish else None)
    print(table(measured))
    if is_to_publish:
        publish(FIGURES, asdict(measured), PAGE, COMMAND, described(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
