"""Greet with PgQueuer: jobs with a time, PostgreSQL, one event loop a process."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg
from pgqueuer import PgQueuer, Queries
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Context, Job

from benchmarks.peers.programs import place

_BATCH = 1_000
_NAME = "greet"


@asynccontextmanager
async def create() -> AsyncIterator[PgQueuer]:
    """Make a worker, as `pgq run` asks for one."""
    connection = await asyncpg.connect(place.SERVER)
    posting = place.AsyncPosting()
    worker = PgQueuer(AsyncpgDriver(connection), resources={"posting": posting})

    @worker.entrypoint(_NAME, accepts_context=True)
    async def greet(job: Job, context: Context) -> None:
        await context.resources["posting"].post(**json.loads(job.payload))

    try:
        yield worker
    finally:
        await posting.close()
        await connection.close()


def enqueue(many: int, due_at: datetime) -> None:
    """Enqueue jobs in batches."""
    asyncio.run(_enqueue(many, due_at))


async def _enqueue(many: int, due_at: datetime) -> None:
    connection = await asyncpg.connect(place.SERVER)
    queries = Queries(AsyncpgDriver(connection))
    for first in range(0, many, _BATCH):
        batch = place.greetings(first, min(first + _BATCH, many))
        payloads = [json.dumps(greeting._asdict()).encode() for greeting in batch]
        size = len(payloads)
        await queries.enqueue([_NAME] * size, payloads, [0] * size, [place.until(due_at)] * size)
    await connection.close()
