"""Say what is set aside of a transport, and what can be done with it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from heyday.domain.models import Batch


@dataclass(frozen=True, slots=True)
class DeadBatch:
    """Hold what a transport set aside: a batch that failed again and again, or no batch at all.

    id: names it to `replay` and `purge`.   batch: None if the body could not be read.
    died_at: None if nobody noted it.   size: of the body, bytes; None where there is none.
    """

    id: str
    reason: str
    batch: Batch | None
    died_at: datetime | None = None
    size: int | None = None


class DeadLetters(Protocol):
    """Look at what was set aside, and have it delivered again or gone.

    Rows of such a batch are QUEUED, and the sweep hands them over again in another one: nothing
    here decides about a greeting.
    """

    async def list_dead(self, limit: int) -> list[DeadBatch]:
        """Return up to so many, the oldest first. Raises TransportError."""
        ...

    async def replay(self, ids: Collection[str] | None) -> int:
        """Have these, or all, delivered again; return how many there were. Raises TransportError.

        What could not be read stays.
        """
        ...

    async def purge(self, ids: Collection[str] | None) -> int:
        """Delete these, or all, for good; return how many there were. Raises TransportError."""
        ...
