"""Set up what an outage is to hit: Heyday's processes, servers of their own, people all along."""

import asyncio
import contextlib
import csv
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from heyday.clock import SystemClock
from heyday.queue.config import QueueConfig
from heyday.queue.transport import QueueTransport
from tests.chaos import clock
from tests.chaos.people import COLUMNS, Expected, Person
from tests.chaos.processes import ROOT, Nursery, Process, open_nursery
from tests.chaos.server import Server, open_server
from tests.chaos.witness import Witness, open_witness
from tests.provider import Provider
from tests.rabbitmq import RabbitServer, free_port

_LATENCY = 0.03
# From the making of people to the first greeting: imported, planned and queued by then.
_LEAD = timedelta(seconds=25)
_WORKERS = 2


class SetupFailed(Exception):
    """Say which step of the preparation did not do what it was to."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Hold people of one zone, whose birthday is there today, and over which time they are greeted.

    on: the date there.   begins_at: when the first may be greeted.
    """

    zone: str
    on: date
    begins_at: datetime
    lasts: timedelta
    people: Sequence[Person]

    @property
    def settings(self) -> Mapping[str, str]:
        """Return what makes Heyday greet them then."""
        local = self.begins_at + timedelta(hours=_hours_ahead(self.begins_at))
        seconds = f"{self.lasts.total_seconds():.0f}s"
        return {"SEND_TIME": f"{local:%H:%M:%S}", "HEYDAY_SPREAD": seconds}

    def expect(self, ids: Mapping[str, object]) -> list[Expected]:
        """Return what each is to get; the instant is reckoned as docs/adr/0046 says."""
        seconds = int(self.lasts.total_seconds())
        expected = []
        for person in self.people:
            key = f"{ids[person.email]}:BIRTHDAY:{self.on}"
            drawn = int(hashlib.sha256(key.encode()).hexdigest()[:8], 16)
            at = self.begins_at + timedelta(seconds=drawn * seconds >> 32)
            text = f"Hey, {person.first_name} {person.last_name} it's your birthday"
            expected.append(Expected(person.email, "BIRTHDAY", self.on, at, text))
        return expected


def make_crowd(count: int, lasts: timedelta) -> Crowd:
    """Make so many people, to be greeted one by one from soon on, where it is nine now."""
    begins_at = (clock.now() + _LEAD).replace(microsecond=0)
    hours = _hours_ahead(begins_at)
    zone, on = f"Etc/GMT{-hours:+d}", (begins_at + timedelta(hours=hours)).date()
    born = on.replace(year=1988)
    people = [
        Person("Ada", f"Drill {n}", f"drill.{n}@example.com", zone, born)
        for n in range(1, count + 1)
    ]
    return Crowd(zone, on, begins_at, lasts, people)


def _hours_ahead(at: datetime) -> int:
    """Return by how many hours a zone is ahead of UTC where the clock shows nine and some minutes.

    So there is a morning to spread greetings over, whenever this is run.
    """
    return (9 - at.hour + 12) % 24 - 12


@dataclass
class World:
    """Hold the parts. ports: where metrics are, by the kind of process: a kind may have several."""

    folder: Path
    server: Server
    broker: RabbitServer
    provider: Provider
    nursery: Nursery
    crowd: Crowd
    settings: Mapping[str, str]
    witness: Witness
    queue: QueueTransport
    ports: list[tuple[str, int]] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)

    @property
    def provider_log(self) -> Path:
        return self.folder / "provider.jsonl"

    async def command(self, *words: str) -> str:
        """Run a command of the preparation; return what it said. Raises SetupFailed."""
        name = "-".join(words[:2])
        status, text = await self.nursery.run(
            name, *words, settings=self.settings, folder=self.folder
        )
        if status:
            raise SetupFailed(f"heyday {' '.join(words)} ended with status {status}: {text[-800:]}")
        return text

    async def run_line(self, line: str) -> int:
        """Run a line as an operator's shell would, in a checkout; return its status."""
        with (self.folder / "commands.log").open("ab") as log:
            log.write(f"$ {line}\n".encode())
            log.flush()
            process = await asyncio.create_subprocess_exec(
                *("/bin/sh", "-c", line),
                cwd=self.folder,
                env={**self.nursery.environment, **self.settings, "COLUMNS": "100"},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            return await process.wait()

    async def start_all(self) -> None:
        """Start the processes that stay, and return when each is at work."""
        await self._start("scheduler", "scheduler")
        for number in range(1, _WORKERS + 1):
            await self._start(f"worker-{number}", "worker")
        await self._start("api", "api")
        for process in self.processes:
            await process.until_started()
            if not process.is_alive:
                raise SetupFailed(f"{process.name} ended: {process.log.read_text()[-800:]}")

    async def _start(self, name: str, role: str) -> None:
        self.ports.append((role, port := free_port()))
        settings = {**self.settings, "HEYDAY_METRICS_PORT": str(port), "PORT": str(free_port())}
        process = await self.nursery.start(name, role, settings=settings, folder=self.folder)
        self.processes.append(process)

    async def import_people(self) -> None:
        """Bring everybody in, as a company does."""
        with (self.folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            rows.writerows(person.cells for person in self.crowd.people)
        await self.command("users", "import", "people.csv")

    async def count_batches(self) -> int:
        """Return how many batches wait in RabbitMQ, those that workers have in hand not counted."""
        return await self.queue.count_waiting()

    async def count_waiting(self) -> int:
        """Return how many greetings should have left some seconds ago."""
        query = (
            "SELECT count(*) FROM message_logs"
            " WHERE status IN ('SCHEDULED', 'QUEUED', 'SENDING', 'RETRYING')"
            " AND scheduled_send_time < now() - interval '10 seconds'"
        )
        return int(await self.witness.value(query))

    async def count_due(self, start: datetime, end: datetime) -> int:
        """Return how many greetings fell due in between."""
        query = (
            "SELECT count(*) FROM message_logs"
            " WHERE scheduled_send_time >= $1 AND scheduled_send_time < $2"
        )
        return int(await self.witness.value(query, start, end))


@contextlib.asynccontextmanager
async def open_world(
    folder: Path, count: int, lasts: timedelta, settings: Mapping[str, str]
) -> AsyncIterator[World]:
    """Lend a world with its processes at work and its people planned. Raises SetupFailed.

    count: people.   lasts: over which time they are greeted.   settings: over Heyday's defaults.
    """
    (folder / ".venv").symlink_to(ROOT / ".venv")
    async with AsyncExitStack() as stack:
        broker = RabbitServer(folder / "rabbitmq")
        stack.push_async_callback(asyncio.to_thread, broker.close)
        await asyncio.to_thread(broker.start)
        server = await stack.enter_async_context(open_server(folder))
        nursery = await stack.enter_async_context(open_nursery())
        log = stack.enter_context((folder / "provider.jsonl").open("a", buffering=1))
        provider = await stack.enter_async_context(Provider(log=log, latency=_LATENCY))
        crowd = make_crowd(count, lasts)
        given = {
            "DATABASE_URL": server.url,
            "RABBITMQ_URL": broker.url,
            "EMAIL_SERVICE_URL": provider.url,
            "HEYDAY_LOG_FORMAT": "json",
            **crowd.settings,
            **settings,
        }
        witness = await stack.enter_async_context(open_witness(server.url))
        queue = QueueTransport(QueueConfig([broker.url]), SystemClock())
        stack.push_async_callback(queue.close)
        world = World(folder, server, broker, provider, nursery, crowd, given, witness, queue)
        await world.command("db", "migrate")
        await world.import_people()
        await world.start_all()
        yield world
