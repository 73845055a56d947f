"""Show runs of Heyday and its peers side by side."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.pages import facts_table, spread
from benchmarks.peers.figures import Run
from benchmarks.peers.peers import HEYDAY, PEERS

COMMAND = "make bench-peers"
FIGURES, PAGE = "peers.json", "performance.md"
NAMES = (HEYDAY, *(peer.name for peer in PEERS))
# What is aimed at: so many times the best peer's rate, at such a share of its p99 lateness.
TIMES, SHARE = 3.0, 0.2
_ABOUT = """
## Other queues at the same work

Greetings that are all due at one instant, one POST each to a provider that answers at once: by
Heyday, and by what a user would write with other queues, set as their documentation advises
([adr/0036](adr/0036-peers.md)). Two worker processes each. Whatever PostgreSQL or RabbitMQ confirms
is on the disk. Medians, with the range in brackets, of {rounds} runs of each in turn.
Measured by `{command}`.
"""
_CPU = """
Heyday's CPU counts from when it queues the first greeting, 90 s before the instant; that of the
others from when their workers start, and with the program that hands the greetings over.
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Hold everything that one call of the program found out. packages: of each peer."""

    command: str
    facts: dict[str, str]
    packages: dict[str, str]
    runs: list[Run]

    def of(self, name: str) -> list[Run]:
        """Return the runs of one."""
        return [run for run in self.runs if run.name == name]


# What a row shows, of which figure of a run, and how it is written.
_ROWS: Sequence[tuple[str, Callable[[Run], float], str]] = (
    ("greetings due at one instant", lambda run: run.greetings, "{:,.0f}"),
    ("greetings a second, to the last of them", lambda run: run.rate, "{:,.0f}"),
    ("first after the instant, ms", lambda run: run.lateness.first, "{:,.0f}"),
    ("lateness p50, s", lambda run: run.lateness.p50 / 1000, "{:,.1f}"),
    ("lateness p99, s", lambda run: run.lateness.p99 / 1000, "{:,.1f}"),
    ("the last, s", lambda run: run.lateness.last / 1000, "{:,.1f}"),
    ("before the instant", lambda run: run.lateness.early, "{:,.0f}"),
    ("lost", lambda run: run.lost, "{:,.0f}"),
    ("requests beyond one a greeting", lambda run: run.twice, "{:,.0f}"),
    ("not marked as done", lambda run: run.undone, "{:,.0f}"),
    ("handed over before within, s", lambda run: run.handed_over or 0, "{:,.1f}"),
    (
        "CPU s a million, its processes: before",
        lambda run: run.per_million(run.before.programs),
        "{:,.0f}",
    ),
    ("from the instant on", lambda run: run.per_million(run.after.programs), "{:,.0f}"),
    (
        "CPU s a million, its server: before",
        lambda run: run.per_million(run.before.server),
        "{:,.0f}",
    ),
    ("from the instant on", lambda run: run.per_million(run.after.server), "{:,.0f}"),
)
# Heyday's count begins when it queues the first greeting, and is told as one figure.
_NOT_HEYDAYS = {name for name, _, _ in _ROWS if "before within" in name or ": before" in name}


def described(measured: Measured) -> str:
    """Return what docs/performance.md says of a published run."""
    rounds = max(len(measured.of(name)) for name in NAMES)
    few = [peer for peer in PEERS if peer.at_most and measured.of(peer.name)]
    parts = [
        _ABOUT.format(rounds=rounds, command=measured.command),
        table(measured),
        _CPU,
        *(f"{peer.name} had {peer.at_most:,}: more would take too long.\n" for peer in few),
        *_verdicts(measured),
        "\n| | worker | packages |\n|---|---|---|",
        *(f"| {peer.name} | `{peer.command}` | {measured.packages[peer.name]} |" for peer in PEERS),
        "\nAll of it shares the cores.\n",
        facts_table(measured.facts),
    ]
    return "\n".join(parts) + "\n"


def table(measured: Measured) -> str:
    """Return all side by side."""
    runs = {name: found for name in NAMES if (found := measured.of(name))}
    lines = [f"| | {' | '.join(runs)} |", f"|---|{'---|' * len(runs)}"]
    for name, of, form in _ROWS:
        cells = (
            "-"
            if who == HEYDAY and name in _NOT_HEYDAYS
            else spread([of(run) for run in found], form)
            for who, found in runs.items()
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def best(measured: Measured) -> str:
    """Return which peer was the fastest, of those that were given as many as Heyday and are right.

    Raises ValueError if there was none.
    """
    many = max(run.greetings for run in measured.runs)
    rates = {
        peer.name: _median(found, lambda run: run.rate)
        for peer in PEERS
        if (found := measured.of(peer.name))
        and all(run.is_right and run.greetings == many for run in found)
    }
    return max(rates, key=lambda name: rates[name])


def verdicts(measured: Measured) -> Mapping[str, bool]:
    """Return what is to hold of Heyday, and whether it does."""
    name = best(measured)
    ours, theirs = measured.of(HEYDAY), measured.of(name)
    rate = _median(ours, lambda run: run.rate) / _median(theirs, lambda run: run.rate)
    p99 = _median(ours, _p99) / _median(theirs, _p99)
    return {
        f"at least {TIMES:g} times the rate of the fastest, {name}: {rate:.2f}": rate >= TIMES,
        f"at most {SHARE:g} of its p99 lateness: {p99:.2f}": p99 <= SHARE,
    }


def _verdicts(measured: Measured) -> Sequence[str]:
    if not measured.of(HEYDAY):
        return ()
    found = verdicts(measured).items()
    rows = (f"| {text} | {'yes' if holds else 'no'} |" for text, holds in found)
    return ("| what is to hold | does it |", "|---|---|", *rows)


def _p99(run: Run) -> float:
    return run.lateness.p99


def _median(runs: Sequence[Run], of: Callable[[Run], float]) -> float:
    return statistics.median(of(run) for run in runs)
