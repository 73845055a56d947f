"""Name what services need that look after the privacy of people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from heyday.domain.timezone import Window

Dossier = Mapping[str, Sequence[Mapping[str, object]]]
"""All that is stored about a person: by table, its rows by column."""


class PrivacyStore(Protocol):
    """Reach all that is stored about one person, deleted or not."""

    async def export(self, user_id: UUID) -> Dossier:
        """Return it, as of one moment; nothing if there never was such a person."""
        ...

    async def erase(self, user_id: UUID, now: datetime) -> bool:
        """Take out of every table what tells of the person; tell whether there was one.

        Done twice, it is as done once. Raises NamedInImport.
        """
        ...


@dataclass(frozen=True, slots=True)
class Dropped:
    """Count months of greetings. kept: old enough, but a greeting in them is not at its end."""

    dropped: int
    kept: int


class RetentionStore(Protocol):
    """Make room for what is to come, and let go of what is old."""

    async def make_months(self, now: datetime) -> int:
        """Create what is missing of this month and the year to come; return how many parts.

        Where somebody holds a table for long, none is made.
        """
        ...

    async def find_settled_before(self, before: datetime) -> datetime:
        """Return the instant, `before` at the most, to which every greeting came to its end."""
        ...

    async def scrub_greetings(self, window: Window) -> int:
        """Empty texts and answers of what ended and was due in the window; return of how many."""
        ...

    async def scrub_letters(self, before: datetime) -> int:
        """Empty letters of the inbox that came before an instant; return how many."""
        ...

    async def drop_months(self, now: datetime, months: int) -> Dropped:
        """Drop what ended at least so many whole months ago, unless something is still open in it.

        Where somebody holds a table for long, nothing is dropped.
        """
        ...
