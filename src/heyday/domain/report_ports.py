"""Name what reports look up: forecast, explain and reconcile. Nothing here changes a row."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from heyday.domain.cases import CaseGreeting, CasePerson
from heyday.domain.forecast import PeopleByDay
from heyday.domain.message_types import MessageType
from heyday.domain.models import Discrepancies


class ForecastStore(Protocol):
    """Count people, however many there are."""

    async def count_people(self, message_type: MessageType, recent_since: date) -> PeopleByDay:
        """Return how many live, subscribed people there are for each day and zone.

        recent_since: people whose date is not before it are also counted by year.
        """
        ...


class CaseStore(Protocol):
    """Look up one person with all that is known of their greetings, deleted or not."""

    async def find_by_id(self, user_id: UUID) -> CasePerson | None:
        """Return the person with this id."""
        ...

    async def find_by_email(self, email: str) -> CasePerson | None:
        """Return the live person with this address, else the last who was deleted with it."""
        ...

    async def list_greetings(self, user_id: UUID) -> list[CaseGreeting]:
        """Return the rows of a person's greetings, by instant."""
        ...

    async def list_keys(self, user_id: UUID, dates: Collection[date]) -> set[tuple[str, date]]:
        """Return what the ledger holds for a person on these dates, as (type, date)."""
        ...


class AcceptanceRecord(Protocol):
    """Ask a provider that keeps what it accepted. Not every provider can be asked."""

    async def compare(self, settled_before: datetime) -> Mapping[str, Discrepancies]:
        """Return, by name of the message type, where its records and the rows differ.

        settled_before: what is on its way and younger than this may still differ. A name that is
        no message type stands for letters that Heyday would never have written.
        """
        ...
