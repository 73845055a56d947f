"""Keep the replies of writes, each in the transaction of its write."""

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import asyncpg

from heyday.db import queries
from heyday.db.connection import Database
from heyday.db.types import PooledConnection
from heyday.domain.errors import DatabaseUnavailable, KeyInUse, KeyReused
from heyday.domain.replies import KeptReply, ReplyKey

_QUERIES = queries.load("replies")
PATIENCE = timedelta(seconds=10)
"""How long a repeated request waits for the first one, which is still under way."""
_REUSED = (
    "this Idempotency-Key was used for another request; "
    "take a new one for each new request, and repeat one unchanged"
)


class PostgresWrite:
    """Be one write under way (domain/replies.py)."""

    def __init__(self, stack: AsyncExitStack, connection: PooledConnection, key: ReplyKey) -> None:
        self._stack = stack
        self._connection = connection
        self._key = key

    async def commit(self, reply: KeptReply) -> None:
        """Keep the reply, and make it and all that was done last."""
        stack = self._stack.pop_all()
        async with stack:
            await self._connection.execute(
                _QUERIES["keep"].text,
                self._key.key_id,
                self._key.text,
                reply.status,
                json.dumps(reply.headers),
                reply.body,
                list(reply.subject_ids),
            )

    async def abandon(self) -> None:
        """Undo all of it, and forget the key. Does nothing after the end."""
        await _undo(self._stack.pop_all())


class ReplyRepository:
    """Keep replies by key (domain/replies.py).

    at_once: how many writes of this process may be under way with a key. Each holds a connection,
    also while it waits for its twin; some of the pool is always left for all other work.
    """

    def __init__(
        self, database: Database, at_once: int = 10, patience: timedelta = PATIENCE
    ) -> None:
        self._database = database
        self._patience = patience
        self._free = asyncio.Semaphore(at_once)

    async def begin(
        self, key: ReplyKey, fingerprint: bytes, now: datetime, expired_before: datetime
    ) -> PostgresWrite | KeptReply:
        """Begin the write that a key names, or return the reply that it had.

        Raises KeyReused, KeyInUse, DatabaseUnavailable, DatabaseError.
        """
        stack = AsyncExitStack()
        try:
            await self._wait_for_room(stack)
            connection = await stack.enter_async_context(self._database.around())
            if await self._take(connection, key, fingerprint, now, expired_before):
                return PostgresWrite(stack.pop_all(), connection, key)
            row = await connection.fetchrow(_QUERIES["find"].text, key.key_id, key.text)
        finally:
            # Where the write goes on, nothing is left on this one.
            await _undo(stack)
        return _kept(row, fingerprint)

    async def forget(self, expired_before: datetime, limit: int) -> int:
        """Drop up to `limit` replies that were kept before an instant; return how many."""
        async with self._database.connection() as connection:
            tag = await connection.execute(_QUERIES["forget"].text, expired_before, limit)
        return int(tag.removeprefix("DELETE "))

    async def _wait_for_room(self, stack: AsyncExitStack) -> None:
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await self._free.acquire()
        except TimeoutError:
            raise DatabaseUnavailable("too many writes are under way; try again") from None
        stack.callback(self._free.release)

    async def _take(
        self,
        connection: PooledConnection,
        key: ReplyKey,
        fingerprint: bytes,
        now: datetime,
        expired_before: datetime,
    ) -> bool:
        """Take the key; tell whether it was free. Raises KeyInUse."""
        patience = f"{self._patience // timedelta(milliseconds=1)}ms"
        values = key.key_id, key.text, fingerprint, now, expired_before, patience
        try:
            return await connection.fetchrow(_QUERIES["begin"].text, *values) is not None
        except asyncpg.LockNotAvailableError:
            raise KeyInUse from None


class _Undone(Exception):
    """Tell a transaction to roll back."""


async def _undo(stack: AsyncExitStack) -> None:
    undone = _Undone()
    try:
        await stack.__aexit__(_Undone, undone, None)
    except _Undone:
        return


def _kept(row: asyncpg.Record | None, fingerprint: bytes) -> KeptReply:
    """Return a reply that was found. Raises KeyReused, KeyInUse."""
    if row is None:
        # It was there a moment ago: erasure, or age, has just removed it.
        raise KeyInUse
    if row["fingerprint"] != fingerprint:
        raise KeyReused(_REUSED)
    headers = tuple((name, value) for name, value in json.loads(row["headers"]))
    return KeptReply(row["status"], headers, row["body"], tuple(row["subject_ids"]))
