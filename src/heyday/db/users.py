"""Keep people in `users`."""

import re
from collections.abc import Collection, Sequence
from dataclasses import astuple
from datetime import datetime
from itertools import chain
from uuid import UUID

import asyncpg

from heyday.db import queries
from heyday.db.suppressions import SuppressionRepository
from heyday.db.types import PooledConnection
from heyday.domain.errors import EmailTaken
from heyday.domain.finding import EVERYBODY, MOST_FORMS, PeopleFilter, PeopleSearch
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.models import PersonDraft, User
from heyday.domain.people import FIELDS
from heyday.domain.people_tables import PersonFields, StoredPeople
from heyday.domain.sealing import NO_SEALS, Seals
from heyday.domain.suppressions import Reason

_QUERIES = queries.load("users")

# Each transaction that writes a row leaves its number in xmin, also one by SQL. The instant stands
# beside it, as numbers come again: after 4 billion transactions, and in a restored database.
_VERSION = "to_hex((extract(epoch FROM updated_at) * 1000000)::bigint) || '-' || xmin AS version"
_LEFT: dict[str | None, str] = {None: "unsubscribed_at"}
_LEFT |= {t.name: t.unsubscribed_column for t in MESSAGE_TYPES}
_TYPES_LEFT = ", ".join(f"CASE WHEN {c} IS NOT NULL THEN '{n}' END" for n, c in _LEFT.items() if n)
COLUMNS = (
    "id, first_name, last_name, email, timezone, birthday_date, anniversary_date, "
    "location_city, location_country, locale, created_at, updated_at, unsubscribed_at, deleted_at, "
    f"array_remove(ARRAY[{_TYPES_LEFT}], NULL) AS unsubscribed_types, {_VERSION}"
)
"""What a person is shown with."""
_ALL = _LEFT[None]
# The unit separator: no field of a person holds control characters (domain/people.py).
_BETWEEN = "\x1f"
# What LIKE takes for more than itself.
_LIKE, _ESCAPED = re.compile(r"[\\%_]"), r"\\\g<0>"


def statement(name: str, message_type: str | None = None) -> str:
    """Return a statement; those about leaving, for one message type or (None) for all."""
    left_at = _LEFT[message_type]
    others = [column for column in _LEFT.values() if column not in {left_at, _ALL}]
    kept = "NULL" if message_type is None else "coalesce({0}, unsubscribed_at)"
    changes = [f"{column} = {kept.format(column)}" for column in others]
    if message_type is not None:
        changes.append(f"{_ALL} = NULL")
    listed = {column: _since(name) for name, column in _LEFT.items()}
    return _QUERIES[name].fill(
        {
            "columns": COLUMNS,
            "begins": _QUERIES["begins"].text,
            "fits": _QUERIES["fits"].text,
            "left": ", ".join(_LEFT.values()),
            "left_by_list": ", ".join(f"{since} AS {c}" for c, since in listed.items()),
            "left_or_listed": ", ".join(f"coalesce(users.{c}, {s})" for c, s in listed.items()),
            "left_at": left_at,
            "others": ", ".join(changes),
            "month_days": ", ".join(t.month_day_column for t in MESSAGE_TYPES),
            "returning": ", ".join([left_at, *others] if message_type is None else [left_at, _ALL]),
        }
    )


def _since(message_type: str | None) -> str:
    """Return since when the list has an address, for one message type or (None) for all."""
    kind = "IS NULL" if message_type is None else f"= '{message_type}'"
    return f"min(suppressions.created_at) FILTER (WHERE suppressions.message_type {kind})"


_SQL = {name: statement(name) for name in _QUERIES}


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
        person.locale,
    )


def _joined(values: Sequence[object]) -> str:
    """Return a column as one text: asyncpg takes 3 us a person for arrays, and this next to none.

    What is absent is empty. Raises ValueError if a value holds what stands between them.
    """
    joined = _BETWEEN.join("" if value is None else str(value) for value in values)
    if joined.count(_BETWEEN) >= len(values):
        raise ValueError("a field of a person holds a control character; check it first")
    return joined


class UserRepository:
    """Store and find people over one connection.

    seals: what the list of addresses that want no greetings is keyed with. Call what changes
    who wants greetings in a transaction.
    """

    def __init__(self, connection: PooledConnection, seals: Seals = NO_SEALS) -> None:
        self._connection = connection
        self._list = SuppressionRepository(connection, seals)

    async def insert(self, person: PersonDraft, now: datetime) -> User:
        """Store a new person. Raises EmailTaken."""
        digests = self._list.digests(person.email)
        try:
            row = await self._connection.fetchrow(_SQL["insert"], *_values(person), now, digests)
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
        *values, zones = astuple(wanted)
        name, among = ("list_page", ()) if zones is None else ("list_page_of_zones", (zones,))
        rows = await self._connection.fetch(_SQL[name], after, limit, *values, *among)
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
        values = (*_values(person), now, self._list.digests(person.email))
        try:
            row = await self._connection.fetchrow(_SQL["replace"], user_id, *values)
        except asyncpg.UniqueViolationError:
            raise EmailTaken from None
        return User(**row) if row else None

    async def delete(self, user_id: UUID, now: datetime) -> bool:
        """Mark a person deleted; tell whether there was one."""
        row = await self._connection.fetchrow(_SQL["delete"], user_id, now)
        if row is None:
            return False
        # SQL may have unsubscribed them: whoever brings the address again finds it on the list.
        left = [None] if row["unsubscribed_at"] else row["unsubscribed_types"]
        for message_type in left:
            await self._list.add(row["email"], message_type, Reason.UNSUBSCRIBED, now)
        return True

    async def undelete(self, user_id: UUID, now: datetime) -> User | None:
        """Take a deletion back; return the person if there was one. Raises EmailTaken."""
        try:
            row = await self._connection.fetchrow(_SQL["undelete"], user_id, now)
        except asyncpg.UniqueViolationError:
            raise EmailTaken from None
        if row is None:
            return None
        digests = self._list.digests(row["email"])
        listed = await self._connection.fetchrow(_SQL["follow_list"], user_id, digests)
        return User(**(listed or row))

    async def unsubscribe(
        self, user_id: UUID, now: datetime, message_type: str | None = None
    ) -> User | None:
        """Note that a person wants no more greetings; return the person if that is new."""
        row = await self._connection.fetchrow(statement("unsubscribe", message_type), user_id, now)
        if person := row or await self._connection.fetchrow(_SQL["find"], user_id):
            await self._list.add(person["email"], message_type, Reason.UNSUBSCRIBED, now)
        return User(**row) if row else None

    async def resubscribe(
        self, user_id: UUID, now: datetime, message_type: str | None = None
    ) -> User | None:
        """Note that a person wants greetings again; return the person if that is new."""
        row = await self._connection.fetchrow(statement("resubscribe", message_type), user_id, now)
        if person := row or await self._connection.fetchrow(_SQL["find"], user_id):
            await self._list.remove(person["email"], message_type)
        return User(**row) if row else None

    async def leave(
        self, user_id: UUID, now: datetime, message_type: str | None = None
    ) -> list[UUID]:
        """Unsubscribe whom a link is for, and who has their address now; return their ids."""
        people = await self._connection.fetch(_SQL["list_left"], user_id)
        for email in {row["email"] for row in people}:
            await self._list.add(email, message_type, Reason.UNSUBSCRIBED, now)
        user_ids = [row["id"] for row in people]
        await self._connection.execute(statement("leave", message_type), user_ids, now)
        return user_ids

    async def upsert_many(
        self,
        people: Sequence[PersonFields],
        now: datetime,
        columns: Collection[str] = FIELDS,
        near: Collection[int] = (),
    ) -> StoredPeople:
        """Store people by address, each address once; return the new and the changed.

        columns: the fields that were given; a person who is there already keeps what is stored in
        the others.   near: the month-days, month * 100 + day, for which people are planned now.
        Call it in a transaction.
        """
        if not people:
            return StoredPeople()
        # A plan kept from when the table was small would look through all of it for each person.
        await self._connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        digests = [self._list.digests(person.email) for person in people]
        row = await self._connection.fetchrow(
            _SQL["upsert_many"],
            *map(_joined, zip(*people, strict=True)),
            now,
            list(columns),
            b"".join(chain.from_iterable(digests)),
            len(digests[0]),
            list(near),
        )
        assert row is not None  # noqa: S101 - an aggregate always answers
        return StoredPeople(*(values or () for values in row))

    async def count(self) -> int:
        """Return how many people there are."""
        count: int = await self._connection.fetchval(_SQL["count"])
        return count
