"""Show one person whole, deleted or not, and about how many people there are."""

from collections.abc import Sequence
from uuid import UUID

from heyday.domain.errors import NotFound
from heyday.domain.models import User
from heyday.domain.profile_ports import Headcount, ProfileStore
from heyday.domain.resolutions import GreetingRow

COUNTED_UP_TO = 1_000
"""So many people are counted; of more, PostgreSQL's own estimate is told."""


class ProfileService:
    """Look at people without changing anything."""

    def __init__(self, store: ProfileStore) -> None:
        self._store = store

    async def get(self, user_id: UUID) -> User:
        """Return a person, deleted or not. Raises NotFound, also for who was erased."""
        user = await self._store.find(user_id)
        if user is None:
            raise NotFound("there is no person with this id; they may have been erased")
        return user

    async def list_greetings(
        self, user_id: UUID, before: UUID | None, limit: int
    ) -> Sequence[GreetingRow]:
        """Return up to `limit` greetings of a person, the latest first, before one of them."""
        return await self._store.list_greetings(user_id, before, limit)

    async def estimate(self) -> Headcount:
        """Return how many live people there are; of very many, about how many."""
        return await self._store.estimate(COUNTED_UP_TO)
