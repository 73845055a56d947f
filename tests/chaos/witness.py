"""Look into the database beside Heyday: what its rows say, and what triggers of our own saw."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from heyday.domain.errors import TransportError
from tests.chaos.waiting import wait_until

TRIGGERS = (Path(__file__).parent / "witness.sql").read_text("utf-8")
NAME = "chaos-witness"
_PATIENCE = 60.0
_PATIENCE_WITH_WORKERS = 120.0
# Rows that are due and that nobody has announced wait for the next minute, and may.
_PLANNED = 100
# What a broker that is away does not take is QUEUED all the same; more of it shows nothing more.
_QUEUED = 1000
_LIVE = "('SCHEDULED', 'QUEUED', 'SENDING', 'RETRYING')"

# A row leaves SENDING by the process whose claim gave it its epoch, and by no other.
_WRITES_OF_THE_WOKEN = """
SELECT w.message_id, w.process AS writer, c.process AS holder, w.old_epoch AS epoch, w.new_status
FROM chaos.moves w
JOIN LATERAL (
    SELECT process FROM chaos.moves c
    WHERE c.message_id = w.message_id AND c.new_status = 'SENDING' AND c.new_epoch = w.old_epoch
    ORDER BY c.id DESC LIMIT 1) AS c ON true
WHERE w.old_status = 'SENDING' AND w.new_status <> 'SENDING'
  AND w.process IS DISTINCT FROM c.process
"""
# Claims that committed after an edit with which the row no longer fits, by the order of commits.
_CLAIMS_AFTER_EDITS = """
SELECT m.message_id, m.user_id, m.process, m.timezone, e.timezone AS edited_timezone, e.is_away,
       pg_xact_commit_timestamp(m.xid::xid) AS claimed_at,
       pg_xact_commit_timestamp(e.xid::xid) AS edited_at
FROM chaos.moves m
JOIN LATERAL (
    SELECT * FROM chaos.edits e
    WHERE e.user_id = m.user_id
      AND pg_xact_commit_timestamp(e.xid::xid) < pg_xact_commit_timestamp(m.xid::xid)
    ORDER BY pg_xact_commit_timestamp(e.xid::xid) DESC LIMIT 1) AS e ON true
WHERE m.old_status <> 'SENDING' AND m.new_status = 'SENDING'
  AND (e.is_away OR e.timezone <> m.timezone OR e.birthday_date <> m.occasion_date)
"""
# When people were edited, beside the time of their greeting's first claim and of its end.
_EDITS_BY_MOMENT = """
SELECT CASE
    WHEN claimed_at IS NULL OR edited_at < claimed_at THEN 'edited before the claim'
    WHEN edited_at < ended_at THEN 'edited while being sent'
    ELSE 'edited after the end' END AS moment,
    count(*) AS edits
FROM (SELECT e.user_id, pg_xact_commit_timestamp(e.xid::xid) AS edited_at FROM chaos.edits e) AS e
LEFT JOIN (
    SELECT user_id,
           min(pg_xact_commit_timestamp(xid::xid)) FILTER (WHERE new_status = 'SENDING')
               AS claimed_at,
           max(pg_xact_commit_timestamp(xid::xid)) AS ended_at
    FROM chaos.moves GROUP BY user_id) AS m USING (user_id)
GROUP BY moment
"""
# What a process holds: rows whose epoch is that of its claim.
_HELD = """
SELECT m.id, m.epoch
FROM message_logs m
JOIN LATERAL (
    SELECT process FROM chaos.moves c
    WHERE c.message_id = m.id AND c.new_status = 'SENDING' AND c.new_epoch = m.epoch
    ORDER BY c.id DESC LIMIT 1) AS c ON true
WHERE m.status = 'SENDING' AND c.process = $1
"""


@dataclass(frozen=True, slots=True)
class Row:
    """Hold what is left of one greeting.

    ambiguous: how many of its attempts are noted as such.
    """

    message_id: UUID
    key: str
    user_id: UUID
    email: str
    message_type: str
    status: str
    send_at: datetime
    reason: str | None
    ambiguous: int


class Witness:
    """Ask the database; a connection that a fault took is replaced.

    count_waiting: tells how many batches wait where another transport has them.
    """

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        count_waiting: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        self._pool = pool
        self._count_waiting = count_waiting

    async def fetch(self, query: str, *values: object) -> list[asyncpg.Record]:
        """Run a query, again and again while faults are in the way."""

        async def look() -> list[list[asyncpg.Record]]:
            try:
                return [await self._pool.fetch(query, *values)]
            except (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError):
                return []
            except (asyncpg.CannotConnectNowError, asyncpg.OperatorInterventionError):
                return []

        (rows,) = await wait_until(look, _PATIENCE, "an answer of PostgreSQL")
        return rows

    async def value(self, query: str, *values: object) -> Any:
        """Return the one value of a query."""
        return (await self.fetch(query, *values))[0][0]

    async def is_hungry(self, batches: int = 0) -> bool:
        """Tell whether workers have little to do: so many batches to be had at the most."""
        if self._count_waiting is not None:
            return await self._is_hungry_beside(self._count_waiting, batches)
        return bool(
            await self.value(
                "SELECT (SELECT count(*) FROM queue_batches WHERE visible_at <= now()) <= $1"
                " AND (SELECT count(*) FROM message_logs"
                "      WHERE status = 'SCHEDULED' AND scheduled_send_time <= now()) <= $2",
                batches,
                _PLANNED,
            )
        )

    async def _is_hungry_beside(
        self, count_waiting: Callable[[], Awaitable[int]], batches: int
    ) -> bool:
        """Tell the same where RabbitMQ has the batches: none, while it cannot be asked."""
        try:
            waiting = await count_waiting()
        except TransportError:
            waiting = 0
        return waiting <= batches and bool(
            await self.value(
                "SELECT count(*) FILTER (WHERE status = 'SCHEDULED') <= $1 AND count(*) <= $2"
                " FROM message_logs"
                " WHERE status IN ('SCHEDULED', 'QUEUED') AND scheduled_send_time <= now()",
                _PLANNED,
                _QUEUED,
            )
        )

    async def until_hungry(self, batches: int) -> None:
        """Return once there are so many batches to be had at the most."""
        hungry = partial(self.is_hungry, batches)
        await wait_until(hungry, _PATIENCE_WITH_WORKERS, "room for more people")

    async def list_queued(self) -> list[UUID]:
        """Return the rows that wait for a worker."""
        query = "SELECT id FROM message_logs WHERE status = 'QUEUED'"
        return [row["id"] for row in await self.fetch(query)]

    async def count_live(self, rows: Sequence[UUID]) -> int:
        """Return how many of these rows are not at their end."""
        query = f"SELECT count(*) FROM message_logs WHERE id = ANY ($1) AND status IN {_LIVE}"  # noqa: S608 - a constant
        return int(await self.value(query, rows))

    async def map_creations(self) -> Mapping[str, datetime]:
        """Return when each greeting, by its key, became a row."""
        rows = await self.fetch("SELECT idempotency_key, created_at FROM message_logs")
        return {row["idempotency_key"]: row["created_at"] for row in rows}

    async def count_recoveries(self) -> int:
        """Return how often a scheduler has swept everything."""
        query = "SELECT count(*) FROM job_runs WHERE name = 'recovery' AND finished_at IS NOT NULL"
        return int(await self.value(query))

    async def count_to_come(self, expected: int) -> int:
        """Return how many of so many greetings have no row, or one that is due and not at its end.

        A row that an edit has moved to another time does not count.
        """
        query = (
            "SELECT greatest($1 - count(*), 0) + count(*) FILTER ("  # noqa: S608 - constants
            f" WHERE status IN {_LIVE} AND scheduled_send_time <= now()) FROM message_logs"
        )
        return int(await self.value(query, expected))

    async def list_rows(self) -> list[Row]:
        """Return every greeting, with its person's address."""
        rows = await self.fetch(
            "SELECT m.id, m.idempotency_key, m.user_id, u.email, m.message_type, m.status,"
            "       m.scheduled_send_time, m.error_message, count(a.id)"
            " FROM message_logs m JOIN users u ON u.id = m.user_id"
            " LEFT JOIN message_attempts a ON a.message_id = m.id AND a.outcome = 'ambiguous'"
            " GROUP BY m.id, m.scheduled_send_time, u.id"
        )
        return [Row(*row) for row in rows]

    async def list_held(self, process: str) -> Mapping[UUID, int]:
        """Return the rows that a process is sending, with their epochs."""
        return {row["id"]: row["epoch"] for row in await self.fetch(_HELD, process)}

    async def is_any_held(self, held: Mapping[UUID, int]) -> bool:
        """Tell whether any of these rows is still as it was."""
        return await self._is_any_sending(held, "=")

    async def is_any_sent_by_others(self, held: Mapping[UUID, int]) -> bool:
        """Tell whether any of these rows is being sent under a later claim."""
        return await self._is_any_sending(held, ">")

    async def _is_any_sending(self, held: Mapping[UUID, int], epoch: str) -> bool:
        query = (
            "SELECT count(*) FROM message_logs m"  # noqa: S608 - one of two signs
            " JOIN unnest($1::uuid[], $2::integer[]) AS h (id, epoch) ON h.id = m.id"
            f" AND m.epoch {epoch} h.epoch WHERE m.status = 'SENDING'"
        )
        return bool(await self.value(query, list(held), list(held.values())))

    async def map_people(self, emails: Sequence[str] | None = None) -> dict[str, UUID]:
        """Return the number of each address's person; of these addresses, or of all."""
        query = "SELECT email, id FROM users WHERE $1::text[] IS NULL OR email = ANY ($1)"
        if emails is not None:
            query = (
                "SELECT email, id FROM users WHERE lower(email) = ANY ($1) AND deleted_at IS NULL"
            )
            emails = [email.lower() for email in emails]
        return {row["email"]: row["id"] for row in await self.fetch(query, emails)}

    async def list_writes_of_the_woken(self) -> Sequence[asyncpg.Record]:
        return await self.fetch(_WRITES_OF_THE_WOKEN)

    async def count_edits(self) -> Mapping[str, int]:
        """Return how many edits fell before a claim, between it and the end, and after that."""
        return {row["moment"]: row["edits"] for row in await self.fetch(_EDITS_BY_MOMENT)}

    async def list_claims_after_edits(self) -> Sequence[asyncpg.Record]:
        return await self.fetch(_CLAIMS_AFTER_EDITS)


@asynccontextmanager
async def open_witness(
    url: str, count_waiting: Callable[[], Awaitable[int]] | None = None
) -> AsyncIterator[Witness]:
    """Lend a witness of a database."""
    settings = {"application_name": NAME, "timezone": "UTC"}
    pool = await asyncpg.create_pool(url, min_size=1, max_size=4, server_settings=settings)
    try:
        yield Witness(pool, count_waiting)
    finally:
        pool.terminate()
