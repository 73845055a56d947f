"""Show that every greeting that was due is accounted for."""

from datetime import UTC, datetime, timedelta

from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.models import TypeBalance
from heyday.domain.ports import Clock, Store
from heyday.domain.timezone import Window
from heyday.services.planning import Planner

_GRACE = timedelta(minutes=5)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class ReconciliationService:
    """Count what was due against what became of it: promise 3."""

    def __init__(self, store: Store, planner: Planner, clock: Clock) -> None:
        self._store = store
        self._planner = planner
        self._clock = clock

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
        return balances
