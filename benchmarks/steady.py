"""Greet so many a second for minutes, and see whether anything grows.

`python -m benchmarks.steady`. Each full second so many are due at once, as times of day have no
fractions. Lateness is that of each greeting from its own instant. `--pin --before 3600` looks at
the time after the first hour of it, and of a transaction that is open all the while.
"""

import argparse
import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks import instant
from benchmarks.ground import Ground
from benchmarks.processes import mib
from benchmarks.scene import Load, Scene, scene
from heyday.db.connection import connect
from tests.chaos import clock

RATE, SECONDS = 1_000, 600
AN_HOUR = 3_600
_LOOK_EVERY = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Look:
    """Hold what was seen at a moment, so many seconds after the first was due.

    backlog: due and not with the provider.   dead: rows of greetings that vacuum is to clear.
    mib: the memory of Heyday's processes, added up.
    """

    seconds: float
    backlog: int
    dead: int
    mib: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Hold what one run, or a part of it, found: what a burst would, and looks at it over time.

    is_alarmed: whether Heyday told of a transaction that is open for long.
    """

    whole: instant.Figures
    looks: tuple[Look, ...]
    is_alarmed: bool

    @property
    def backlog_slope(self) -> float:
        """Return by how many greetings a second the backlog grew."""
        return slope([(look.seconds, look.backlog) for look in self.looks])

    @property
    def most_dead(self) -> int:
        """Return the most dead rows there were."""
        return max(look.dead for look in self.looks)

    @property
    def dead_slope(self) -> float:
        """Return by how many rows a second the dead grew in the second half."""
        return slope([(look.seconds, look.dead) for look in self.looks[len(self.looks) // 2 :]])

    @property
    def mib_grown(self) -> float:
        """Return by how much memory grew from a quarter of the time to the end."""
        return self.looks[-1].mib - self.looks[len(self.looks) // 4].mib


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return how steeply points rise, by least squares; 0 for fewer than two."""
    if len(points) < 2:  # noqa: PLR2004 - a line has two
        return 0.0
    middle = sum(x for x, _ in points) / len(points)
    height = sum(y for _, y in points) / len(points)
    width = sum((x - middle) ** 2 for x, _ in points)
    return sum((x - middle) * (y - height) for x, y in points) / width


async def measure(
    load: Load, folder: Path, lasts: int, before: int = 0, *, is_pinned: bool = False
) -> list[Figures]:
    """Greet steadily; return what was found in each part of the time.

    lasts: seconds of a part.   before: seconds at the beginning that are in none.
    is_pinned: somebody keeps a transaction open all the time.
    """
    async with scene(load, folder) as played:
        async with _pinned(played.ground) if is_pinned else contextlib.nullcontext():
            await played.until(played.at)
            looks = [look async for look in _looks(played)]
            await played.until_received()
            recorded_at = await played.until_recorded()
        cost = await played.cost()
        recorded = (recorded_at - played.at).total_seconds()
        is_alarmed = any("transaction_old" in program.said() for program in played.programs)
        parts = whole_parts(load, lasts, before)
        times = [
            (played.at + timedelta(seconds=part.start), played.at + timedelta(seconds=part.stop))
            for part in parts
        ]
        found = await instant.judge_parts(played, times, recorded, cost)
        return [
            Figures(whole, within(looks, part), is_alarmed)
            for whole, part in zip(found, parts, strict=True)
        ]


def whole_parts(load: Load, lasts: int, before: int) -> list[range]:
    """Return the seconds of each part, as many as are whole."""
    seconds = load.people // (load.rate or load.people)
    return [range(at, at + lasts) for at in range(before, seconds - lasts + 1, lasts)]


def within(looks: Sequence[Look], part: range) -> tuple[Look, ...]:
    """Return the looks that were taken in a part."""
    return tuple(look for look in looks if part.start <= look.seconds < part.stop)


@contextlib.asynccontextmanager
async def _pinned(ground: Ground) -> AsyncIterator[None]:
    """Keep a transaction open that may still look at everything as it was when it began."""
    connection = await connect(ground.url)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.fetchval("SELECT count(*) FROM job_runs")
            yield
    finally:
        await connection.close()


async def _looks(played: Scene) -> AsyncIterator[Look]:
    """Look every few seconds, until all are due."""
    if played.provider is None or played.load.rate is None:
        raise RuntimeError("a steady load has a rate and a provider")
    next_at = played.at
    while next_at < played.ends_at:
        await played.until(next_at)
        had = await played.provider.count()
        seconds = (clock.now() - played.at).total_seconds()
        # What is due at this very second may still be on its way.
        due = min(int(seconds) * played.load.rate, played.load.people)
        use = await played.ground.use()
        memory = sum(mib(program.pid) for program in played.programs)
        yield Look(round(seconds, 1), max(due - had, 0), use.dead, round(memory, 1))
        next_at += _LOOK_EVERY


def tell(figures: Figures) -> str:
    """Return the figures of one run, for people."""
    return (
        f"{instant.tell(figures.whole)}\n"
        f"  backlog grew by {figures.backlog_slope:.2f}/s; dead rows at most "
        f"{figures.most_dead:,}, in the end {figures.dead_slope:+,.0f}/s; "
        f"memory {figures.mib_grown:+.1f} MiB; alarm: {'yes' if figures.is_alarmed else 'no'}"
    )


def main() -> None:
    """Greet steadily, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rate", type=int, default=RATE, help="greetings due each second")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="that are looked at")
    parser.add_argument("--before", type=int, default=0, help="seconds before these")
    parser.add_argument("--later", type=int, default=0, help="greetings planned for tomorrow")
    parser.add_argument("--pin", action="store_true", help="keep a transaction open meanwhile")
    parser.add_argument("--hurry", action="store_true", help="a trial: CPU time is not whole")
    parser.add_argument("settings", nargs="*", metavar="NAME=VALUE", help="of Heyday")
    options = parser.parse_args()
    load = Load(
        options.rate * (options.before + options.seconds),
        rate=options.rate,
        later=options.later,
        settings=instant.named(options.settings),
        is_hurried=options.hurry,
    )
    with instant.new_folder() as folder:
        lasts, before = options.seconds, options.before
        (found,) = asyncio.run(measure(load, folder, lasts, before, is_pinned=options.pin))
        print(tell(found))


if __name__ == "__main__":
    main()
