"""Look whether the database was restored, and bring it up to a ledger of sends."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from heyday.db import queries
from heyday.db.connection import Database
from heyday.db.types import PooledConnection
from heyday.domain.idempotency import IdempotencyService
from heyday.domain.send_ports import (
    Comparison,
    Evidence,
    Hold,
    Replayed,
    RestoreLook,
    SeenRun,
)
from heyday.domain.sends import NotedSend

_QUERIES = queries.load("restores")
_AROUND = {"around": "interval '7 days'"}
_CHUNK = 1000
_KEYS = IdempotencyService()


def statement(name: str) -> str:
    """Return a statement with its places filled."""
    found = _QUERIES["found"].fill(_AROUND)
    return _QUERIES[name].fill({**_AROUND, "found": found})


class RestoreRepository:
    """Run the statements of db/sql/restores.sql (send_ports.RestoreStore)."""

    def __init__(self, database: Database, tzdb_version: str) -> None:
        self._database = database
        self._tzdb_version = tzdb_version

    async def look(self, evidence: Evidence) -> RestoreLook:
        """Look once. Raises DatabaseError."""
        claims, run = evidence.claims, evidence.run
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                statement("look"),
                evidence.claimed_at,
                [claim.key for claim in claims],
                [claim.due_at for claim in claims],
                [claim.epoch for claim in claims],
                evidence.run_at,
                run.id if run else None,
                run.started_at if run else None,
            )
        assert row is not None  # noqa: S101 - `last` has one row
        return RestoreLook(
            hold=Hold(row["found_at"], row["reason"], row["back_to"]) if row["found_at"] else None,
            lacks_claims=row["lacks_claims"],
            lacks_run=row["lacks_run"],
            newest_run=SeenRun(row["run_id"], row["run_started_at"]) if row["run_id"] else None,
        )

    async def hold(self, at: datetime, reason: str) -> bool:
        """Hold everything, unless it is; tell whether it was not."""
        async with self._database.connection() as connection:
            held = await connection.fetchval(_QUERIES["hold"].text, at, reason)
        return held is not None

    async def resume(self, at: datetime) -> bool:
        """End the hold; tell whether there was one."""
        async with self._database.connection() as connection:
            ended = await connection.fetchval(_QUERIES["resume"].text, at)
        return ended is not None

    async def compare(self, sends: Mapping[str, NotedSend]) -> Comparison:
        """Count these by what is here of them. Changes nothing."""
        total = Comparison()
        for columns in _chunks(sends):
            async with self._database.connection() as connection:
                row = await connection.fetchrow(statement("compare"), *columns)
            total += Comparison(**dict(row or {}))
        return total

    async def replay(self, sends: Mapping[str, NotedSend]) -> Replayed:
        """Bring these into the database, some at a time. Once more changes nothing more."""
        settled = added = doubtful = 0
        for columns in _chunks(sends):

            async def work(
                connection: PooledConnection, columns: Sequence[Sequence[object]] = columns
            ) -> tuple[int, int, int]:
                return (
                    await connection.fetchval(statement("settle"), *columns),
                    await connection.fetchval(statement("add"), *columns, self._tzdb_version),
                    await connection.fetchval(statement("doubt"), *columns),
                )

            counts = await self._database.transact(work)
            settled, added, doubtful = (
                total + count
                for total, count in zip((settled, added, doubtful), counts, strict=True)
            )
        return Replayed(settled, added, doubtful)


def _chunks(sends: Mapping[str, NotedSend]) -> Iterator[Sequence[Sequence[object]]]:
    """Yield the columns of `found`, for some sends at a time, by key: replays lock alike."""
    wanted = [(key, each) for key, each in sends.items() if each.accepted_at or each.is_in_doubt]
    wanted.sort(key=lambda noted: noted[0])
    left = iter(wanted)
    while some := list(islice(left, _CHUNK)):
        yield [list(column) for column in zip(*map(_values, some), strict=True)]


def _values(noted: tuple[str, NotedSend]) -> tuple[object, ...]:
    key, send = noted
    parts = _KEYS.parse(key)
    return (
        key,
        parts.user_id,
        parts.message_type,
        parts.delivery_on,
        send.due_at,
        send.sender,
        send.accepted_at,
        min(send.doubts, 1000),
        send.in_doubt_since,
    )
