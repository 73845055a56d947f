"""Name what services need to know of which languages people have."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LocaleCounts:
    """Count people by locale; None is of those who have none.

    estimated_at: when PostgreSQL looked at a sample, of which these are projected; None: they were
    counted just now.
    """

    by_locale: Mapping[str | None, int]
    estimated_at: datetime | None = None


class LocaleStore(Protocol):
    """Count people by their locale, at a price that does not grow with how many there are."""

    async def count(self) -> LocaleCounts | None:
        """Return the counts; None where there are many people, and no sample was taken yet."""
        ...
