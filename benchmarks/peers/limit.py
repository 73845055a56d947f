"""Show what stops Heyday at less than three times the fastest peer: `make bench-limit`.

Heyday, PgQueuer, nothing but the POSTs, and nothing but what is written down are measured by turns.
Each has all cores, so the time that a greeting takes is one over the rate, and times add up: both
parts, with nothing else, cannot be faster than one after the other. Then Heyday's workers are
looked at while they do all of it.
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import burn_down, facts, instant
from benchmarks.floors import measure_client
from benchmarks.instant import new_folder
from benchmarks.pages import facts_table, publish, spread
from benchmarks.peers.measuring import VENV, measure
from benchmarks.peers.page import TIMES
from benchmarks.peers.sampling import by_module, sampled
from benchmarks.processes import provider
from benchmarks.scene import Load, scene

PEER = "PgQueuer"
COMMAND, FIGURES, PAGE = "make bench-limit", "limit.json", "performance.md"
_LEAST_SHARE = 0.02
_ABOUT = """
### What stops it there

{peer}, Heyday, and the two halves of Heyday's work by turns, {greetings:,} greetings each: nothing
but the POSTs (nobody asks a database, judges an answer or remembers one), and nothing but what is
written down (Heyday with a sender that does nothing). Each has all cores, so a greeting's time in
both adds up. {rounds} rounds.
Measured by `{command}`.

| greetings a second | median (range) | times {peer} |
|---|---|---|
"""
_PROFILE = """\
Where Heyday's workers are while they do both: the innermost of its modules, with what it calls;
`__main__.py` calls the event loop. Of {seen:,} looks at a worker that was running:

| module | share, % |
|---|---|
"""


@dataclass(frozen=True, slots=True)
class Rates:
    """Hold what one round found, in greetings a second. aiohttp: the POSTs by a known client."""

    peer: float
    heyday: float
    posts: float
    aiohttp: float
    outcomes: float

    @property
    def both(self) -> float:
        """Return the rate of POSTs and outcomes, one after the other, with nothing in between."""
        return 1 / (1 / self.posts + 1 / self.outcomes)

    @property
    def wanted(self) -> float:
        """Return how fast outcomes would have to be for the aim; infinite if POSTs alone are not.

        It is the rate that leaves, beside the POSTs, just the time for a greeting that is aimed at.
        """
        left = 1 / (TIMES * self.peer) - 1 / self.posts
        return 1 / left if left > 0 else float("inf")


@dataclass(frozen=True, slots=True)
class Measured:
    """Hold everything that one call found. modules: how often each was seen at work."""

    command: str
    facts: dict[str, str]
    greetings: int
    rounds: list[Rates]
    modules: dict[str, int]


_ROWS: Mapping[str, Callable[[Rates], float]] = {
    PEER: lambda one: one.peer,
    "Heyday": lambda one: one.heyday,
    "nothing but the POSTs, by Heyday's client": lambda one: one.posts,
    "nothing but the POSTs, by aiohttp": lambda one: one.aiohttp,
    "nothing but what is written down": lambda one: one.outcomes,
    "both, one after the other": lambda one: one.both,
    f"what would have to be written down for {TIMES:g} times": lambda one: one.wanted,
}


async def measure_round(greetings: int) -> Rates:
    """Measure each once. Raises RuntimeError where a greeting was lost, early or came twice."""
    peer = await measure(PEER, greetings)
    with new_folder() as folder:
        whole = await instant.measure(Load(greetings, is_hurried=True), folder)
    with new_folder() as folder:
        written = await burn_down.measure(Load(greetings, is_idle=True, is_hurried=True), folder)
    if not (peer.is_right and whole.is_right) or written.unsent:
        raise RuntimeError(f"not everybody was greeted once: {peer}, {whole}, {written}")
    with new_folder() as folder:
        async with provider(folder) as stub:
            posts, known = [
                await measure_client(greetings, stub, folder, client)
                for client in ("heyday", "aiohttp")
            ]
    return Rates(peer.rate, whole.rate, posts.rate, known.rate, written.rate)


async def look_at_workers(greetings: int) -> Mapping[str, int]:
    """Return how often each of their modules was at work from the instant to the last request."""
    with new_folder() as folder:
        async with scene(Load(greetings, is_hurried=True), folder) as played:
            await played.until(played.at)
            workers = [each.pid for each in played.programs if each.name.startswith("worker")]
            async with sampled(workers, folder) as files:
                await played.until_received()
        seen = Counter[str]()
        for file in files:
            seen.update(by_module(file.read_text("utf-8").splitlines()))
        return seen


def table(rounds: Sequence[Rates]) -> str:
    """Return the rates, and how many times the peer's they are."""
    lines = []
    for name, of in _ROWS.items():
        rates = spread([of(one) for one in rounds], "{:,.0f}")
        lines.append(f"| {name} | {rates} | {spread([of(o) / o.peer for o in rounds], '{:.2f}')} |")
    return "\n".join(lines)


def profile(modules: Mapping[str, int]) -> str:
    """Return where workers were, from the most on; the rest as one."""
    total = sum(modules.values())
    shown = {name: n for name, n in modules.items() if n >= _LEAST_SHARE * total}
    rest = {f"{len(modules) - len(shown)} other modules": total - sum(shown.values())}
    rows = sorted(shown.items(), key=lambda each: -each[1]) + list(rest.items())
    return "\n".join(f"| {name} | {n / total:.1%} |".replace("%", "") for name, n in rows)


def described(found: Measured) -> str:
    """Return what docs/performance.md says of it."""
    about = _ABOUT.format(
        peer=PEER, greetings=found.greetings, rounds=len(found.rounds), command=found.command
    )
    seen = _PROFILE.format(seen=sum(found.modules.values()))
    parts = (about + table(found.rounds), seen + profile(found.modules), facts_table(found.facts))
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write docs/performance.md and docs/limit.json."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers.limit", description=main.__doc__
    )
    parser.add_argument("--greetings", type=int, default=100_000, help="due at one instant")
    parser.add_argument("--rounds", type=int, default=5, help="of all, by turns")
    parser.add_argument("--dry", action="store_true", help="print only, write no file")
    options = parser.parse_args(arguments)
    if not VENV.exists():
        print(f"Missing: {VENV.name} ({COMMAND} makes it)", file=sys.stderr)
        return 2
    with new_folder() as folder:
        known = asyncio.run(facts.gather(Path(folder)))
    rounds = []
    for number in range(1, options.rounds + 1):
        rounds.append(asyncio.run(measure_round(options.greetings)))
        print(f"round {number} of {options.rounds}: {rounds[-1]}", flush=True)
    modules = dict(asyncio.run(look_at_workers(options.greetings)))
    command = f"{parser.prog} --greetings {options.greetings} --rounds {options.rounds}"
    found = Measured(command, known, options.greetings, rounds, modules)
    print(f"{table(rounds)}\n\n{profile(modules)}")
    if not options.dry:
        publish(FIGURES, asdict(found), PAGE, COMMAND, described(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
