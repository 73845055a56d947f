"""Live through a scenario, from the first day to the last, in one database."""

import time
from dataclasses import dataclass
from datetime import datetime
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

from heyday.db import migrate, queries
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.tzdb import TzDatabase
from heyday.settings import Settings
from heyday.simulation.clock import VirtualClock
from heyday.simulation.database import QuickDatabase
from heyday.simulation.expectations import Calendar
from heyday.simulation.faults import DeadlyStore
from heyday.simulation.people import People
from heyday.simulation.promises import Check, Findings, Person
from heyday.simulation.scenario import PINNED_PACKAGE, Scenario
from heyday.simulation.sender import Letter, RecordingSender
from heyday.simulation.transport import MemoryTransport
from heyday.simulation.world import SimulatedApp, World
from heyday.simulation.zones import SomeZones, timezones_of

if TYPE_CHECKING:
    from heyday.domain.ports import Store

_SQL = queries.load("simulation")
_CONNECTIONS = 4
_DATES = tuple(t.date_column for t in MESSAGE_TYPES)
# Daily and recovery plan side by side.
_PLANNERS = 2


@dataclass(frozen=True, slots=True)
class Shard:
    """Name one part of the people, and the empty database in which they live.

    zones: where they may live.
    """

    settings: Settings
    url: str
    scenario: Scenario
    people: People
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lived:
    """Hold what came of a shard. attempts: letters that the provider was given."""

    people: int
    attempts: int
    failed_jobs: int
    findings: Findings
    seconds: float


class ShardRun:
    """Run one shard: settle people, live, check."""

    def __init__(self, shard: Shard, sender_type: type[RecordingSender] = RecordingSender) -> None:
        self._shard = shard
        self._scenario = shard.scenario
        self._database = QuickDatabase(shard.url, _CONNECTIONS)
        self._planning = QuickDatabase(shard.url, _PLANNERS)
        self._planning_store: Store = self._planning
        if shard.scenario.is_killing_planners:
            self._planning_store = DeadlyStore(self._planning)
        self._clock = VirtualClock(shard.scenario.begin_at)
        self._transport = MemoryTransport(self._clock)
        self._letters: list[Letter] = []
        self._sender = sender_type(self._clock, self._letters)
        self._failed_jobs = 0
        self._before = self._zones(shard.scenario.tzdata)
        self._after = self._zones(PINNED_PACKAGE) if shard.scenario.tz_update_on else self._before

    async def run(self) -> Lived:
        """Return what came of it."""
        began = time.perf_counter()
        await migrate.upgrade(self._shard.url, self._scenario.begin_at)
        try:
            await self._database.open()
            await self._planning.open()
            async with self._database.connection() as connection:
                for name in ("leave_one_way", "spare_the_disk"):
                    await connection.execute(_SQL[name].text)
            await self._shard.people.settle(self._app(self._before), self._scenario.begin_at)
            await self._live()
            people, findings = await self._check()
        finally:
            await self._planning.close()
            await self._database.close()
        seconds = time.perf_counter() - began
        return Lived(people, len(self._letters), self._failed_jobs, findings, seconds)

    async def _live(self) -> None:
        """Start, live up to each interruption, and start again, up to the end."""
        scenario = self._scenario
        world, tzdb = self._start(self._before), self._before
        for at, is_outage in self._interruptions():
            await world.run_until(at)
            await self._end(world)
            if is_outage and scenario.outage:
                self._transport.lose_all()
                self._clock.jump(scenario.outage.end_at)
            else:
                self._transport.take_back()
                tzdb = self._after
            world = self._start(tzdb)
        await world.run_until(scenario.end_at)
        await self._end(world)

    def _interruptions(self) -> list[tuple[datetime, bool]]:
        """Return when everything is ended, in order, and whether by an outage."""
        scenario = self._scenario
        found = [(scenario.outage.start_at, True)] if scenario.outage else []
        if scenario.tz_update_at:
            found.append((scenario.tz_update_at, False))
        return sorted(found)

    def _start(self, tzdb: TzDatabase) -> World:
        world = World(self._app(tzdb), self._clock)
        world.start()
        return world

    async def _end(self, world: World) -> None:
        await world.kill()
        self._failed_jobs += world.failed_jobs

    def _app(self, tzdb: TzDatabase) -> SimulatedApp:
        settings = self._shard.settings
        return SimulatedApp(
            settings,
            self._shard.url,
            self._database,
            clock=self._clock,
            sender=self._sender,
            transport=self._transport,
            timezones=timezones_of(settings, tzdb),
            planning_store=self._planning_store,
        )

    async def _check(self) -> tuple[int, Findings]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(_SQL["list_people"].text)
            ends = await connection.fetch(_SQL["list_outcomes"].text, self._scenario.end_at)
        people = [
            Person(row["id"], row["timezone"], {column: row[column] for column in _DATES})
            for row in rows
        ]
        outcomes = {row["idempotency_key"]: row["status"] for row in ends}
        calendars = {
            t.name: Calendar(
                self._scenario,
                self._shard.settings.policies(t.name),
                self._before,
                self._after,
            )
            for t in MESSAGE_TYPES
        }
        return len(people), Check(calendars).run(people, self._letters, outcomes)

    def _zones(self, package: Traversable) -> TzDatabase:
        return SomeZones(package, self._shard.zones)
