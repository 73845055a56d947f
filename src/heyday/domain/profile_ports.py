"""Say what looks at one person whole, and at about how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from heyday.domain.models import User
from heyday.domain.resolutions import GreetingRow


@dataclass(frozen=True, slots=True)
class Headcount:
    """Say how many live people there are. is_estimate: it comes from statistics, not a count."""

    people: int
    is_estimate: bool


class ProfileStore(Protocol):
    """Look at people, deleted or not, without changing anything."""

    async def find(self, user_id: UUID) -> User | None:
        """Return the person with this id, deleted or not; None for who was erased."""
        ...

    async def list_greetings(
        self, user_id: UUID, before: UUID | None, limit: int
    ) -> Sequence[GreetingRow]:
        """Return up to `limit` greetings of a person, the latest first, before one of them."""
        ...

    async def estimate(self, counted_up_to: int) -> Headcount:
        """Return how many live people there are, counted if they are no more than so many."""
        ...
