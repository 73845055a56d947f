"""Greet many people who are all due at one instant: `python -m benchmarks.instant`.

Heyday's own processes, a durable PostgreSQL and the provider's stub, all on this machine. CPU time
counts from before the first greeting is queued until the last outcome is recorded.
"""

import argparse
import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks.ground import new_home
from benchmarks.lateness import Lateness
from benchmarks.scene import Cost, Load, Scene, scene
from benchmarks.stub import read_log


@dataclass(frozen=True, slots=True)
class Figures:
    """Hold what one run found.

    planned: greetings that were to leave.   lost, twice, unsent: of these, how many the provider
    never had, had more than once, and are not SENT in the database.
    seconds: from the instant to the last request.   recorded: to the last outcome in the database.
    """

    planned: int
    lost: int
    twice: int
    unsent: int
    seconds: float
    recorded: float
    lateness: Lateness
    cost: Cost

    @property
    def rate(self) -> float:
        """Return greetings a second, from the instant to the last."""
        return self.planned / self.seconds

    @property
    def is_right(self) -> bool:
        """Tell whether everybody was greeted once, not early, and the books say so."""
        return not (self.lost or self.twice or self.unsent or self.lateness.early)

    def per_million(self, seconds: float) -> float:
        """Return CPU seconds for a million greetings."""
        return seconds / self.planned * 1e6


async def measure(load: Load, folder: Path, costliest: int = 0) -> Figures:
    """Greet once. costliest: so many of PostgreSQL's statements are printed."""
    async with scene(load, folder) as played:
        await played.until_received()
        recorded_at = await played.until_recorded()
        cost = await played.cost()
        for line in await played.ground.costliest(costliest):
            print(line)
        return await judge(played, (recorded_at - played.at).total_seconds(), cost)


async def judge(played: Scene, recorded: float, cost: Cost) -> Figures:
    """Hold what the provider had against what was planned."""
    (figures,) = await judge_parts(played, [(played.at, played.ends_at)], recorded, cost)
    return figures


async def judge_parts(
    played: Scene, parts: Sequence[tuple[datetime, datetime]], recorded: float, cost: Cost
) -> list[Figures]:
    """Do so for what was due in each of these times. recorded, cost: of all that was greeted."""
    if played.provider is None:
        raise RuntimeError("there was no provider to ask")
    await played.provider.program.stop()  # its log is whole now
    received: dict[str, float] = {}
    again = Counter[str]()
    for received_at, key in read_log(played.provider.received):
        if key in received:
            again[key] += 1
        else:
            received[key] = received_at
    unknown = received.keys() - (await played.ground.due(played.at, played.ends_at)).keys()
    found = []
    for since, until in parts:
        due = await played.ground.due(since, until)
        statuses = await played.ground.statuses(since, until)
        had = {key: received[key] for key in due if key in received}
        figures = Figures(
            planned=len(due),
            lost=len(due) - len(had),
            # A greeting that nobody planned is as bad as one that came again.
            twice=sum(again[key] for key in had) + len(unknown),
            unsent=len(due) - statuses.get("SENT", 0),
            seconds=round(max(had.values()) - since.timestamp(), 3),
            recorded=round(recorded, 3),
            lateness=Lateness.of([at - due[key] for key, at in had.items()]),
            cost=cost,
        )
        found.append(figures)
    return found


def tell(figures: Figures) -> str:
    """Return the figures of one run, for people."""
    late, cost = figures.lateness, figures.cost
    return (
        f"{figures.planned:,}: {figures.rate:,.0f}/s, all in {figures.seconds:.1f} s, "
        f"recorded in {figures.recorded:.1f} s\n"
        f"  first {late.first:,.0f} ms, p50 {late.p50:,.0f} ms, p99 {late.p99:,.0f} ms, "
        f"last {late.last:,.0f} ms; early {late.early}, lost {figures.lost}, "
        f"twice {figures.twice}, not SENT {figures.unsent}\n{tell_cost(cost, figures.planned)}"
    )


def tell_cost(cost: Cost, greetings: int) -> str:
    """Return what so many greetings cost, for people."""
    cpu = cost.cpu
    per_million = [s / greetings * 1e6 for s in (cpu.heyday, cpu.postgresql, cpu.provider)]
    return (
        "  CPU s a million: Heyday {:,.0f}, PostgreSQL {:,.0f}, provider {:,.0f}\n"
        f"  WAL {cost.wal_bytes / greetings:,.0f} bytes a greeting; rows updated "
        f"{cost.updated:,}, HOT {cost.hot / max(cost.updated, 1):.0%}; "
        f"worker {cost.workers_mib:.0f} MiB, scheduler {cost.scheduler_mib:.0f} MiB"
    ).format(*per_million)


@contextmanager
def new_folder() -> Iterator[Path]:
    """Lend a folder for the database and logs of one run."""
    with tempfile.TemporaryDirectory(prefix="heyday-bench-", ignore_cleanup_errors=True) as name:
        yield new_home(Path(name))


def named(settings: list[str]) -> Mapping[str, str]:
    """Return settings that were given as NAME=VALUE."""
    return dict(each.split("=", 1) for each in settings)


def main() -> None:
    """Greet, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--people", type=int, default=100_000, help="due at one instant")
    parser.add_argument("--latency", type=float, default=0, help="seconds that the provider takes")
    parser.add_argument("--hurry", action="store_true", help="a trial: CPU time is not whole")
    parser.add_argument("--costliest", type=int, default=10, help="statements to be shown")
    parser.add_argument("settings", nargs="*", metavar="NAME=VALUE", help="of Heyday")
    options = parser.parse_args()
    load = Load(
        options.people,
        settings=named(options.settings),
        latency=options.latency,
        is_hurried=options.hurry,
    )
    with new_folder() as folder:
        print(tell(asyncio.run(measure(load, folder, options.costliest))))


if __name__ == "__main__":
    main()
