"""Plan once a day, at 00:00 UTC, and at start."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from heyday.schedulers.periodic import PeriodicScheduler
from heyday.services.scheduling import DAILY


class DailyScheduler(PeriodicScheduler):
    """Write the rows of the coming two days, and of whatever was missed."""

    name = DAILY

    def next_at(self, now: datetime) -> datetime:
        """Return the next midnight in UTC."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + timedelta(days=1)

    async def work(self, at: datetime | None) -> Mapping[str, int]:
        """Plan, now or as if at a chosen moment; return `planned` and `retimed`."""
        return await self._service.plan(at)
