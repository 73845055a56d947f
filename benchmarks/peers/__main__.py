"""Measure Heyday and its peers in turn: `make bench-peers`."""

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks import facts
from benchmarks.instant import new_folder
from benchmarks.pages import publish
from benchmarks.peers.figures import Run
from benchmarks.peers.measuring import VENV, measure
from benchmarks.peers.page import COMMAND, FIGURES, NAMES, PAGE, Measured, described, table
from benchmarks.peers.peers import PEERS
from tests.rabbitmq import is_installed

_VERSIONS = """
import sys
from importlib.metadata import version
print(", ".join(f"{name} {version(name)}" for name in sys.argv[1:]))
"""


async def measure_all(
    names: Sequence[str], greetings: int, rounds: int, worker: str | None = None
) -> list[Run]:
    """Measure each in turn, so many times. worker: another command of its workers."""
    runs = []
    for number in range(1, rounds + 1):
        for name in names:
            runs.append(await measure(name, greetings, worker))
            rate = f"{runs[-1].rate:,.0f}/s" if runs[-1].is_right else f"wrong: {runs[-1]}"
            print(f"{name}, run {number} of {rounds}: {rate}", flush=True)
    return runs


def packages(names: Sequence[str]) -> str:
    """Return the versions of some packages of the peers."""
    command = [str(VENV / "bin" / "python"), "-c", _VERSIONS, *names]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write docs/performance.md and docs/peers.json."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=main.__doc__)
    parser.add_argument("--greetings", type=int, default=100_000, help="due at one instant")
    parser.add_argument("--rounds", type=int, default=3, help="of each, in turn")
    parser.add_argument("--only", choices=NAMES, action="append", help="this one; no file")
    parser.add_argument("--worker", help="another command than its own, with --only; no file")
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
    runs = asyncio.run(measure_all(names, options.greetings, options.rounds, options.worker))
    of_each = {peer.name: packages(peer.packages) for peer in PEERS}
    measured = Measured(command, known, of_each, runs)
    print(table(measured))
    if not (options.dry or options.only or options.worker):
        publish(FIGURES, asdict(measured), PAGE, COMMAND, described(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
