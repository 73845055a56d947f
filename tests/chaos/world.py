"""Set up one scenario: a database, a provider, Heyday's processes and who keeps them running."""

import asyncio
import contextlib
import csv
import json
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from heyday.bootstrap import open_app
from heyday.clock import SystemClock
from heyday.db import migrate
from heyday.queue.config import QueueConfig
from heyday.queue.transport import QueueTransport
from heyday.settings import Settings
from tests.chaos import clock
from tests.chaos.feed import Feed
from tests.chaos.ground import Ground
from tests.chaos.people import COLUMNS, Atlas, Due, Made, Maker, wall_of
from tests.chaos.processes import Process
from tests.chaos.provider import Behaviour, open_provider
from tests.chaos.server import Server
from tests.chaos.waiting import pause, wait_until
from tests.chaos.witness import TRIGGERS, Witness, open_witness
from tests.proxy import Proxy, open_proxy
from tests.rabbitmq import RabbitCluster, url_at

TEMPLATE = "chaos_template"
SETTLES_WITHIN = 240.0
SETTINGS = {
    "HEYDAY_CALL_TIMEOUT": "500ms",
    "HEYDAY_LEASE": "5s",
    "HEYDAY_SWEEP_EVERY": "1s",
    "HEYDAY_LOST_AFTER": "3s",
    "HEYDAY_MAX_RETRIES": "20",
    "HEYDAY_AMBIGUOUS": "RETRY",
    # Small batches and few calls at once: a kill then meets few, and there are many to meet.
    "HEYDAY_BATCH_SIZE": "4",
    "HEYDAY_CONCURRENCY": "2",
    "HEYDAY_POOL_MIN": "2",
    "HEYDAY_POOL_MAX": "8",
    "HEYDAY_LOG_FORMAT": "json",
    "PORT": "0",
}
# Where no attempt may be unclear, none may be so for want of a core.
PATIENT = {"HEYDAY_CALL_TIMEOUT": "10s", "HEYDAY_LEASE": "30s"}


@dataclass(frozen=True, slots=True)
class Setup:
    """Say what a scenario needs.

    workers, schedulers: how many are kept running.   is_fed: whether people come all the time.
    settings: of Heyday, over those of all scenarios, when it begins.   is_faked: whether clocks
    can be set.   meanwhile: goes on as long as the scenario does.   nodes: of RabbitMQ, where
    that is the transport.   is_behind_proxy: whether Heyday reaches it through what can be parted.
    """

    workers: int = 3
    schedulers: int = 2
    is_fed: bool = True
    provider: Behaviour = field(default_factory=Behaviour)
    settings: Callable[[], Mapping[str, str]] = dict
    is_faked: bool = False
    meanwhile: "Callable[[World], Awaitable[None]] | None" = None
    nodes: int = 1
    is_behind_proxy: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Hold what scenarios share, and which one this is.

    broker: RabbitMQ, if that is the transport.
    """

    ground: Ground
    atlas: Atlas
    folder: Path
    name: str
    seed: int
    honours_keys: bool
    broker: RabbitCluster | None = None


@dataclass(eq=False)
class World:
    """Hold the parts of one scenario.

    proxy: between Heyday and RabbitMQ, where there is one.

    notes: counts of what happened, for the report.   problems: what should not have happened.
    books: what `heyday reconcile` said in the end.
    """

    place: Place
    setup: Setup
    settings: Mapping[str, str]
    provider_log: Path
    witness: Witness
    feed: Feed
    chance: random.Random
    proxy: Proxy | None = None
    processes: list[Process] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    books: dict[str, Any] = field(default_factory=dict)
    keepers: list[asyncio.Future[None]] = field(default_factory=list)
    _numbers: Counter[str] = field(default_factory=Counter)

    @property
    def broker(self) -> RabbitCluster:
        """Return RabbitMQ, where that is the transport."""
        assert self.place.broker is not None
        return self.place.broker

    async def start(self, *words: str, **settings: str) -> Process:
        """Start a process of Heyday, which nobody replaces when it ends."""
        role = words[0]
        self._numbers[role] += 1
        name = f"{role}-{self._numbers[role]}"
        url = self.settings["DATABASE_URL"] + f"?chaos.process={name}"
        given = {**self.settings, "DATABASE_URL": url, **settings}
        process = await self.place.ground.nursery.start(
            name, *words, settings=given, folder=self.place.folder
        )
        self.processes.append(process)
        return process

    def alive(self, role: str) -> list[Process]:
        return [p for p in self.processes if p.words[0] == role and p.is_alive]

    async def take(self, role: str) -> Process:
        """Take any process of a role in hand that no other fault has, by chance."""

        async def look() -> Process | None:
            free = [process for process in self.alive(role) if not process.is_taken]
            return self.chance.choice(free) if free else None

        process = await wait_until(look, 60, f"a living {role}")
        process.is_taken = True
        return process

    async def replacement(self, role: str, known: set[Process]) -> None:
        """Return once a process is at work that is not among those known."""

        async def look() -> Process | None:
            return next((p for p in self.alive(role) if p not in known), None)

        await (await wait_until(look, 60, f"a new {role}")).until_started()

    def keep(self, role: str) -> None:
        """Have a process run at all times, as a service manager would."""
        self.keepers.append(asyncio.create_task(self._keep(role)))

    async def _keep(self, role: str) -> None:
        while True:
            process = await self.start(role)
            status = await asyncio.shield(process.ended)
            self.processes.remove(process)
            if not process.is_ours:
                self.notes[f"{role}s that ended by themselves"] += 1
                if status not in {0, 2}:  # 2: told why, such as that the database is away
                    self.problems.append(f"{process.name} ended with status {status}")
                await pause(0.3)

    async def until_all_started(self) -> None:
        """Return once every process that is kept is at work, and schedulers have looked around."""

        async def look() -> bool:
            counts = (len(self.alive("worker")), len(self.alive("scheduler")))
            wanted = (self.setup.workers, self.setup.schedulers)
            return all(n >= w for n, w in zip(counts, wanted, strict=True))

        await wait_until(look, 60, "the processes that are kept")
        for process in (*self.alive("worker"), *self.alive("scheduler")):
            await process.until_started()

        async def have_recovered() -> bool:
            return await self.witness.count_recoveries() >= self.setup.schedulers

        await wait_until(have_recovered, 60, "the first recovery of each scheduler")

    def due_soon(self, setting: str, within: timedelta) -> list[Due]:
        """Return where it will be the time of a setting within so much of now."""
        now = clock.now()
        return self.place.atlas.due_between(wall_of(self.settings[setting]), now, now + within)

    async def import_file(self, people: Sequence[Made]) -> None:
        """Bring people in by `heyday users import`."""
        path = self.place.folder / "people.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            rows.writerows(person.cells for person, _ in people)
        for _, expected in people:
            self.feed.expected += expected
        command = await self.start("users", "import", path.name)
        if status := await command.until_ended():
            self.problems.append(f"{command.name} ended with status {status}")

    async def settle(self) -> None:
        """Return once nothing that is due is left to be done."""
        # What comes every ten minutes by itself need not be waited for.
        await (await self.start("jobs", "run", "recovery")).until_ended()

        async def look() -> bool:
            return await self.witness.count_to_come(len(self.feed.expected)) == 0

        try:
            await wait_until(look, SETTLES_WITHIN, "an end of what is due", every=0.2)
        except TimeoutError as late:
            self.problems.append(str(late))

    async def close_books(self) -> None:
        """See that `heyday reconcile` balances, and that every process ends when asked to."""
        books = await self.start("reconcile", "--json")
        status = await books.until_ended()
        text = books.log.read_text("utf-8")
        if status == 0:
            self.books = json.loads(text)
        else:
            self.problems.append(f"heyday reconcile ended with status {status}: {text[-600:]}")
        for keeper in self.keepers:
            keeper.cancel()
        await asyncio.gather(*self.keepers, return_exceptions=True)
        staying = [p for p in self.processes if p.is_alive]
        statuses = await asyncio.gather(*(p.stop() for p in staying), return_exceptions=True)
        for process, status_or_error in zip(staying, statuses, strict=True):
            if status_or_error != 0:
                self.problems.append(
                    f"{process.name}, asked to end, did so with {status_or_error!r}"
                )
                process.send(signal.SIGKILL)


@contextlib.asynccontextmanager
async def open_world(place: Place, setup: Setup) -> AsyncIterator[World]:
    """Lend a scenario's world, with its processes at work."""
    place.folder.mkdir(parents=True)
    chance = random.Random(f"{place.seed}/{place.name}")  # noqa: S311 - to be repeated by its seed
    provider_log = place.folder / "provider.jsonl"
    async with AsyncExitStack() as stack:
        url = await make_database(place.ground.server, place.name)
        provider_url = await stack.enter_async_context(
            open_provider(
                provider_log, setup.provider, honours_keys=place.honours_keys, seed=place.seed
            )
        )
        settings = {
            **SETTINGS,
            "DATABASE_URL": url,
            "EMAIL_SERVICE_URL": provider_url,
            "HEYDAY_PROVIDER_HONOURS_KEYS": str(place.honours_keys).lower(),
            **setup.settings(),
        }
        proxy, count_waiting = None, None
        if place.broker:
            proxy, urls = await _reach(place.broker, place.name, setup, stack)
            settings["RABBITMQ_URL"] = ",".join(urls)
            count_waiting = _open_queue(place.broker.urls(place.name), stack).count_waiting
        own = Settings(DATABASE_URL=url + "?chaos.process=runner", HEYDAY_POOL_MIN=1)
        heyday = await stack.enter_async_context(open_app(own))
        witness = await stack.enter_async_context(open_witness(url, count_waiting))
        feed = Feed(heyday, witness, Maker(place.atlas, chance, place.name))
        world = World(place, setup, settings, provider_log, witness, feed, chance, proxy)
        stack.push_async_callback(_end, world)
        if setup.meanwhile:
            world.keepers.append(asyncio.ensure_future(setup.meanwhile(world)))
        for role, number in (("worker", setup.workers), ("scheduler", setup.schedulers)):
            for _ in range(number):
                world.keep(role)
        yield world


async def _reach(
    broker: RabbitCluster, host: str, setup: Setup, stack: AsyncExitStack
) -> tuple[Proxy | None, list[str]]:
    """Make a virtual host; return where Heyday finds it, and the proxy on the way, if any."""
    await asyncio.to_thread(broker.add_host, host)
    if not setup.is_behind_proxy:
        return None, broker.urls(host)
    proxy = await stack.enter_async_context(open_proxy(broker.nodes[0].port))
    return proxy, [url_at(proxy.port, host)]


def _open_queue(urls: Sequence[str], stack: AsyncExitStack) -> QueueTransport:
    """Return the runner's own view of the queue, past every proxy."""
    queue = QueueTransport(QueueConfig(urls), SystemClock())
    stack.push_async_callback(queue.close)
    return queue


async def _end(world: World) -> None:
    """Leave no process behind."""
    for keeper in world.keepers:
        keeper.cancel()
    await asyncio.gather(*world.keepers, return_exceptions=True)
    for process in world.processes:
        await process.kill()


async def drop_database(place: Place) -> None:
    """Drop a scenario's database: a crash syncs every file that is there."""
    connection = await asyncpg.connect(place.ground.server.url)
    await connection.execute(f"DROP DATABASE {_database_name(place.name)} WITH (FORCE)")
    await connection.close()


async def make_template(server: Server) -> None:
    """Make a migrated database with the witness's triggers, for copies."""
    connection = await asyncpg.connect(server.url)
    await connection.execute(f"CREATE DATABASE {TEMPLATE}")
    await connection.close()
    url = _database_at(server.url, TEMPLATE)
    await migrate.upgrade(url, clock.now())
    connection = await asyncpg.connect(url)
    await connection.execute(TRIGGERS)
    await connection.close()


async def make_database(server: Server, name: str) -> str:
    """Make a scenario's own database; return its URL."""
    connection = await asyncpg.connect(server.url)
    name = _database_name(name)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    await connection.close()
    return _database_at(server.url, name)


def _database_name(scenario: str) -> str:
    return scenario.replace("-", "_")


def _database_at(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
