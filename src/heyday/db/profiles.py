"""Look at one person whole, deleted or not, and at about how many people there are."""

from collections.abc import Sequence
from uuid import UUID

from heyday.db import queries, resolutions, users
from heyday.db.connection import Database
from heyday.domain.models import User
from heyday.domain.profile_ports import Headcount
from heyday.domain.resolutions import GreetingRow

_QUERIES = queries.load("profiles")


def statement(name: str) -> str:
    """Return a statement with its columns filled in."""
    return _QUERIES[name].fill({"person": users.COLUMNS, "columns": resolutions.COLUMNS})


class ProfileRepository:
    """Run the statements of db/sql/profiles.sql."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, user_id: UUID) -> User | None:
        """Return the person with this id, deleted or not; None for who was erased."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(statement("find"), user_id)
        return User(**row) if row else None

    async def list_greetings(
        self, user_id: UUID, before: UUID | None, limit: int
    ) -> Sequence[GreetingRow]:
        """Return up to `limit` greetings of a person, the latest first, before one of them."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(statement("list_greetings"), user_id, before, limit)
        return [resolutions.read_greeting(row) for row in rows]

    async def estimate(self, counted_up_to: int) -> Headcount:
        """Return how many live people there are, counted if they are no more than so many."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(statement("estimate"), counted_up_to)
        assert row is not None  # noqa: S101 - a row without FROM always answers
        if row["counted"] <= counted_up_to:
            return Headcount(row["counted"], is_estimate=False)
        return Headcount(max(row["estimated"], row["counted"]), is_estimate=True)
