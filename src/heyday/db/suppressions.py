"""Keep addresses that want no greetings in `suppressions`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from heyday.db import queries
from heyday.db.types import PooledConnection
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.sealing import Seals
from heyday.domain.suppressions import Reason

_QUERIES = queries.load("suppressions")


@dataclass(frozen=True, slots=True)
class Entry:
    """Say which address is to be put there, for one message type or (None) for all, and why."""

    address: str
    message_type: str | None
    reason: Reason


class SuppressionRepository:
    """Write the list over one connection. Addresses themselves are not kept.

    message_type: the name of one, or None for all.
    """

    def __init__(self, connection: PooledConnection, seals: Seals) -> None:
        self._connection = connection
        self._seals = seals

    def digests(self, address: str) -> Sequence[bytes]:
        """Return what may stand for an address on the list."""
        return self._seals.digests(address)

    async def add(
        self, address: str, message_type: str | None, reason: Reason, now: datetime
    ) -> None:
        """Put an address on the list."""
        if digest := self._seals.digest(address):
            query = _QUERIES["add"].text
            await self._connection.execute(query, digest, message_type, reason.value, now)

    async def add_many(self, entries: Collection[Entry], now: datetime) -> None:
        """Put addresses on the list, in an order in which two that do so never deadlock."""
        given = [(self._seals.digest(e.address), e.message_type, e.reason.value) for e in entries]
        sealed = sorted((d, t or "", r) for d, t, r in given if d)
        if sealed:
            digests, types, reasons = map(list, zip(*sealed, strict=True))
            ranks = [str(reason) for reason in Reason]
            query = _QUERIES["add_many"].text
            await self._connection.execute(query, digests, types, reasons, now, ranks)

    async def remove(self, address: str, message_type: str | None) -> None:
        """Take an address off the list."""
        digests = self.digests(address)
        if message_type is None:
            await self._connection.execute(_QUERIES["remove"].text, digests)
            return
        others = [t.name for t in MESSAGE_TYPES if t.name != message_type]
        query = _QUERIES["remove_type"].text
        await self._connection.execute(query, digests, message_type, others)
