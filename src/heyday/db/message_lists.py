"""Look through greetings, never at more rows than is said."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from heyday.db import queries, resolutions
from heyday.db.connection import Database
from heyday.domain.message_filters import Place
from heyday.domain.message_lists import LetterRow, ListedGreeting, Look, Order, PersonName

_QUERIES = queries.load("message_lists")
_EVER, _NEVER = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_FIRST_ID, _LAST_ID = UUID(int=0), UUID(int=(1 << 128) - 1)
_MICROSECOND: Final = timedelta(microseconds=1)
# How many values the statements themselves take, before those of conditions.
_VALUES: Final = {"look": 6, "count": 5, "find_end": 5}
_DIRECTIONS: Final = {Order.EARLIEST: ("ASC", ">"), Order.LATEST: ("DESC", "<")}


def statement(name: str, look: Look, conditions: Sequence[str] = ()) -> str:
    """Return a statement that looks through rows.

    The values of the conditions come after its own, and the person's, who leads to rows, last.
    """
    first = _VALUES[name] + 1
    direction, beyond = _DIRECTIONS[look.order]
    order = {"direction": direction, "beyond": beyond}
    led = ""
    if look.wanted.user_id is not None:
        led = _QUERIES["led_by_person"].fill({"n": str(first + len(conditions))})
    elif look.stage is not None:
        led = _QUERIES["led_by_stage"].fill({"stage": look.stage})
    columns = {"columns": resolutions.COLUMNS}
    through = _QUERIES["through"].fill({**order, **columns, "led": led})
    filled = "\n  ".join(resolutions.conditions(conditions, first))
    return _QUERIES[name].fill({**order, "through": through, "conditions": filled})


class MessageListRepository:
    """Run the statements of db/sql/message_lists.sql (MessageListStore)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self, look: Look, limit: int, most: int) -> list[ListedGreeting]:
        """Return up to `limit` greetings that fit, out of the first `most` rows."""
        rows = await self._fetch("look", look, most, limit)
        return [ListedGreeting(resolutions.read_greeting(row), row["timezone"]) for row in rows]

    async def find_end(self, look: Look, most: int) -> Place | None:
        """Return the place of the last of the first `most` rows; None if there are fewer."""
        rows = await self._fetch("find_end", look, most)
        return Place(rows[0]["scheduled_send_time"], rows[0]["id"]) if rows else None

    async def count(self, look: Look, most: int) -> tuple[int, int]:
        """Return how many of the first `most` rows fit, and how many rows there were."""
        (row,) = await self._fetch("count", look, most)
        return row["found"], row["looked"]

    async def find_names(self, user_ids: Collection[UUID]) -> Mapping[UUID, PersonName]:
        """Return what people are called, the deleted ones as well."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_QUERIES["find_names"].text, list(user_ids))
        return {row["id"]: _name(row) for row in rows}

    async def find_letter(self, message_id: UUID, scheduled_at: datetime) -> LetterRow | None:
        """Return what one greeting says."""
        query = _QUERIES["find_letter"].text
        async with self._database.connection() as connection:
            row = await connection.fetchrow(query, message_id, scheduled_at)
        return _letter(row) if row else None

    async def _fetch(self, name: str, look: Look, *most: int) -> list[asyncpg.Record]:
        conditions = {} if name == "find_end" else resolutions.values_of(look.wanted)
        person = [conditions.pop("of_person")] if "of_person" in conditions else []
        if name == "find_end" and look.wanted.user_id is not None:
            person = [look.wanted.user_id]
        query = statement(name, look, list(conditions))
        values = (*_bounds(look), *most, *conditions.values(), *person)
        async with self._database.connection() as connection:
            rows: list[asyncpg.Record] = await connection.fetch(query, *values)
        return rows


def _bounds(look: Look) -> tuple[datetime, datetime, datetime, UUID]:
    """Return from when until when rows are looked at, and beyond which place."""
    earliest = look.wanted.scheduled_from or _EVER
    latest = look.wanted.scheduled_until or _NEVER
    after = look.after
    if look.order is Order.EARLIEST:
        if after is None or after.scheduled_send_at < earliest:
            after = Place(earliest, _FIRST_ID)
        earliest = after.scheduled_send_at
    else:
        if after is None or after.scheduled_send_at >= latest:
            after = Place(latest, _LAST_ID)
        latest = min(latest, after.scheduled_send_at + _MICROSECOND)
    return earliest, latest, after.scheduled_send_at, after.message_id


def _name(row: asyncpg.Record) -> PersonName:
    return PersonName(row["first_name"], row["last_name"], row["is_deleted"])


def _letter(row: asyncpg.Record) -> LetterRow:
    return LetterRow(
        subject=row["message_subject"],
        text=row["message_content"],
        html=row["message_html"],
        language=row["language"],
        timezone=row["timezone"],
        tzdb_version=row["tzdb_version"],
        epoch=row["epoch"],
        lease_until=row["lease_until"],
        body=row["api_response_body"],
        provider_message_id=row["provider_message_id"],
        address=row["email"],
        person=_name(row),
    )
