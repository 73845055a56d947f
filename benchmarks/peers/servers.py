"""PostgreSQL or RabbitMQ, of one run of a peer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from heyday.db.connection import connect
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.db.embedded.postmaster import find_postmaster
from tests.rabbitmq import RabbitServer


@dataclass(frozen=True, slots=True)
class Database:
    """Hold a PostgreSQL of Heyday's own kind, where every commit is on the disk.

    left: how many jobs are not done, in SQL.
    """

    url: str
    pid: int
    left: str

    async def count(self) -> int:
        """Return how many jobs are not done."""
        connection = await connect(self.url)
        try:
            return int(await connection.fetchval(self.left))
        finally:
            await connection.close()


@contextlib.asynccontextmanager
async def database(folder: Path, left: str) -> AsyncIterator[Database]:
    """Lend a new PostgreSQL."""
    async with EmbeddedServer(EmbeddedConfig(home=folder)) as url:
        postmaster = find_postmaster(folder / "postgres" / "data")
        if postmaster is None:
            raise RuntimeError(f"PostgreSQL in {folder} ended at once")
        yield Database(url, postmaster.pid, left)


@dataclass(frozen=True, slots=True)
class Broker:
    """Hold one node of RabbitMQ."""

    server: RabbitServer

    @property
    def pid(self) -> int:
        """Return the process that has the node below it."""
        return self.server.pid

    @property
    def url(self) -> str:
        """Return what programs connect to."""
        return self.server.url

    async def count(self) -> int:
        """Return how many messages its queues have, with those that workers hold."""
        words = ("--quiet", "list_queues", "--no-table-headers", "messages")
        said = await asyncio.to_thread(self.server.control, *words)
        return sum(map(int, said.split()))


@contextlib.asynccontextmanager
async def broker(folder: Path) -> AsyncIterator[Broker]:
    """Lend a new RabbitMQ."""
    server = RabbitServer(folder / "rabbitmq")
    try:
        await asyncio.to_thread(server.start)
        yield Broker(server)
    finally:
        await asyncio.to_thread(server.close)
