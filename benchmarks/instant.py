"""Greet many people who are all due at one instant: `python -m benchmarks.instant`.

Heyday's own processes, a durable PostgreSQL and the provider's stub, all on this machine. CPU time
counts from before the first greeting is queued until the last outcome is recorded.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp

from benchmarks.ground import Ground, Place, Use, open_ground
from benchmarks.lateness import Lateness
from benchmarks.processes import Program, Provider, cpu_seconds, heydays, peak_mib, provider
from benchmarks.stub import read_log
from tests.chaos import clock
from tests.chaos.waiting import pause

# One for each core; the database and the provider share them.
WORKERS, SCHEDULERS = 2, 1
LOOK_AHEAD = timedelta(seconds=90)
_STARTS = timedelta(seconds=20)
_PLANS_A_SECOND = 10_000
_ENOUGH = timedelta(seconds=3)
_LOOK_EVERY = 0.5
_STALLED = 120.0


@dataclass(frozen=True, slots=True)
class Load:
    """Say what is to be greeted. settings: Heyday's, besides those it comes with."""

    people: int
    settings: Mapping[str, str] = field(default_factory=dict)
    latency: float = 0.0
    look_ahead: timedelta = LOOK_AHEAD


@dataclass(frozen=True, slots=True)
class Cpu:
    """Hold CPU seconds by kind of process."""

    heyday: float
    postgresql: float
    provider: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Hold what one run found.

    planned: greetings that were to leave.   lost, twice, unsent: of these, how many the provider
    never had, had more than once, and are not SENT in the database.
    seconds: from the instant to the last request.   recorded: to the last outcome in the database.
    workers_mib, scheduler_mib: the most memory of one such process.
    """

    planned: int
    lost: int
    twice: int
    unsent: int
    seconds: float
    recorded: float
    lateness: Lateness
    cpu: Cpu
    wal_bytes: int
    updated: int
    hot: int
    workers_mib: float
    scheduler_mib: float

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


@dataclass(frozen=True, slots=True)
class _Scene:
    """Hold all that takes part."""

    ground: Ground
    provider: Provider
    programs: list[Program]

    def cpu(self) -> Cpu:
        return Cpu(
            cpu_seconds(program.pid for program in self.programs),
            cpu_seconds([self.ground.server_pid]),
            cpu_seconds([self.provider.program.pid]),
        )


async def measure(load: Load, folder: Path, costliest: int = 0) -> Figures:
    """Greet once. costliest: so many of PostgreSQL's statements are printed."""
    async with AsyncExitStack() as stack:
        ground = await stack.enter_async_context(open_ground(folder / "ground"))
        stub = await stack.enter_async_context(provider(folder, load.latency))
        place = Place.at_noon(clock.now())
        await ground.bring(load.people, place)
        at, settings = _choose_instant(load, place, ground, stub)
        if (planned := await ground.plan(settings)) != load.people:
            raise RuntimeError(f"{planned} greetings were planned, not {load.people}")
        await ground.settle()
        programs = await stack.enter_async_context(heydays(WORKERS, SCHEDULERS, settings, folder))
        scene = _Scene(ground, stub, programs)
        figures = await _greet(scene, load, at)
        for line in await ground.costliest(costliest):
            print(line)
    return figures


def _choose_instant(
    load: Load, place: Place, ground: Ground, stub: Provider
) -> tuple[datetime, dict[str, str]]:
    """Return when all are due, with Heyday's settings."""
    ahead = load.look_ahead + _STARTS + timedelta(seconds=load.people / _PLANS_A_SECOND)
    at = (clock.now() + ahead).replace(microsecond=0)
    return at, {
        "DATABASE_URL": ground.url,
        "SENDER": "http",
        "EMAIL_SERVICE_URL": stub.url,
        "HEYDAY_LOG_FORMAT": "json",
        "HEYDAY_LOOK_AHEAD": f"{load.look_ahead.total_seconds():g}s",
        "HEYDAY_BIRTHDAY_SEND_TIME": place.time_of_day(at),
        **load.settings,
    }


async def _greet(scene: _Scene, load: Load, at: datetime) -> Figures:
    begins_at = at - load.look_ahead - _ENOUGH
    if (late := clock.now() - begins_at) > timedelta():
        raise TimeoutError(f"all was ready {late.total_seconds():.0f} s too late")
    await _until(begins_at)
    use, cpu = await scene.ground.use(), scene.cpu()
    await _until(at)
    await _until_received(scene.provider, load.people)
    recorded_at = await _until_recorded(scene.ground, at)
    after = scene.cpu()
    spent = Cpu(*(b - a for a, b in zip(asdict(cpu).values(), asdict(after).values(), strict=True)))
    used = (await scene.ground.use()).since(use)
    memory = {program.name: peak_mib(program.pid) for program in scene.programs}
    await scene.provider.program.stop()
    return await _judge(scene, at, recorded_at, spent, used, memory)


async def _judge(  # noqa: PLR0913, PLR0917 - what was measured, piece by piece
    scene: _Scene,
    at: datetime,
    recorded_at: datetime,
    cpu: Cpu,
    use: Use,
    memory: Mapping[str, float],
) -> Figures:
    """Hold what the provider had against what was planned."""
    planned = await scene.ground.keys(at)
    statuses = await scene.ground.statuses(at)
    received: dict[str, float] = {}
    requests = 0
    for received_at, key in read_log(scene.provider.received):
        received.setdefault(key, received_at)
        requests += 1
    late = [received_at - at.timestamp() for received_at in received.values()]
    lateness = Lateness.of(late)
    return Figures(
        planned=len(planned),
        lost=len(planned - received.keys()),
        # A greeting that nobody planned is as bad as one that came again.
        twice=requests - len(received) + len(received.keys() - planned),
        unsent=len(planned) - statuses.get("SENT", 0),
        seconds=max(late),
        recorded=(recorded_at - at).total_seconds(),
        lateness=lateness,
        cpu=cpu,
        wal_bytes=use.wal_bytes,
        updated=use.updated,
        hot=use.hot,
        workers_mib=max(mib for name, mib in memory.items() if name.startswith("worker")),
        scheduler_mib=max(mib for name, mib in memory.items() if name.startswith("scheduler")),
    )


async def _until(at: datetime) -> None:
    await pause((at - clock.now()).total_seconds())


async def _until_received(stub: Provider, wanted: int) -> None:
    """Return once the provider has had so many, or has had no more for a long time."""
    loop = asyncio.get_running_loop()
    found, grew_at = 0, loop.time()
    async with aiohttp.ClientSession() as session:
        while found < wanted and loop.time() - grew_at < _STALLED:
            async with session.get(f"{stub.url}/count") as answer:
                now = (await answer.json())["greetings"]
            if now > found:
                found, grew_at = now, loop.time()
            await pause(_LOOK_EVERY)


async def _until_recorded(ground: Ground, since: datetime) -> datetime:
    """Return when nothing was on its way any more, or when nothing had changed for long."""
    loop = asyncio.get_running_loop()
    before: dict[str, int] = {}
    changed_at = loop.time()
    while loop.time() - changed_at < _STALLED:
        now = clock.now()
        statuses = await ground.statuses(since)
        if not statuses.keys() & {"SCHEDULED", "QUEUED", "SENDING", "RETRYING"}:
            return now
        if statuses != before:
            before, changed_at = statuses, loop.time()
        await pause(_LOOK_EVERY)
    return clock.now()


def tell(figures: Figures) -> str:
    """Return the figures of one run, for people."""
    late, cpu = figures.lateness, figures.cpu
    return (
        f"{figures.planned:,} at one instant: {figures.rate:,.0f}/s, all in {figures.seconds:.1f} s, "
        f"recorded in {figures.recorded:.1f} s\n"
        f"  first {late.first:,.0f} ms, p50 {late.p50:,.0f} ms, p99 {late.p99:,.0f} ms, "
        f"last {late.last:,.0f} ms; early {late.early}, lost {figures.lost}, "
        f"twice {figures.twice}, not SENT {figures.unsent}\n"
        f"  CPU s a million: Heyday {figures.per_million(cpu.heyday):,.0f}, "
        f"PostgreSQL {figures.per_million(cpu.postgresql):,.0f}, "
        f"provider {figures.per_million(cpu.provider):,.0f}\n"
        f"  WAL {figures.wal_bytes / figures.planned:,.0f} bytes a greeting; rows updated "
        f"{figures.updated:,}, HOT {figures.hot / max(figures.updated, 1):.0%}; "
        f"worker {figures.workers_mib:.0f} MiB, scheduler {figures.scheduler_mib:.0f} MiB"
    )


def main() -> None:
    """Greet, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--people", type=int, default=100_000, help="due at one instant")
    parser.add_argument("--latency", type=float, default=0, help="seconds that the provider takes")
    parser.add_argument("--look-ahead", type=float, default=LOOK_AHEAD.total_seconds())
    parser.add_argument("--costliest", type=int, default=10, help="statements to be shown")
    parser.add_argument("settings", nargs="*", metavar="NAME=VALUE", help="of Heyday")
    options = parser.parse_args()
    settings = dict(each.split("=", 1) for each in options.settings)
    load = Load(options.people, settings, options.latency, timedelta(seconds=options.look_ahead))
    with tempfile.TemporaryDirectory(prefix="heyday-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL may run as another account
        print(tell(asyncio.run(measure(load, folder, options.costliest))))


if __name__ == "__main__":
    main()
