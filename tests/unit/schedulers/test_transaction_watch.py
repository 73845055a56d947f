"""The look for transactions that are open for long: one alarm, and its end."""

import asyncio
from datetime import timedelta

import pytest
import structlog

from heyday.domain.errors import DatabaseUnavailable
from heyday.domain.thresholds import OLD_TRANSACTION as OLD
from heyday.schedulers.transaction_watch import EVERY, TransactionWatch
from heyday.telemetry import Metrics
from tests.fakes import FakeClock

SECOND = timedelta(seconds=1)


class Activity:
    """Tell the ages in order, one for each look, or fail; then that none is open."""

    def __init__(self, *ages: timedelta | Exception) -> None:
        self.ages = list(ages)

    async def find_oldest_transaction(self) -> timedelta:
        age = self.ages.pop(0) if self.ages else timedelta()
        if isinstance(age, Exception):
            raise age
        return age


async def test_it_says_once_that_one_is_old_and_once_that_it_is_over(clock: FakeClock) -> None:
    away = DatabaseUnavailable("away")
    odd = RuntimeError("a@b.c")
    looks: list[timedelta | Exception] = [SECOND, OLD, OLD + SECOND, away, odd, OLD + EVERY, SECOND]
    metrics, seen = Metrics(), []
    watch = TransactionWatch(Activity(*looks), clock, metrics)
    with structlog.testing.capture_logs() as logs:
        watching = asyncio.create_task(watch.run())
        for _ in looks:
            await clock.wait_for_sleepers()
            seen.append(metrics.registry.get_sample_value("heyday_oldest_transaction_seconds"))
            clock.advance(EVERY)
            await asyncio.sleep(0)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert [entry["event"] for entry in logs] == [
        "transaction_old",
        "transactions_not_read",
        "transactions_not_read",
        "transaction_over",
    ]
    assert seen == [1, 300, 301, 301, 301, 330, 1]
