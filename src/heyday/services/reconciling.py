"""Show that every greeting that was due is accounted for, and that the provider agrees."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta

from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.models import Discrepancies, TypeBalance
from heyday.domain.ports import Clock, Store
from heyday.domain.report_ports import AcceptanceRecord
from heyday.domain.timezone import Window
from heyday.services.planning import Planner

OTHER = "OTHER"
"""The line of letters whose key names no message type; there is none unless there are such."""

COLUMNS = ("due", "sent", "failed", "cancelled", "skipped", "unknown", "live", "unplanned")
"""What the books balance by: what was due, and what became of it."""

COUNTED = (*COLUMNS, "overdue", "late")
"""Of the last two there may be more than none, and the books balance all the same."""

_OF_PROVIDER = tuple(field.name for field in fields(Discrepancies))
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


def totals_of(balances: Sequence[TypeBalance]) -> dict[str, int]:
    """Return the sums by name; of the provider's columns only where it was asked."""
    totals = {name: sum(getattr(b, name) for b in balances) for name in COUNTED}
    asked = [b.provider for b in balances if b.provider]
    if asked:
        totals |= {name: sum(getattr(p, name) for p in asked) for name in _OF_PROVIDER}
    return totals


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

    async def open_books(self, span: timedelta | None = None) -> Books:
        """Return all there is to tell, or what was due in this span up to now.

        Of a span, the provider is not asked: its records tell of everything at once.
        """
        lost = await self._planner.find_lost_zones(self._store)
        return Books(await self.reconcile(span), sum(lost.unknown.values()))

    async def reconcile(self, span: timedelta | None = None) -> list[TypeBalance]:
        """Return one line for each message type.

        Due are the rows whose instant has passed and, for the late window, whatever users and
        calendar say should have a row and has none.
        """
        now = self._clock.now()
        window = Window(now - span if span else _EVER, now)
        balances = []
        async with self._store.session() as session:
            for message_type in MESSAGE_TYPES:
                unplanned = await self._planner.count_unplanned(session, message_type, now)
                balance = await session.messages.balance(message_type.name, window, now - _GRACE)
                balances.append(balance.with_unplanned(unplanned))
        if self._acceptances is None or span is not None:
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
