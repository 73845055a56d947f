"""Measure the queue in PostgreSQL, and look at what it has set aside."""

from collections.abc import Collection
from uuid import UUID

from heyday.db import queries
from heyday.db.connection import Database
from heyday.db.transport import TransportConfig, batch_of
from heyday.domain.ports import Clock
from heyday.domain.queue_ports import DeadBatch, QueueDepth, TransportName

_QUERIES = queries.load("transport")


class PostgresDeadLetters:
    """Read and free batches that were delivered too often; `queue_batches` keeps them."""

    def __init__(self, database: Database, clock: Clock, config: TransportConfig) -> None:
        self._database = database
        self._clock = clock
        self._limit = config.delivery_limit

    async def measure(self) -> QueueDepth:
        """Return how much there is. Nobody notes who asks for batches."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                _QUERIES["measure"].text, self._clock.now(), self._limit
            )
        assert row is not None  # noqa: S101 - a count always answers
        return QueueDepth(TransportName.POSTGRESQL, row["waiting"], None, row["dead"])

    async def list_dead(self, limit: int) -> list[DeadBatch]:
        """Return up to so many, the oldest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                _QUERIES["list_dead"].text, self._clock.now(), self._limit, limit
            )
        return [
            DeadBatch(
                id=str(row["id"]),
                reason=f"delivered {row['delivery_count']} times",
                batch=batch_of(row),
                died_at=row["visible_at"],
            )
            for row in rows
        ]

    async def replay(self, ids: Collection[str] | None) -> int:
        """Have these, or all, delivered again; return how many there were."""
        async with self._database.connection() as connection, connection.transaction():
            rows = await connection.fetch(
                _QUERIES["replay"].text, self._clock.now(), self._limit, _uuids(ids)
            )
            await connection.execute(_QUERIES["announce"].text)
        return len(rows)

    async def purge(self, ids: Collection[str] | None) -> int:
        """Delete these, or all, for good; return how many there were."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                _QUERIES["purge"].text, self._clock.now(), self._limit, _uuids(ids)
            )
        return len(rows)


def _uuids(ids: Collection[str] | None) -> list[UUID] | None:
    """Return what can be a batch's id; None for all."""
    if ids is None:
        return None
    found = []
    for given in ids:
        try:
            found.append(UUID(given))
        except ValueError:
            continue
    return found
