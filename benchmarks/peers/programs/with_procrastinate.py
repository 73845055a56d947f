"""Greet with Procrastinate: jobs with a time, PostgreSQL, one event loop a process."""

from datetime import datetime
from functools import cache

import procrastinate

from benchmarks.peers.programs import place

_BATCH = 1_000
# One for each job under way, and one more.
_POOL = 21

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=place.SERVER, min_size=4, max_size=_POOL)
)
_posting = cache(place.AsyncPosting)


@app.task
async def greet(email: str, message: str, key: str) -> None:
    """Greet one person."""
    await _posting().post(email, message, key)


def enqueue(many: int, due_at: datetime) -> None:
    """Defer jobs in batches."""
    with app.open():
        deferrer = greet.configure(schedule_at=due_at)
        for first in range(0, many, _BATCH):
            batch = place.greetings(first, min(first + _BATCH, many))
            deferrer.batch_defer(*(greeting._asdict() for greeting in batch))
