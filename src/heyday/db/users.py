"""Keep people in `users`."""

import re
from collections.abc import Collection, Sequence
from dataclasses import astuple
from datetime import datetime
from uuid import UUID

import asyncpg

from heyday.db import queries
from heyday.db.types import PooledConnection
from heyday.domain.errors import EmailTaken
from heyday.domain.finding import EVERYBODY, MOST_FORMS, PeopleFilter, PeopleSearch
from heyday.domain.models import PersonDraft, User
from heyday.domain.people import FIELDS

# Each transaction that writes a row leaves its number in xmin, also one by SQL. The instant stands
# beside it, as numbers come again: after 4 billion transactions, and in a restored database.
_VERSION = "to_hex((extract(epoch FROM updated_at) * 1000000)::bigint) || '-' || xmin AS version"
_COLUMNS = (
    "id, first_name, last_name, email, timezone, birthday_date, anniversary_date, "
    "location_city, location_country, created_at, updated_at, unsubscribed_at, deleted_at, "
    f"{_VERSION}"
)
# What LIKE takes for more than itself.
_LIKE, _ESCAPED = re.compile(r"[\\%_]"), r"\\\g<0>"
_QUERIES = queries.load("users")
_PLACES = {"columns": _COLUMNS, "begins": _QUERIES["begins"].text}
_SQL = {name: query.fill(_PLACES) for name, query in _QUERIES.items()}


def statement(name: str) -> str:
    """Return a statement of users.sql as it is sent."""
    return _SQL[name]


def _values(person: PersonDraft) -> tuple[object, ...]:
    return (
        person.first_name,
        person.last_name,
        person.email,
        person.timezone,
        person.birthday_date,
        person.anniversary_date,
        person.location_city,
        person.location_country,
    )


class UserRepository:
    """Store and find people over one connection."""

    def __init__(self, connection: PooledConnection) -> None:
        self._connection = connection

    async def insert(self, person: PersonDraft, now: datetime) -> User:
        """Store a new person. Raises EmailTaken."""
        try:
            row = await self._connection.fetchrow(_SQL["insert"], *_values(person), now)
        except asyncpg.UniqueViolationError:
            raise EmailTaken from None
        assert row is not None  # noqa: S101 - INSERT ... RETURNING always answers
        return User(**row)

    async def find(self, user_id: UUID) -> User | None:
        """Return the person with this id."""
        row = await self._connection.fetchrow(_SQL["find"], user_id)
        return User(**row) if row else None

    async def find_for_update(self, user_id: UUID) -> User | None:
        """Return the person with this id, and keep others from changing it meanwhile."""
        row = await self._connection.fetchrow(_SQL["find_for_update"], user_id)
        return User(**row) if row else None

    async def list_page(
        self, after: UUID | None, limit: int, wanted: PeopleFilter = EVERYBODY
    ) -> list[User]:
        """Return up to `limit` people in order of id, after the one given, who fit the filter."""
        rows = await self._connection.fetch(_SQL["list_page"], after, limit, *astuple(wanted))
        return [User(**row) for row in rows]

    async def search(self, wanted: PeopleSearch, limit: int) -> list[User]:
        """Return up to `limit` live people in order of id whose name or address begins so."""
        patterns: list[str | None] = [f"{_LIKE.sub(_ESCAPED, form)}%" for form in wanted.forms]
        patterns += [None] * (MOST_FORMS - len(patterns))
        rows = await self._connection.fetch(_SQL["search"], wanted.after, limit, *patterns)
        return [User(**row) for row in rows]

    async def find_ids(self, addresses: Sequence[str]) -> list[UUID | None]:
        """Return the id of each live person by address, in the order given."""
        rows = await self._connection.fetch(_SQL["find_ids"], list(addresses))
        return [row["id"] for row in rows]

    async def replace(self, user_id: UUID, person: PersonDraft, now: datetime) -> User | None:
        """Overwrite a person and return the new state. Raises EmailTaken."""
        try:
            row = await self._connection.fetchrow(_SQL["replace"], user_id, *_values(person), now)
        except asyncpg.UniqueViolationError:
            raise EmailTaken from None
        return User(**row) if row else None

    async def delete(self, user_id: UUID, now: datetime) -> bool:
        """Mark a person deleted; tell whether there was one."""
        return await self._connection.execute(_SQL["delete"], user_id, now) == "UPDATE 1"

    async def undelete(self, user_id: UUID, now: datetime) -> User | None:
        """Take a deletion back; return the person if there was one. Raises EmailTaken."""
        try:
            row = await self._connection.fetchrow(_SQL["undelete"], user_id, now)
        except asyncpg.UniqueViolationError:
            raise EmailTaken from None
        return User(**row) if row else None

    async def unsubscribe(self, user_id: UUID, now: datetime) -> User | None:
        """Note that a person wants no more greetings; return the person if that is new."""
        row = await self._connection.fetchrow(_SQL["unsubscribe"], user_id, now)
        return User(**row) if row else None

    async def resubscribe(self, user_id: UUID, now: datetime) -> User | None:
        """Note that a person wants greetings again; return the person if that is new."""
        row = await self._connection.fetchrow(_SQL["resubscribe"], user_id, now)
        return User(**row) if row else None

    async def upsert_many(
        self, people: Sequence[PersonDraft], now: datetime, columns: Collection[str] = FIELDS
    ) -> list[tuple[UUID, bool]]:
        """Store people by address, each address once; return ids of the new and the changed.

        With each id comes whether it is new. columns: the fields that were given; a person who
        is there already keeps what is stored in the others. Call it in a transaction.
        """
        if not people:
            return []
        # A plan kept from when the table was small would look through all of it for each person.
        await self._connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        values = zip(*(_values(person) for person in people), strict=True)
        rows = await self._connection.fetch(
            _SQL["upsert_many"], *(list(column) for column in values), now, list(columns)
        )
        return [(row["id"], row["is_new"]) for row in rows]

    async def count(self) -> int:
        """Return how many people there are."""
        count: int = await self._connection.fetchval(_SQL["count"])
        return count
