"""Try README.md's two commands as a newcomer does, on a bare Debian: `make test-bare`.

The machine is made by debootstrap, with what README.md says one needs and nothing else, and holds
a clean clone of the last commit. Root and an ordinary user each get a fresh one. `make run` has to
show its page and the first greetings, and to be gone after Ctrl-C; `make test` has to be green, and
skip what is not there. Exit status: 77 where this machine cannot make another one.
"""

import argparse
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from tests.bare import machine, newcomer
from tests.bare.cell import ROOT, Person, cell
from tests.bare.machine import Legacy
from tests.bare.tree import CHECKOUT, Recipe, base, needed, room, settle

CANNOT = 77
PEOPLE = {"root": ROOT, "user": Person("newcomer")}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Hold how one command went, and in which time."""

    what: str
    seconds: float
    fault: str

    def __str__(self) -> str:
        """Say it in a line."""
        fault = self.fault.partition("\n")[0]
        return f"{self.what:40} {self.seconds:7.1f} s  {fault or 'ok'}"


def say(text: str) -> None:
    """Print a line at once: what follows takes minutes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def attempt(what: str, work: Callable[[], object]) -> Outcome:
    """Do one thing, and say how it went."""
    say(f"--- {what}")
    begun, fault = perf_counter(), ""
    try:
        work()
    except AssertionError as error:
        fault = str(error)
        say(fault)
    return Outcome(what, perf_counter() - begun, fault)


def visit(tree: Path, who: Person, legacy: Legacy, given: argparse.Namespace) -> list[Outcome]:
    """Let one person try both commands on a machine of their own."""
    clone = settle(given.base, tree, who, legacy)
    title = f"Debian {given.suite}, {who.name}"

    desk = newcomer.Desk(who, clone, legacy.environment)

    def run() -> None:
        with cell(tree, legacy.folders) as bare:
            newcomer.run(bare, desk, say)

    def test() -> None:
        with cell(tree, legacy.folders) as bare:
            newcomer.test(bare, desk, newcomer.SHORT if given.tests == "short" else ())

    outcomes = [attempt(f"{title}: make run", run)]
    if given.tests != "none":
        outcomes.append(attempt(f"{title}: make test", test))
    return outcomes


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--suite", default="bookworm", help="Debian's release: %(default)s, trixie")
    parser.add_argument("--as", dest="people", choices=sorted(PEOPLE), help="both, unless given")
    parser.add_argument(
        "--tests",
        choices=("whole", "short", "none"),
        default="whole",
        help="how much of `make test`: %(default)s (half an hour each), short (minutes), none",
    )
    parser.add_argument("--mirror", metavar="URL", help="of Debian; as in this machine's sources")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path.home() / ".cache" / "heyday-bare",
        metavar="FOLDER",
        help="where trees are made and kept, 2 GB: %(default)s",
    )
    return parser.parse_args()


def main() -> int:
    """Try it all; return the exit status."""
    given = options()
    # So that all that was begun is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("asked to stop"))
    try:
        machine.check()
        recipe = Recipe(
            given.suite,
            given.mirror or machine.find_mirror(),
            needed((CHECKOUT / "README.md").read_text("utf-8")),
        )
    except machine.Impossible as error:
        say(f"NOT TRIED on a bare machine: {error}")
        return CANNOT
    legacy = machine.legacy()
    cache = given.cache.resolve()
    given.base = base(cache, recipe, say)
    outcomes = []
    for name in [given.people] if given.people else PEOPLE:
        with room(cache) as folder:
            outcomes += visit(folder / "tree", PEOPLE[name], legacy, given)
    say("\n".join(["", *map(str, outcomes)]))
    return int(any(outcome.fault for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
