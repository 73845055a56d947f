"""Compare the two transports, in turn, in one run: `make bench-transports`.

Real processes (an API, two schedulers, four workers), a durable PostgreSQL, one node of RabbitMQ
where that is the transport, and a provider that accepts everything at once; all on one machine.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import burst, machine
from benchmarks.pages import publish, spread
from tests.chaos.fault import Fault
from tests.chaos.report import NAMES, POSTGRESQL, RABBITMQ, TRANSPORTS
from tests.chaos.runner import Runner, log_to
from tests.chaos.scenario import Result
from tests.rabbitmq import is_installed

_SEED = 2027


@dataclass(frozen=True, slots=True)
class Round:
    """Hold what one transport did in one round: the burst, then the death of its server."""

    transport: str
    many: int
    burst: Mapping[str, int]
    death: Mapping[str, int]
    lost: int
    twice: int
    broken: Mapping[str, int]

    def per_million(self, what: str) -> float:
        """Return CPU seconds for a million greetings."""
        return self.burst[what] / 1000 / self.many * 1e6


# What a row shows, of which round's figures, and how they are written.
ROWS: Sequence[tuple[str, Callable[[Round], float], str]] = (
    (
        "greetings a second, from nine o'clock to the last",
        lambda r: r.many / r.burst[burst.GREETED_WITHIN] * 1000,
        "{:,.0f}",
    ),
    (
        "CPU seconds a million: Heyday's processes",
        lambda r: r.per_million(burst.HEYDAY),
        "{:,.0f}",
    ),
    ("CPU seconds a million: PostgreSQL", lambda r: r.per_million(burst.POSTGRESQL), "{:,.0f}"),
    ("CPU seconds a million: RabbitMQ", lambda r: r.per_million(burst.RABBITMQ), "{:,.0f}"),
    ("lateness in the burst, p50, s", lambda r: r.burst[burst.BURST.p50] / 1000, "{:,.1f}"),
    ("lateness in the burst, p99, s", lambda r: r.burst[burst.BURST.p99] / 1000, "{:,.1f}"),
    (f"lateness of {burst.FEW}, p50, ms", lambda r: r.burst[burst.QUIET.p50], "{:,.0f}"),
    (f"lateness of {burst.FEW}, p99, ms", lambda r: r.burst[burst.QUIET.p99], "{:,.0f}"),
    ("added after nine, greeted after, p50, ms", lambda r: r.burst[burst.JOINED.p50], "{:,.0f}"),
    ("added after nine, greeted after, p99, ms", lambda r: r.burst[burst.JOINED.p99], "{:,.0f}"),
    ("its server killed: longest stall, s", lambda r: r.death[burst.STALL] / 1000, "{:,.1f}"),
    ("greetings in its queue at those moments", lambda r: r.death[burst.WAITED], "{:,.0f}"),
    ("greetings lost", lambda r: r.lost, "{:,.0f}"),
    ("greetings twice", lambda r: r.twice, "{:,.0f}"),
)


async def measure(rounds: int, many: int, transports: Sequence[str], folder: Path) -> list[Round]:
    """Have each transport greet so many and lose its server, in turn."""
    found = []
    async with AsyncExitStack() as stack:
        runners = {
            name: Runner(folder / name, _SEED, stack, has_broker=name == RABBITMQ)
            for name in transports
        }
        for number in range(1, rounds + 1):
            for transport, runner in runners.items():
                load = burst.Burst(many).fault(f"burst-{number}")
                death = burst.server_dies(f"death-{number}", is_broker=runner.has_broker)
                results = [await _live_through(runner, fault) for fault in (load, death)]
                found.append(_round(transport, many, results))
                _tell(found[-1])
    return found


async def _live_through(runner: Runner, fault: Fault) -> Result:
    return await runner.run(fault, fault.times, lambda _: None, honours_keys=True)


def _round(transport: str, many: int, results: Sequence[Result]) -> Round:
    load, death = results
    broken: dict[str, int] = {}
    for result in results:
        for name, keys in result.findings.broken.items():
            broken[name] = broken.get(name, 0) + len(keys)
            if name in {"other", "not run"}:
                print(f"{result.fault.name}: {keys}", file=sys.stderr)
    return Round(
        transport,
        many,
        load.notes,
        death.notes,
        lost=broken.pop("lost", 0),
        twice=sum(result.findings.extra for result in results),
        broken=broken,
    )


def _tell(measured: Round) -> None:
    if measured.broken:
        print(f"{NAMES[measured.transport]}: broken: {dict(measured.broken)}", file=sys.stderr)
        return
    print(f"\n{NAMES[measured.transport]}, {measured.many:,} greetings")
    for name, of, form in ROWS:
        print(f"  {name}: {form.format(of(measured))}")


def table(rounds: Sequence[Round]) -> str:
    """Return both transports side by side: medians, with their ranges."""
    by_name = {name: [r for r in rounds if r.transport == name] for name in TRANSPORTS}
    lines = [
        f"| | {' | '.join(NAMES[name] for name in TRANSPORTS)} | ratio |",
        f"|---|{'---|' * (len(TRANSPORTS) + 1)}",
    ]
    for name, of, form in ROWS:
        values = [[of(r) for r in found] for found in by_name.values()]
        cells = [spread(each, form) for each in values]
        lines.append(f"| {name} | {' | '.join(cells)} | {_ratio(*values)} |")
    return "\n".join(lines)


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Return RabbitMQ's median as a multiple of PostgreSQL's."""
    below = statistics.median(ours)
    return f"{statistics.median(theirs) / below:.2f}" if below else "-"


def described(document: Mapping[str, Any]) -> str:
    """Return what docs/transports.md says of a published run."""
    rounds = [Round(**figures) for figures in document["rounds"]]
    number = len(rounds) // len(TRANSPORTS)
    return (
        f"Medians, with the range in brackets, of {number} rounds of both in turn, with "
        f"{rounds[0].many:,} greetings\neach; by `{document['command']}`.\n"
        f"{', '.join(f'{name} {value}' for name, value in document['facts'].items())}.\n\n"
        f"{table(rounds)}"
    )


def main() -> int:
    """Measure, print, and write docs/transports.md and docs/transports.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--greetings", type=int, default=100_000, help="due at one instant")
    parser.add_argument("--rounds", type=int, default=3, help="of both, in turn")
    parser.add_argument("--only", choices=TRANSPORTS, help="one transport; writes no file")
    parser.add_argument("--dry", action="store_true", help="print only, write no file")
    options = parser.parse_args()
    if options.only != POSTGRESQL and not is_installed():
        print("RabbitMQ is not installed: apt install rabbitmq-server", file=sys.stderr)
        return 2
    transports = [options.only] if options.only else TRANSPORTS
    with tempfile.TemporaryDirectory(prefix="heyday-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL may run as another account
        facts = machine.describe(folder)
        os.chdir(folder)  # no .env is there
        log_to(folder / "runner.log")
        rounds = asyncio.run(measure(options.rounds, options.greetings, transports, folder))
    if any(r.broken or r.lost or r.twice for r in rounds):
        return 1
    if not options.dry and not options.only:
        command = "python -m benchmarks.transports"
        command += f" --greetings {options.greetings} --rounds {options.rounds}"
        document = {
            "command": command,
            "facts": facts,
            "rounds": [asdict(each) for each in rounds],
        }
        text = described(document)
        publish("transports.json", document, "transports.md", "make bench-transports", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
