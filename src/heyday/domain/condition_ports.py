"""Name what whoever looks at Heyday's condition needs from the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MonthSize:
    """Tell how large a month is: its greetings, their keys and what providers told of them.

    rows: greetings, as PostgreSQL last estimated them; None if it never did.   size: bytes, indexes
    included.
    """

    month: date
    rows: int | None
    size: int


@dataclass(frozen=True, slots=True)
class ProviderPace:
    """Tell how fast a provider is called, where a 429 or a limit has a say in that.

    rate: calls a second; None: nothing limits them.   blocked_until: no calls before; None or past:
    it is called.   slowed_at: when the rate was last halved.
    """

    provider: str
    rate: float | None
    blocked_until: datetime | None
    slowed_at: datetime | None


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """Tell what PostgreSQL tells of itself.

    version: such as "15.14".   size: of the whole database, bytes.   unknown, failed: greetings of
    which nobody knows whether they arrived, and those that failed within the last day; each is
    counted up to MOST_COUNTED.
    """

    version: str
    size: int
    months: Sequence[MonthSize]
    paces: Sequence[ProviderPace]
    unknown: int
    failed: int


MOST_COUNTED = 1000


class ConditionStore(Protocol):
    """Look at the database as a whole."""

    async def read_facts(self, failed_since: datetime) -> DatabaseFacts:
        """Return what it tells. Raises DatabaseError."""
        ...
