"""Say what waits in a transport, what is set aside of it, and what can be done with that."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from heyday.domain.models import Batch


class TransportName(StrEnum):
    """Name what carries batches."""

    POSTGRESQL = "postgresql"
    RABBITMQ = "rabbitmq"


AGES = (timedelta(), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
"""By how long they have been due, greetings are counted: at least this."""


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Count what a transport holds, in batches.

    waiting: workers could take them now.   workers: that ask for them;
    None where the transport does not know.   dead: were set aside.
    """

    transport: TransportName
    waiting: int
    workers: int | None
    dead: int


@dataclass(frozen=True, slots=True)
class OnTheWay:
    """Count greetings that were handed over and have not ended: as their rows tell.

    queued: by how long they have been due, for each of AGES; those that are yet to fall due are in
    `coming`.   oldest_due_at: of all of them; None if there is none.
    """

    coming: int
    queued: Sequence[int]
    sending: int
    oldest_due_at: datetime | None


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
    """Measure the queue; look at what was set aside, and have it delivered again or gone.

    Rows of such a batch are QUEUED, and the sweep hands them over again in another one: nothing
    here decides about a greeting.
    """

    async def measure(self) -> QueueDepth:
        """Return how much there is. Raises TransportError."""
        ...

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
