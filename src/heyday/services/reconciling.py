"""Show that every greeting that was due is accounted for, and that the provider agrees."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.models import Discrepancies, TypeBalance
from heyday.domain.ports import Clock, Store
from heyday.domain.report_ports import AcceptanceRecord
from heyday.domain.timezone import Window
from heyday.services.planning import Planner

OTHER = "OTHER"
"""The line of letters whose key names no message type; there is none unless there are such."""

_GRACE = timedelta(minutes=5)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Books:
    """Hold a line for each message type, and how many people can be owed nothing.

    ungreetable: people in zones that the tz database does not have, so that nobody can say when
    they would be due.
    """

    balances: Sequence[TypeBalance]
    ungreetable: int

    @property
    def is_balanced(self) -> bool:
        """Tell whether every line balances."""
        return all(balance.is_balanced for balance in self.balances)


class ReconciliationService:
    """Hold three things against each other: the calendar, the rows, and the provider.

    acceptances: what the provider accepted, where it can be asked.
    """

    def __init__(
        self,
        store: Store,
        planner: Planner,
        clock: Clock,
        acceptances: AcceptanceRecord | None = None,
    ) -> None:
        self._store = store
        self._planner = planner
        self._clock = clock
        self._acceptances = acceptances

    async def open_books(self) -> Books:
        """Return all there is to tell."""
        lost = await self._planner.find_lost_zones(self._store)
        return Books(await self.reconcile(), sum(lost.unknown.values()))

    async def reconcile(self) -> list[TypeBalance]:
        """Return one line for each message type.

        Due are the rows whose instant has passed and, for the late window, whatever users and
        calendar say should have a row and has none.
        """
        now = self._clock.now()
        balances = []
        async with self._store.session() as session:
            for message_type in MESSAGE_TYPES:
                unplanned = await self._planner.count_unplanned(session, message_type, now)
                balance = await session.messages.balance(
                    message_type.name, Window(_EVER, now), now - _GRACE
                )
                balances.append(balance.with_unplanned(unplanned))
        if self._acceptances is None:
            return balances
        return await self._confirm(balances, self._acceptances, now)

    async def _confirm(
        self, balances: Sequence[TypeBalance], acceptances: AcceptanceRecord, now: datetime
    ) -> list[TypeBalance]:
        """Return the lines with what the provider says of them."""
        found = dict(await acceptances.compare(now - _GRACE))
        confirmed = [
            replace(balance, provider=found.pop(balance.message_type, Discrepancies()))
            for balance in balances
        ]
        orphaned = sum(other.orphaned for other in found.values())
        if orphaned:
            confirmed.append(TypeBalance(OTHER, provider=Discrepancies(orphaned=orphaned)))
        return confirmed
