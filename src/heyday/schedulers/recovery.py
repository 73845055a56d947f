"""Sweep what is stuck or was missed, every ten minutes, and at start."""

from collections.abc import Mapping
from datetime import datetime

from heyday.schedulers.periodic import PeriodicScheduler
from heyday.services.scheduling import RECOVERY, RHYTHMS


class RecoveryScheduler(PeriodicScheduler):
    """Bring back what a crash, an outage or an edit by SQL left behind."""

    name = RECOVERY

    def next_at(self, now: datetime) -> datetime:
        """Return ten minutes from now."""
        return now + RHYTHMS[RECOVERY]

    async def work(self, at: datetime | None) -> Mapping[str, int]:
        """Sweep, now or as if at a chosen moment; return `recovered` and its parts."""
        return await self._service.recover(at)
