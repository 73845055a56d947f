"""Say what plans greetings."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from heyday.domain.message_types import MessageType
from heyday.domain.models import PlanRules, Written, ZoneInstant
from heyday.domain.text_choice import TextChoice, TextNeeds
from heyday.domain.timezone import Window, ZoneDay


class PlanStore(Protocol):
    """Write future rows, in sets: one statement for some zone days, however many people."""

    async def ensure_partitions(self, window: Window) -> int:
        """Create the months that the window touches; return how many were missing."""
        ...

    async def plan(
        self,
        message_type: MessageType,
        zone_days: Sequence[ZoneDay],
        rules: PlanRules,
        choice: TextChoice,
        user_ids: Sequence[UUID] | None = None,
    ) -> int:
        """Write the rows due on the zone days that the ledger does not hold; return how many.

        Whom no text of the choice is for is left to the next plan.
        """
        ...

    async def find_needs(self, day: date) -> TextNeeds:
        """Return what texts people may need whose greetings are on a day or before it."""
        ...

    async def find_needs_of(self, user_ids: Sequence[UUID]) -> TextNeeds:
        """Return what texts these people need."""
        ...

    async def count_people(
        self, message_type: MessageType, zone_days: Sequence[ZoneDay]
    ) -> list[int]:
        """Return how many people have each of the zone days, whether or not they are greeted."""
        ...

    async def retime_people(
        self,
        message_type: MessageType,
        zone_days: Sequence[ZoneDay],
        rules: PlanRules,
        choice: TextChoice,
        user_ids: Sequence[UUID],
    ) -> int:
        """Bring unsent rows of these people in line with what they are now; return how many."""
        ...

    async def cancel_unwanted(
        self, message_type: MessageType, user_ids: Sequence[UUID], since: datetime
    ) -> int:
        """Cancel unsent rows, scheduled after `since`, that their person no longer wants."""
        ...

    async def count_unplanned(
        self, message_type: MessageType, zone_days: Sequence[ZoneDay], rules: PlanRules
    ) -> int:
        """Return how many greetings are due on the zone days and not in the ledger."""
        ...

    async def list_pending_days(
        self, message_type: MessageType, tzdb_version: str, before: datetime | None
    ) -> list[ZoneInstant]:
        """Return where unsent rows of a type lie that this release may move, each place once.

        before: of those scheduled before this instant alone.
        """
        ...

    async def find_written(self, since: int | None, at_most: int) -> Written:
        """Return whose row was written from a horizon on; it is one of an earlier look's."""
        ...

    async def list_changed_user_ids(
        self, message_type: MessageType, since: datetime, among: Sequence[UUID] | None
    ) -> list[UUID]:
        """Return people whose unsent rows no longer fit their date, zone or presence.

        With them come people whose rows, scheduled after `since`, were cancelled and fit again.
        """
        ...

    async def retime(
        self, message_type: MessageType, moves: Mapping[ZoneInstant, ZoneInstant], tzdb_version: str
    ) -> int:
        """Move unsent rows from where they lie to where they are to leave; return how many.

        Rows that a newer release of the tz database has planned stay.
        """
        ...

    async def count_people_by_zone(self) -> dict[str, int]:
        """Return how many people are to be greeted in each zone that a person lives in."""
        ...

    async def hold_erasures(self) -> None:
        """Let erasures wait until the transaction ends: it plans people whom it has not locked."""
        ...

    async def announce_due(self) -> None:
        """Wake the minute schedulers once the transaction commits."""
        ...
