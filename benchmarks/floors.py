"""Measure what Heyday's figures are held against: `python -m benchmarks.floors`.

* a bare client: aiohttp alone, one process for each core, posting to the same stub;
* a bare queue: a table with a primary key, of which batches are claimed and completed;
* a bare publisher: ids in batches of 500 to a quorum queue of RabbitMQ, confirmed, where it is
  installed.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import aio_pika
import msgspec

from benchmarks import bare_client
from benchmarks.ground import Ground, open_ground
from benchmarks.instant import new_folder
from benchmarks.processes import Provider, cpu_seconds, environment, provider
from heyday.db.connection import connect
from tests.rabbitmq import RabbitServer, is_installed

GREETINGS = 100_000
_CLIENTS = 2
_BATCH = 500
_WINDOW = 64
_MAKE = """
CREATE TABLE floor (id bigint PRIMARY KEY, status smallint NOT NULL, epoch integer NOT NULL,
                    email text NOT NULL, message text NOT NULL);
"""
_FILL = """
INSERT INTO floor
SELECT n, 0, 0, 'person-' || n || '@example.com', 'Hey, Ada Number ' || n || ' it''s your birthday'
FROM generate_series(1, $1::bigint) AS n
"""
_CLAIM = """
UPDATE floor SET status = 1, epoch = epoch + 1
WHERE id BETWEEN $1 AND $2 AND status = 0 RETURNING id, epoch, email, message
"""
_COMPLETE = """
UPDATE floor f SET status = 2
FROM unnest($1::bigint[], $2::integer[]) AS o (id, epoch)
WHERE f.id = o.id AND f.epoch = o.epoch AND f.status = 1
"""


@dataclass(frozen=True, slots=True)
class Floor:
    """Hold how fast something bare is. cpu: seconds a million, of all that it needs."""

    rate: float
    cpu: float

    @classmethod
    def of(cls, greetings: int, seconds: float, cpu: float) -> "Floor":
        """Return what so many greetings, within so many seconds and of CPU, come to."""
        return cls(round(greetings / seconds, 1), round(cpu / greetings * 1e6, 1))


@dataclass(frozen=True, slots=True)
class Figures:
    """Hold what one run found. publisher: None where there is no RabbitMQ."""

    client: Floor
    queue: Floor
    publisher: Floor | None


async def measure(greetings: int, folder: Path) -> Figures:
    """Measure each once, one after the other."""
    async with AsyncExitStack() as stack:
        stub = await stack.enter_async_context(provider(folder))
        client = await measure_client(greetings, stub, folder)
    async with open_ground(folder / "ground") as ground:
        queue = await measure_queue(greetings, ground)
    publisher = await measure_publisher(greetings, folder) if is_installed() else None
    return Figures(client, queue, publisher)


async def measure_client(
    greetings: int, stub: Provider, folder: Path, client: str = "aiohttp"
) -> Floor:
    """Post greetings to the stub. client: aiohttp or heyday. CPU time is that of clients alone."""
    share = greetings // _CLIENTS
    command = (sys.executable, "-m", bare_client.__name__, client, stub.url, str(share))
    clients = [
        await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=environment({}), stdout=asyncio.subprocess.PIPE
        )
        for _ in range(_CLIENTS)
    ]
    found = [json.loads((await client.communicate())[0]) for client in clients]
    rate = sum(share / each["seconds"] for each in found)
    cpu = sum(each["cpu"] for each in found)
    return Floor.of(share * _CLIENTS, share * _CLIENTS / rate, cpu)


async def measure_queue(greetings: int, ground: Ground) -> Floor:
    """Claim and complete batches over two connections; CPU time with that of PostgreSQL."""
    await ground.connection.execute(_MAKE)
    await ground.connection.execute(_FILL, greetings)
    await ground.connection.execute("VACUUM (ANALYZE) floor")
    await ground.connection.execute("CHECKPOINT")
    starts = iter(range(1, greetings + 1, _BATCH))
    pids = [os.getpid(), ground.server_pid]

    async def work() -> None:
        connection = await connect(ground.url)
        for start in starts:
            rows = await connection.fetch(_CLAIM, start, start + _BATCH - 1)
            ids, epochs = [row["id"] for row in rows], [row["epoch"] for row in rows]
            await connection.execute(_COMPLETE, ids, epochs)
        await connection.close()

    before, began = cpu_seconds(pids), time.perf_counter()
    await asyncio.gather(*(work() for _ in range(_CLIENTS)))
    seconds, cpu = time.perf_counter() - began, cpu_seconds(pids) - before
    left = await ground.connection.fetchval("SELECT count(*) FROM floor WHERE status <> 2")
    if left:
        raise RuntimeError(f"{left} rows of the floor were not completed")
    return Floor.of(greetings, seconds, cpu)


async def measure_publisher(greetings: int, folder: Path) -> Floor:
    """Publish ids in batches, each confirmed; CPU time with that of RabbitMQ."""
    node = RabbitServer(folder / "rabbitmq")
    await asyncio.to_thread(node.start)
    try:
        async with await aio_pika.connect(node.url) as connection:
            channel = await connection.channel()
            await channel.declare_queue("floor", durable=True, arguments={"x-queue-type": "quorum"})
            ids = [str(uuid4()) for _ in range(_BATCH)]
            body = msgspec.json.encode(ids)
            batches = iter(range(-(-greetings // _BATCH)))

            async def work() -> None:
                for _ in batches:
                    message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
                    await channel.default_exchange.publish(message, "floor")

            pids = [os.getpid(), node.pid]
            before, began = cpu_seconds(pids), time.perf_counter()
            await asyncio.gather(*(work() for _ in range(_WINDOW)))
            seconds, cpu = time.perf_counter() - began, cpu_seconds(pids) - before
    finally:
        await asyncio.to_thread(node.close)
    return Floor.of(greetings, seconds, cpu)


def tell(figures: Figures) -> str:
    """Return the figures of one run, for people."""
    floors = {"client": figures.client, "queue": figures.queue, "publisher": figures.publisher}
    return "\n".join(
        f"bare {name}: {floor.rate:,.0f}/s, {floor.cpu:,.0f} CPU s a million"
        if floor
        else f"bare {name}: none here"
        for name, floor in floors.items()
    )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Measure what Heyday's figures are held against.")
    parser.add_argument("--greetings", type=int, default=GREETINGS)
    options = parser.parse_args()
    with new_folder() as folder:
        print(tell(asyncio.run(measure(options.greetings, folder))))


if __name__ == "__main__":
    main()
