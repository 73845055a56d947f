"""A user service that does what a test tells it, and the person whom it knows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

from heyday.domain.finding import PeopleFilter, PeopleSearch
from heyday.domain.models import User

ADA = User(
    id=UUID("8a6f2b1e-4c7d-4e30-8f3c-5d0a9b7e4d1c"),
    version="7-a",
    first_name="Ada",
    last_name="Lovelace",
    email="ada@example.com",
    timezone="Europe/London",
    birthday_date=date(1990, 12, 10),
    created_at=datetime(2027, 1, 14, tzinfo=UTC),
    updated_at=datetime(2027, 1, 14, tzinfo=UTC),
)


@dataclass
class ScriptedUsers:
    """Answer with Ada, or raise `fault`. given: what the last call brought."""

    fault: Exception | None = None
    given: list[object] = field(default_factory=list)

    def _answer(self, *given: object) -> User:
        self.given = list(given)
        if self.fault:
            raise self.fault
        return ADA

    async def create(self, fields: Mapping[str, object]) -> User:
        return self._answer(fields)

    async def get(self, user_id: UUID) -> User:
        return self._answer(user_id)

    async def list_page(self, after: UUID | None, limit: int, wanted: PeopleFilter) -> list[User]:
        return [self._answer(after, limit, wanted)]

    async def search(self, wanted: PeopleSearch, limit: int) -> list[User]:
        return [self._answer(wanted, limit)]

    async def replace(
        self, user_id: UUID, fields: Mapping[str, object], expected: Collection[str] | None
    ) -> User:
        return self._answer(user_id, fields, expected)

    async def patch(
        self, user_id: UUID, fields: Mapping[str, object], expected: Collection[str] | None
    ) -> User:
        return self._answer(user_id, fields, expected)

    async def delete(self, user_id: UUID, expected: Collection[str] | None) -> None:
        self._answer(user_id, expected)

    async def undelete(
        self, user_id: UUID, expected: Collection[str] | None, message_type: str | None = None
    ) -> User:
        return self._answer(user_id, message_type, expected)

    unsubscribe = resubscribe = undelete
