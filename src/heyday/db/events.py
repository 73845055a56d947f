"""Keep what providers tell of greetings in `message_events`, and do what follows."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import asyncpg

from heyday.db import queries
from heyday.db.suppressions import Entry, SuppressionRepository
from heyday.db.types import PooledConnection
from heyday.db.users import statement as users_statement
from heyday.domain.addresses import fold_address
from heyday.domain.events import (
    Departure,
    EventKind,
    NotedEvent,
    ProviderEvent,
    Token,
    ToldEvent,
    Word,
)
from heyday.domain.sealing import NO_SEALS, Seals
from heyday.domain.transitions import Status

_QUERIES = queries.load("events")
# From midnight in UTC on the local date, no nine o'clock on it is further away in any zone.
_REACH = timedelta(days=2)


def statement(name: str) -> str:
    """Return a statement with its places filled."""
    return _QUERIES[name].fill({"word": _QUERIES["word"].text})


class EventRepository:
    """Run the statements of db/sql/events.sql over one connection (EventStore)."""

    def __init__(self, connection: PooledConnection, seals: Seals = NO_SEALS) -> None:
        self._connection = connection
        self._list = SuppressionRepository(connection, seals)

    async def use_token(self, token: Token, now: datetime) -> bool:
        """Note that a token is used; tell whether it may be: never before for another request."""
        values = token.id, token.request_id, now
        return await self._connection.fetchval(statement("use_token"), *values) is not None

    async def forget_tokens(self, before: datetime) -> int:
        """Forget tokens that were used before an instant; return how many."""
        count: int = await self._connection.fetchval(statement("forget_tokens"), before)
        return count

    async def note(
        self, provider: str, events: Sequence[ProviderEvent], now: datetime
    ) -> list[NotedEvent]:
        """Keep events of greetings that there are; return those that were not known."""
        given = {event.id: (event, key) for event in events if (key := event.greeting)}
        if not given:
            return []
        columns = zip(
            *(
                (
                    event.id,
                    event.key,
                    key.delivery_on,
                    _midnight(key.delivery_on) - _REACH,
                    _midnight(key.delivery_on) + _REACH,
                    event.kind.value,
                    event.at(now),
                    event.code,
                )
                for event, key in given.values()
            ),
            strict=True,
        )
        rows = await self._connection.fetch(
            statement("note"), provider, now, *(list(column) for column in columns)
        )
        return [_noted(row, given[row["event_id"]][0]) for row in rows]

    async def depart(self, departures: Sequence[Departure], now: datetime) -> list[UUID]:
        """Put addresses on the list, and unsubscribe whoever has them now; return their ids."""
        rows = await self._connection.fetch(
            statement("list_departing"),
            [each.user_id for each in departures],
            [each.address for each in departures if each.address],
        )
        emails: dict[UUID, str] = {row["id"]: row["email"] for row in rows}
        having: dict[str, set[UUID]] = {}
        for user_id, email in emails.items():
            having.setdefault(fold_address(email), set()).add(user_id)
        entries: set[Entry] = set()
        leaving: dict[str | None, set[UUID]] = {}
        for each in departures:
            if address := each.address or emails.get(each.user_id):
                entries.add(Entry(address, each.message_type, each.reason))
                leavers = having.get(fold_address(address), set())
                leaving.setdefault(each.message_type, set()).update(leavers)
        await self._list.add_many(entries, now)
        for message_type, user_ids in leaving.items():
            query = users_statement("leave", message_type)
            await self._connection.execute(query, sorted(user_ids), now)
        return sorted(set().union(*leaving.values()))

    async def has_unknown(self) -> bool:
        """Tell whether any greeting is UNKNOWN."""
        found: bool = await self._connection.fetchval(statement("any_unknown"))
        return found

    async def list_words(self, dropped_before: datetime, limit: int) -> list[Word]:
        """Return what was told of greetings that are UNKNOWN, of each what tells most."""
        rows = await self._connection.fetch(statement("list_words"), dropped_before, limit)
        return [_word(row) for row in rows]

    async def find_words(self, noted: Sequence[NotedEvent], dropped_before: datetime) -> list[Word]:
        """Return the same of these greetings alone."""
        ids = [each.message_id for each in noted]
        instants = [each.scheduled_send_at for each in noted]
        values = dropped_before, ids, min(instants), max(instants)
        rows = await self._connection.fetch(statement("find_words"), *values)
        return [_word(row) for row in rows]

    async def settle(self, words: Sequence[Word], now: datetime) -> int:
        """Move those that are still UNKNOWN by the same epoch, with a trace; return how many."""
        instants = [word.scheduled_send_at for word in words]
        count: int = await self._connection.fetchval(
            statement("settle"),
            [word.message_id for word in words],
            instants,
            [word.epoch for word in words],
            [word.verdict.value for word in words],
            [str(word.told) for word in words],
            [word.told.happened_at for word in words],
            now,
            min(instants),
            max(instants),
        )
        return count

    async def list_told(self, message_id: UUID, delivery_on: date) -> list[ToldEvent]:
        """Return what was told of one greeting, in order."""
        rows = await self._connection.fetch(statement("list_told"), message_id, delivery_on)
        return [_told(row) for row in rows]


def _midnight(on: date) -> datetime:
    return datetime.combine(on, time(), UTC)


def _noted(row: asyncpg.Record, event: ProviderEvent) -> NotedEvent:
    return NotedEvent(
        event=event,
        message_id=row["id"],
        user_id=row["user_id"],
        message_type=row["message_type"],
        scheduled_send_at=row["scheduled_send_time"],
        status=Status(row["status"]),
    )


def _word(row: asyncpg.Record) -> Word:
    return Word(row["id"], row["scheduled_send_time"], row["epoch"], _told(row))


def _told(row: asyncpg.Record) -> ToldEvent:
    return ToldEvent(row["provider"], EventKind(row["kind"]), row["happened_at"], row["code"])
