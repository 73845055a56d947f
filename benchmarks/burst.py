"""Greet many people at one instant, some at another, and some one by one; break the server.

Heyday's processes, the provider and the checker are those of tests/chaos; Heyday's settings are
those it comes with.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from benchmarks.processes import cpu_seconds
from heyday.settings import Settings
from tests.chaos import clock
from tests.chaos.fault import Fault
from tests.chaos.people import Due, Expected, Made
from tests.chaos.provider import Behaviour, Request, read_log
from tests.chaos.stalls import longest_stall
from tests.chaos.waiting import pause, wait_until
from tests.chaos.world import SETTINGS, Setup, World

WORKERS, SCHEDULERS = 4, 2
FEW = 100
HEYDAY, POSTGRESQL, RABBITMQ = "CPU of Heyday, ms", "CPU of PostgreSQL, ms", "CPU of RabbitMQ, ms"
GREETED_WITHIN = "burst greeted within, ms"
STALL, KILLED, WAITED = "longest stall, ms", "killed", "greetings queued when it died"

_QUIET, _MANY = "HEYDAY_BIRTHDAY_SEND_TIME", "HEYDAY_ANNIVERSARY_SEND_TIME"
_STARTS = timedelta(seconds=15)
_IMPORTS_A_SECOND = 1_500
_JOIN = timedelta(seconds=30)
_LOOK_AHEAD = timedelta(seconds=90)
_ENOUGH = timedelta(seconds=5)
_SLOWEST = 50
_GOES_ON_WITHIN = 180.0
# How processes are found by whoever started them.
_NEEDED = {"PORT", "HEYDAY_LOG_FORMAT"}


class Lateness(NamedTuple):
    """Name what is kept of the lateness of some greetings."""

    p50: str
    p99: str


def lateness_of(greetings: str) -> Lateness:
    """Return under which names the lateness of some greetings is noted, in ms."""
    return Lateness(f"{greetings}: late by, p50, ms", f"{greetings}: late by, p99, ms")


BURST, QUIET, JOINED = map(lateness_of, ("burst", "few", "added after nine"))


@dataclass(eq=False)
class Burst:
    """Greet `many` at one instant; before that, few at an instant and few who come after nine.

    Between the last of the few and the many nothing happens, and CPU time begins to count: what it
    counts is to enqueue, carry, claim, send and record the many, and no more.
    """

    many: int
    _quiet: frozenset[str] = frozenset()
    _joined: frozenset[str] = frozenset()
    _times: Mapping[str, str] = field(default_factory=dict)

    def fault(self, name: str) -> Fault:
        """Return it as what a scenario can be lived through with."""
        return Fault(
            name,
            f"{self.many:,} due at one instant",
            times=self.many,
            short=self.many,
            inject=self._greet,
            per_turn=self.many,
            setup=Setup(
                workers=WORKERS,
                schedulers=SCHEDULERS,
                is_fed=False,
                provider=Behaviour(latency=0.0),
                settings=self._settings,
            ),
            review=self._measure,
            is_clear=True,
        )

    @property
    def _importing(self) -> timedelta:
        return timedelta(seconds=self.many / _IMPORTS_A_SECOND)

    def _settings(self) -> Mapping[str, str]:
        noon = clock.now().replace(hour=12)  # far from midnight, wherever it is
        quiet = noon + _STARTS + self._importing
        many = quiet + _JOIN + _LOOK_AHEAD
        self._times = {_QUIET: f"{quiet:%H:%M:%S}", _MANY: f"{many:%H:%M:%S}"}
        return as_they_come() | self._times

    async def _greet(self, world: World) -> None:
        quiet = world.due_soon(_QUIET, _STARTS + self._importing)
        many = world.due_soon(_MANY, _STARTS + self._importing + _JOIN + _LOOK_AHEAD)
        await world.witness.fetch("ALTER TABLE message_logs DISABLE TRIGGER chaos_note_move")
        await world.start("api")
        few = [world.feed.maker.born_on(world.chance.choice(quiet)) for _ in range(FEW)]
        self._quiet = frozenset(person.email for person, _ in few)
        crowd = [world.feed.maker.joined_on(world.chance.choice(many)) for _ in range(self.many)]
        await world.import_file(few + crowd)
        _be_before(quiet[0].at, "the import")
        await self._join(world, quiet)
        begins_at = many[0].at - _LOOK_AHEAD - _ENOUGH
        _be_before(begins_at, "the few")
        await _until(begins_at)
        before = measure_cpu(world)
        await _until(many[0].at)
        await _until_requested(world, 2 * FEW + self.many)
        await _until_recorded(world)
        world.notes.update({what: ms - before[what] for what, ms in measure_cpu(world).items()})

    async def _join(self, world: World, quiet: Sequence[Due]) -> None:
        """Add few one by one whose time of day is just past."""
        await _until(quiet[0].at)
        await _until_requested(world, FEW)
        made: list[Made] = []
        for _ in range(FEW):
            made.append(world.feed.maker.born_on(world.chance.choice(quiet)))
            await world.feed.add(made[-1:])
            await pause(0.1)
        self._joined = frozenset(person.email for person, _ in made)
        await _until_requested(world, 2 * FEW)

    async def _measure(self, world: World) -> list[str]:
        due = {(e.email, e.message_type): e for e in world.feed.expected}
        created = await world.witness.map_creations()
        late: dict[Lateness, list[timedelta]] = {BURST: [], QUIET: [], JOINED: []}
        last = datetime.min.replace(tzinfo=clock.now().tzinfo)
        for request in _first(read_log(world.provider_log)):
            expected = _expected(due, request)
            if expected.email in self._joined:
                late[JOINED].append(request.received_at - created[request.key])
            elif expected.email in self._quiet:
                late[QUIET].append(request.received_at - expected.send_at)
            else:
                late[BURST].append(request.received_at - expected.send_at)
                last = max(last, request.received_at)
                world.notes[GREETED_WITHIN] = _ms(last - expected.send_at)
        for names, found in late.items():
            found.sort()
            world.notes[names.p50] = _ms(found[len(found) // 2])
            world.notes[names.p99] = _ms(found[len(found) * 99 // 100])
        return []


def server_dies(name: str, *, is_broker: bool) -> Fault:
    """Return the fault that kills the server which carries batches, while it carries some."""
    return Fault(
        name,
        "the transport's server dies, and is started again",
        times=3,
        short=1,
        inject=partial(_kill_server, is_broker=is_broker),
        setup=Setup(workers=WORKERS, settings=as_they_come),
        review=_measure_stall,
    )


async def _kill_server(world: World, *, is_broker: bool) -> None:
    await pause(world.chance.uniform(2.0, 4.0))
    if is_broker:
        (node,) = world.broker.nodes
        if not world.notes[KILLED]:
            await asyncio.to_thread(node.remember_queues)
        await asyncio.to_thread(node.kill)
        world.notes[WAITED] += len(await world.witness.list_queued())
        await asyncio.to_thread(node.start)
    else:
        world.notes[WAITED] += len(await world.witness.list_queued())
        await world.place.ground.server.crash()
        await world.place.ground.server.start()
    world.notes[KILLED] += 1
    size = world.provider_log.stat().st_size

    async def look() -> bool:
        return world.provider_log.stat().st_size > size

    await wait_until(look, _GOES_ON_WITHIN, "a letter after the server died")


async def _measure_stall(world: World) -> list[str]:
    created = await world.witness.map_creations()
    world.notes[STALL] = _ms(longest_stall(list(read_log(world.provider_log)), created))
    return []


def as_they_come() -> dict[str, str]:
    """Return what chaos sets, set to what Heyday comes with; what cannot be otherwise stays."""
    return {
        str(setting.alias): _written(setting.default)
        for setting in Settings.model_fields.values()
        if setting.alias in SETTINGS.keys() - _NEEDED
    }


def _written(value: object) -> str:
    return f"{value.total_seconds():g}s" if isinstance(value, timedelta) else str(value)


def measure_cpu(world: World) -> dict[str, int]:
    """Return the CPU time that each kind of process has taken so far, in ms."""
    heyday = [process.pid for process in world.processes if process.is_alive]
    broker = world.place.broker
    return {
        HEYDAY: _cpu(heyday),
        POSTGRESQL: _cpu([world.place.ground.server.pid]),
        RABBITMQ: _cpu([node.pid for node in broker.nodes] if broker else []),
    }


def _cpu(pids: Iterable[int]) -> int:
    return round(cpu_seconds(pids) * 1000)


def _be_before(at: datetime, what: str) -> None:
    if (late := clock.now() - at) > timedelta():
        raise TimeoutError(f"{what} took {late.total_seconds():.0f} s longer than there was")


async def _until(at: datetime) -> None:
    await pause((at - clock.now()).total_seconds())


async def _until_requested(world: World, wanted: int) -> None:
    """Return once the provider has had so many requests."""
    with world.provider_log.open("rb") as log:
        found = 0

        async def look() -> bool:
            nonlocal found
            found += sum(block.count(b"\n") for block in iter(lambda: log.read(1 << 16), b""))
            return found >= wanted

        await wait_until(look, 60 + wanted / _SLOWEST, f"{wanted:,} requests", every=0.2)


async def _until_recorded(world: World) -> None:
    async def look() -> bool:
        return await world.witness.count_to_come(len(world.feed.expected)) == 0

    await wait_until(look, 60, "outcomes in the database", every=0.2)


def _first(requests: Iterable[Request]) -> Iterable[Request]:
    seen: set[str] = set()
    for request in requests:
        if request.key not in seen:
            seen.add(request.key)
            yield request


def _expected(due: Mapping[tuple[str, str], Expected], request: Request) -> Expected:
    return due[request.email, request.key.split(":")[1]]


def _ms(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1000)
