"""Record outcomes of many who are due at one instant, with a sender that does nothing.

`python -m benchmarks.burn_down`. Heyday's own processes and a durable PostgreSQL. The time runs
from the instant at which all are due, and queued, until the last batch is acknowledged, which is
after its outcomes were committed.
"""

import argparse
import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks.instant import named, new_folder, tell_cost
from benchmarks.scene import Cost, Load, Scene, scene
from tests.chaos import clock
from tests.chaos.waiting import pause

_LOOK_EVERY = 0.1
_LONGEST = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Figures:
    """Hold what one run found. seconds: from the instant to the last outcome."""

    planned: int
    unsent: int
    seconds: float
    cost: Cost

    @property
    def rate(self) -> float:
        """Return outcomes a second."""
        return self.planned / self.seconds


async def measure(load: Load, folder: Path, costliest: int = 0) -> Figures:
    """Burn down once. costliest: so many of PostgreSQL's statements are printed."""
    async with scene(load, folder) as played:
        await played.until(played.at)
        seconds = await _until_done(played)
        cost = await played.cost()
        for line in await played.ground.costliest(costliest):
            print(line)
        statuses = await played.ground.statuses(played.at, played.ends_at)
        planned = sum(statuses.values())
        return Figures(planned, planned - statuses.get("SENT", 0), round(seconds, 3), cost)


async def _until_done(played: Scene) -> float:
    """Return how many seconds after the instant all was done."""
    while (passed := clock.now() - played.at) < _LONGEST:
        # To count batches is cheap, to count greetings is not.
        if not await played.ground.count_batches() and not await played.is_under_way():
            break
        await pause(_LOOK_EVERY)
    return passed.total_seconds()


def tell(figures: Figures) -> str:
    """Return the figures of one run, for people."""
    return (
        f"{figures.planned:,}: {figures.rate:,.0f} outcomes/s, all in {figures.seconds:.1f} s; "
        f"not SENT {figures.unsent}\n{tell_cost(figures.cost, figures.planned)}"
    )


def main() -> None:
    """Burn down, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--people", type=int, default=100_000, help="due at one instant")
    parser.add_argument("--hurry", action="store_true", help="a trial: CPU time is not whole")
    parser.add_argument("--costliest", type=int, default=10, help="statements to be shown")
    parser.add_argument("settings", nargs="*", metavar="NAME=VALUE", help="of Heyday")
    options = parser.parse_args()
    load = Load(
        options.people,
        settings=named(options.settings),
        is_hurried=options.hurry,
        is_idle=True,
    )
    with new_folder() as folder:
        print(tell(asyncio.run(measure(load, folder, options.costliest))))


if __name__ == "__main__":
    main()
