"""Hand over what is due, each minute, and whenever something new falls due sooner."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from heyday.schedulers.periodic import PeriodicScheduler
from heyday.services.scheduling import MINUTE


class MinuteScheduler(PeriodicScheduler):
    """Queue what falls due within the look-ahead."""

    name = MINUTE

    def next_at(self, now: datetime) -> datetime:
        """Return the next full minute."""
        return now.replace(second=0, microsecond=0) + timedelta(minutes=1)

    async def work(self, at: datetime | None) -> Mapping[str, int]:
        """Enqueue, now or as if at a chosen moment; return `enqueued`."""
        return await self._service.enqueue_due(at)
