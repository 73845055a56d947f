"""Look for a transaction that is open for long: until it ends, no dead row is cleaned up."""

from datetime import timedelta

import structlog

from heyday.domain.activity_ports import Activity
from heyday.domain.ports import Clock
from heyday.domain.thresholds import OLD_TRANSACTION
from heyday.telemetry import Metrics

log = structlog.get_logger()

EVERY = timedelta(seconds=30)


class TransactionWatch:
    """Look every half minute; say so once it is old, and once it is over."""

    def __init__(self, activity: Activity, clock: Clock, metrics: Metrics) -> None:
        self._activity = activity
        self._clock = clock
        self._metrics = metrics
        self._is_old = False

    async def run(self) -> None:
        """Watch until cancelled. A fault delays, never ends it."""
        while True:
            try:
                self._note(await self._activity.find_oldest_transaction())
            except Exception as error:  # noqa: BLE001 - a watch that ended would end the process
                log.info("transactions_not_read", error=type(error).__name__)
            await self._clock.sleep_until(self._clock.now() + EVERY)

    def _note(self, age: timedelta) -> None:
        self._metrics.oldest_transaction.set(age.total_seconds())
        was_old, self._is_old = self._is_old, age > OLD_TRANSACTION
        if self._is_old and not was_old:
            log.warning("transaction_old", seconds=round(age.total_seconds()))
        elif was_old and not self._is_old:
            log.warning("transaction_over")
