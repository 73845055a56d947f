"""Plan as ever, over connections of the planner's own, and ask once what cannot change."""

from collections.abc import Mapping
from datetime import datetime

from heyday.domain.ports import Store
from heyday.domain.timezone import TimezoneService, Window
from heyday.services.planning import LostZones, PlanConfig, Planner


class SettledPlanner(Planner):
    """Plan for people who do not move, until everything is started again.

    own_store: connections for planning alone. A plan for everybody changes a parameter that makes
    PostgreSQL forget the prepared plans of its connection, which the minutes after it would pay.
    """

    def __init__(
        self, timezones: Mapping[str, TimezoneService], config: PlanConfig, own_store: Store
    ) -> None:
        super().__init__(timezones, config)
        self._own_store = own_store
        self._lost: LostZones | None = None

    async def plan_window(self, store: Store, window: Window, now: datetime) -> int:  # noqa: ARG002
        """Write every greeting whose instant falls into the window. See Planner."""
        return await super().plan_window(self._own_store, window, now)

    async def find_lost_zones(self, store: Store) -> LostZones:
        """Return the zones of people that this release of the tz database does not have."""
        if self._lost is None:
            self._lost = await super().find_lost_zones(store)
        return self._lost
