"""Set a scene for Heyday's processes: people, plans, processes at work; count what it costs.

A benchmark says what is to be greeted, waits for the instant, and looks at what came of it.
"""

import contextlib
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks import idle
from benchmarks.ground import Ground, Place, Use, open_ground
from benchmarks.processes import (
    HEYDAY,
    Program,
    Provider,
    cpu_seconds,
    peak_mib,
    provider,
    started,
)
from tests.chaos import clock
from tests.chaos.waiting import pause

# One for each core; the database and the provider share them.
WORKERS, SCHEDULERS = 2, 1
# How long before its instant Heyday queues a greeting, unless it is told otherwise.
_LOOK_AHEAD = timedelta(seconds=90)
_STARTS, _HURRIES = timedelta(seconds=40), timedelta(seconds=45)
_LATER_TODAY = timedelta(hours=1)
# Fewer than a slow machine does: planned, and taken out of the ledger and put back.
_PLANS_A_SECOND, _MOVES_A_SECOND = 20_000, 7_500
_ENOUGH = timedelta(seconds=3)
_LOOK_EVERY = 0.5
_STALLED = 120.0
_ON_ITS_WAY = {"SCHEDULED", "QUEUED", "SENDING", "RETRYING"}
_IDLE = (sys.executable, "-m", idle.__name__)


@dataclass(frozen=True, slots=True)
class Load:
    """Say what is to be greeted.

    rate: so many are due each second; None: all at one instant.   later: as many more are planned
    for tomorrow.   settings: Heyday's, besides those it comes with.   latency: of the provider,
    in seconds.   is_idle: workers have a sender that does nothing, and there is no provider.
    is_hurried: for a trial, the instant is near; some CPU time is spent before it is counted.
    """

    people: int
    rate: int | None = None
    later: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    latency: float = 0.0
    is_idle: bool = False
    is_hurried: bool = False


@dataclass(frozen=True, slots=True)
class Cpu:
    """Hold CPU seconds by kind of process."""

    heyday: float
    postgresql: float
    provider: float

    def since(self, before: "Cpu") -> "Cpu":
        """Return what was taken since then."""
        pairs = zip(asdict(self).values(), asdict(before).values(), strict=True)
        return Cpu(*(round(after - earlier, 3) for after, earlier in pairs))


@dataclass(frozen=True, slots=True)
class Cost:
    """Hold what some greetings cost. workers_mib, scheduler_mib: the most memory of one such."""

    cpu: Cpu
    wal_bytes: int
    updated: int
    hot: int
    workers_mib: float
    scheduler_mib: float


@dataclass(frozen=True, slots=True)
class Scene:
    """Hold all that takes part. at: when the first greeting is due."""

    load: Load
    at: datetime
    ground: Ground
    provider: Provider | None
    programs: list[Program]
    cpu_before: Cpu
    use_before: Use

    async def until(self, at: datetime) -> None:
        """Return at an instant."""
        await pause((at - clock.now()).total_seconds())

    async def until_received(self) -> None:
        """Return once the provider has had all, or has had no more for a long time."""
        if self.provider is None:
            return
        found, grew_at = 0, clock.now()
        while found < self.load.people and (clock.now() - grew_at).total_seconds() < _STALLED:
            if (now := await self.provider.count()) > found:
                found, grew_at = now, clock.now()
            await pause(_LOOK_EVERY)

    async def is_under_way(self) -> bool:
        """Tell whether some of today's greetings have not come to their end."""
        statuses = await self.ground.statuses(self.at, self.ends_at)
        return bool(statuses.keys() & _ON_ITS_WAY)

    async def until_recorded(self) -> datetime:
        """Return when nothing was on its way any more, or when nothing had changed for long."""
        before: dict[str, int] = {}
        changed_at = clock.now()
        while ((now := clock.now()) - changed_at).total_seconds() < _STALLED:
            statuses = await self.ground.statuses(self.at, self.ends_at)
            if not statuses.keys() & _ON_ITS_WAY:
                break
            if statuses != before:
                before, changed_at = statuses, now
            await pause(_LOOK_EVERY)
        return now

    @property
    def ends_at(self) -> datetime:
        """Return when all of today's greetings are due."""
        seconds = self.load.people / self.load.rate if self.load.rate else 0
        return self.at + timedelta(seconds=seconds + 1)

    async def cost(self) -> Cost:
        """End Heyday; return what was spent since shortly before the first greeting was queued."""
        cpu = _cpu(self.ground, self.provider, self.programs).since(self.cpu_before)
        wal_bytes = (await self.ground.use()).since(self.use_before).wal_bytes
        memory = {program.name: peak_mib(program.pid) for program in self.programs}
        for program in self.programs:
            await program.stop()
        while await self.ground.has_others():
            await pause(_LOOK_EVERY)
        used = (await self.ground.use()).since(self.use_before)
        return Cost(
            cpu,
            wal_bytes,
            used.updated,
            used.hot,
            max(mib for name, mib in memory.items() if name.startswith("worker")),
            max(mib for name, mib in memory.items() if name.startswith("scheduler")),
        )


@contextlib.asynccontextmanager
async def scene(load: Load, folder: Path) -> AsyncIterator[Scene]:
    """Lend a scene at the moment before the first greeting is queued. Raises TimeoutError."""
    async with AsyncExitStack() as stack:
        ground = await stack.enter_async_context(open_ground(folder / "ground"))
        stub = None
        if not load.is_idle:
            stub = await stack.enter_async_context(provider(folder, load.latency))
        place = Place.at_noon(clock.now())
        settings = _settings(load, ground, stub)
        await ground.bring(load.people, place, load.later)
        at = await _plan(load, ground, place, settings)
        await ground.settle()
        kinds = [("scheduler", HEYDAY, SCHEDULERS)]
        kinds += [("worker", _IDLE if load.is_idle else HEYDAY, WORKERS)]
        programs = await stack.enter_async_context(started(kinds, settings, folder))
        begins_at = at if load.is_hurried else at - _LOOK_AHEAD - _ENOUGH
        if (late := clock.now() - begins_at) > timedelta():
            raise TimeoutError(f"all was ready {late.total_seconds():.0f} s too late")
        if not load.is_hurried:
            await pause(-late.total_seconds())
        cpu, use = _cpu(ground, stub, programs), await ground.use()
        yield Scene(load, at, ground, stub, programs, cpu, use)


async def _plan(load: Load, ground: Ground, place: Place, settings: dict[str, str]) -> datetime:
    """Plan what is to be greeted; return the first instant, at which everything will be ready.

    What leaves second after second is planned for some instant and moved, so that the instant is
    chosen when little is left to be done.
    """
    at = _choose_instant(load, _PLANS_A_SECOND)
    planned_at = at + _LATER_TODAY if load.rate else at
    settings["HEYDAY_BIRTHDAY_SEND_TIME"] = place.time_of_day(planned_at)
    wanted = load.people + load.later
    if (planned := await ground.plan(settings)) != wanted:
        raise RuntimeError(f"{planned:,} greetings were planned, not {wanted:,}")
    if load.rate:
        await ground.take_out(planned_at)
        at = _choose_instant(load, _MOVES_A_SECOND)
        await ground.put_back(planned_at, at, load.rate)
    return at


def _choose_instant(load: Load, pace: int) -> datetime:
    """Return a full second at which everything is ready. pace: greetings made ready a second."""
    ready = timedelta(seconds=load.people / pace)
    starts = _HURRIES if load.is_hurried else _STARTS + _LOOK_AHEAD
    return (clock.now() + starts + ready).replace(microsecond=0)


def _settings(load: Load, ground: Ground, stub: Provider | None) -> dict[str, str]:
    return {
        "DATABASE_URL": ground.url,
        "SENDER": "http",
        "EMAIL_SERVICE_URL": stub.url if stub else "http://127.0.0.1:9",
        "HEYDAY_LOG_FORMAT": "json",
        "HEYDAY_ANNIVERSARY_SEND_TIME": "12:00:00",
        **load.settings,
    }


def _cpu(ground: Ground, stub: Provider | None, programs: list[Program]) -> Cpu:
    return Cpu(
        cpu_seconds(program.pid for program in programs),
        cpu_seconds([ground.server_pid]),
        cpu_seconds([stub.program.pid] if stub else []),
    )
