"""When recovery runs, and what it asks for."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from heyday.schedulers.recovery import RecoveryScheduler
from heyday.telemetry import Metrics
from tests.fakes import FakeClock, FakeGuard, FakeWakeup

NINE = datetime(2027, 1, 14, 9, tzinfo=UTC)


class RecoveringService:
    def __init__(self) -> None:
        self.asked: list[datetime | None] = []

    async def recover(self, at: datetime | None = None) -> dict[str, int]:
        self.asked.append(at)
        return {"recovered": 7}


async def test_once_is_to_recover_now_or_at_a_chosen_moment(clock: FakeClock) -> None:
    service = RecoveringService()
    recovery = RecoveryScheduler(
        cast("Any", service), FakeWakeup(clock), clock, FakeGuard(), Metrics()
    )
    assert recovery.next_at(NINE) == NINE + timedelta(minutes=10)
    assert await recovery.run_once() == {"recovered": 7}
    assert await recovery.run_once(NINE) == {"recovered": 7}
    assert service.asked == [None, NINE]
