"""Claim batches, every other one read ahead: `python -m benchmarks.reading_ahead`.

PostgreSQL has less memory than people take, as where there are very many of them, so that a claim
has to read those whom it greets.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from benchmarks.ground import Place, open_ground
from benchmarks.instant import new_folder
from heyday.db.message_logs import MessageLogRepository
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.models import Batch, ClaimRules
from tests.chaos import clock

if TYPE_CHECKING:
    from heyday.db.types import PooledConnection

_MEMORY = {"shared_buffers": "16MB"}
_BATCH = 500
_LEASE = timedelta(minutes=1)
_DAY = timedelta(days=1)


async def measure(people: int, folder: Path) -> dict[bool, list[float]]:
    """Return how long claims took, in ms, without and with being read ahead."""
    async with open_ground(folder, _MEMORY) as ground:
        await ground.bring(people, Place.at_noon(clock.now()))
        settings = {"DATABASE_URL": ground.url, "EMAIL_SERVICE_URL": "http://127.0.0.1:9"}
        if (planned := await ground.plan(settings)) != people:
            raise RuntimeError(f"{planned:,} greetings were planned, not {people:,}")
        messages = MessageLogRepository(cast("PooledConnection", ground.connection))
        batches, rules = await _queue(messages, people)
        await ground.settle()
        taken: dict[bool, list[float]] = {False: [], True: []}
        for number, batch in enumerate(batches):
            if is_ahead := bool(number % 2):
                await messages.read_ahead(batch)
            began = time.perf_counter()
            async with ground.connection.transaction():
                claim = await messages.claim(batch, batch.due_at, rules, _LEASE)
            taken[is_ahead].append((time.perf_counter() - began) * 1_000)
            if len(claim.messages) != len(batch.message_ids):
                raise RuntimeError(f"{len(claim.messages)} of a batch were claimed")
        return taken


async def _queue(messages: MessageLogRepository, people: int) -> tuple[list[Batch], ClaimRules]:
    now = clock.now()
    rules = ClaimRules((now - _DAY,) * len(MESSAGE_TYPES), (_DAY,) * len(MESSAGE_TYPES))
    due = await messages.enqueue_due(now, now + 2 * _DAY, rules, people)
    batches = []
    for at in range(0, len(due), _BATCH):
        some = due[at : at + _BATCH]
        first, last = some[0].scheduled_send_at, some[-1].scheduled_send_at
        batches.append(Batch(uuid4(), last, first, last, tuple(row.id for row in some)))
    return batches, rules


def tell(taken: Mapping[bool, Sequence[float]]) -> str:
    """Return what was found, for people."""
    lines = []
    for is_ahead, times in taken.items():
        low, middle, high = statistics.quantiles(times, n=4)
        how = "read ahead" if is_ahead else "as it is"
        lines.append(f"{how}: {middle:.1f} ms ({low:.1f} to {high:.1f}), {len(times)} claims")
    return "\n".join(lines)


def main() -> None:
    """Measure once, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--people", type=int, default=300_000, help="due at one instant")
    options = parser.parse_args()
    with new_folder() as folder:
        print(tell(asyncio.run(measure(options.people, folder / "ground"))))


if __name__ == "__main__":
    main()
