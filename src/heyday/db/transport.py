"""Carry batches in PostgreSQL, where there is no RabbitMQ."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from heyday.db import queries
from heyday.db.connection import Database
from heyday.db.notifications import BATCHES, Announcements, first_of
from heyday.domain.errors import DatabaseError, TransportError
from heyday.domain.models import Batch
from heyday.domain.ports import Clock
from heyday.telemetry.traces import sane

_QUERIES = queries.load("transport")


@dataclass(frozen=True, slots=True)
class TransportConfig:
    """Set the rhythm of the queue.

    lead: how long before its instant a batch shows to workers.   redeliver_after: how long after
    it was taken a batch that nobody acknowledged shows again.   poll: the pause between two looks
    when nothing is announced.   delivery_limit: how often a batch is delivered before it is set
    aside.
    """

    lead: timedelta = timedelta(seconds=5)
    redeliver_after: timedelta = timedelta(seconds=155)
    poll: timedelta = timedelta(seconds=1)
    delivery_limit: int = 20


class PostgresTransport:
    """Keep batches in `queue_batches`: at least once, most urgent first."""

    def __init__(
        self,
        database: Database,
        announcements: Announcements,
        clock: Clock,
        config: TransportConfig,
    ) -> None:
        self._database = database
        self._announced = announcements.event(BATCHES)
        self._clock = clock
        self._config = config
        self._in_doubt: list[datetime] = []

    async def publish(self, batches: Sequence[Batch]) -> None:
        """Hand batches over, all or none. Raises TransportError if that is not sure."""
        lead = self._config.lead
        rows = [
            (b.id, b.due_at, b.first_at, b.last_at, b.message_ids, b.due_at - lead, b.traceparent)
            for b in batches
        ]
        try:
            async with self._database.connection() as connection, connection.transaction():
                await connection.executemany(_QUERIES["publish"].text, rows)
                await connection.execute(_QUERIES["announce"].text)
        except DatabaseError as error:
            raise TransportError("batches may not have reached the queue in PostgreSQL") from error

    async def deliveries(self) -> AsyncGenerator["PostgresDelivery", None]:
        """Yield batches shortly before they are due, for ever.

        One at a time: what is taken ahead and then not used would be late by redelivery.
        """
        while True:
            self._announced.clear()
            if batch := await self._take_or_give_back():
                yield PostgresDelivery(self, batch)
            else:
                await first_of(self._announced, self._clock, self._clock.now() + self._config.poll)

    async def count_waiting(self) -> int:
        """Return how many batches workers could take now and have not. Raises TransportError."""
        try:
            async with self._database.connection() as connection:
                waiting: int = await connection.fetchval(
                    _QUERIES["count_waiting"].text, self._clock.now(), self._config.delivery_limit
                )
        except DatabaseError as error:
            raise TransportError("the queue in PostgreSQL cannot be counted") from error
        return waiting

    async def is_new(self) -> bool:
        """Tell that it is the same as ever: it is lost with the greetings alone."""
        return False

    async def mark(self) -> None:
        """Do nothing: there is but one."""

    async def ack(self, batch: Batch) -> None:
        """Take a batch off the queue for good."""
        async with self._database.connection() as connection:
            await connection.execute(_QUERIES["ack"].text, batch.id)

    async def release(self, batch: Batch) -> None:
        """Give a batch back at once, and say so."""
        async with self._database.connection() as connection:
            await connection.execute(_QUERIES["release"].text, batch.id, self._clock.now())
            await connection.execute(_QUERIES["announce"].text)

    async def _take_or_give_back(self) -> Batch | None:
        """Take a batch; whoever is stopped meanwhile must not keep it until it is redelivered."""
        taking = asyncio.ensure_future(self._take())
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            with contextlib.suppress(DatabaseError):
                if batch := await taking:
                    await self.release(batch)
            raise

    async def _take(self) -> Batch | None:
        """Take a batch. One whose answer is lost is nobody's: the next look frees it.

        To the microsecond, the instant at which it shows again tells one take from all others.
        """
        await self._give_back()
        now = self._clock.now()
        shows_again_at = now + self._config.redeliver_after
        try:
            async with self._database.connection() as connection:
                row = await connection.fetchrow(
                    _QUERIES["take"].text, now, shows_again_at, self._config.delivery_limit
                )
        except DatabaseError:
            self._in_doubt.append(shows_again_at)
            raise
        return batch_of(row) if row else None

    async def _give_back(self) -> None:
        if self._in_doubt:
            async with self._database.connection() as connection:
                await connection.execute(
                    _QUERIES["give_back"].text, self._clock.now(), self._in_doubt
                )
            self._in_doubt.clear()


@dataclass(frozen=True, slots=True)
class PostgresDelivery:
    """Hold a batch that was taken and not yet acknowledged."""

    transport: PostgresTransport
    batch: Batch

    async def ack(self) -> None:
        """Take the batch off the queue for good."""
        await self.transport.ack(self.batch)

    async def release(self) -> None:
        """Give the batch back, to be delivered again at once."""
        await self.transport.release(self.batch)


def batch_of(row: asyncpg.Record) -> Batch:
    """Return the batch in a row of `queue_batches`."""
    return Batch(
        id=row["id"],
        due_at=row["due_at"],
        first_at=row["first_at"],
        last_at=row["last_at"],
        message_ids=tuple(row["message_ids"]),
        traceparent=sane(row["traceparent"]),
    )
