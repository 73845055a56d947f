"""When the daily job runs, and what it asks for."""

from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from heyday.schedulers.daily import DailyScheduler
from heyday.telemetry import Metrics
from tests.fakes import FakeClock, FakeGuard, FakeWakeup


def at(hour: int, minute: int = 0, second: int = 0, day: int = 14) -> datetime:
    return datetime(2027, 1, day, hour, minute, second, tzinfo=UTC)


class PlanningService:
    def __init__(self) -> None:
        self.asked: list[datetime | None] = []

    async def plan(self, at: datetime | None = None) -> dict[str, int]:
        self.asked.append(at)
        return {"planned": 7}


@pytest.fixture
def service() -> PlanningService:
    return PlanningService()


@pytest.fixture
def daily(service: PlanningService, clock: FakeClock) -> DailyScheduler:
    return DailyScheduler(cast("Any", service), FakeWakeup(clock), clock, FakeGuard(), Metrics())


@pytest.mark.parametrize(
    ("now", "next_at"),
    [
        (at(0), at(0, day=15)),
        (at(0, 0, 1), at(0, day=15)),
        (at(23, 59, 59), at(0, day=15)),
        (datetime(2027, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)),
        (datetime(2028, 2, 28, 12, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC)),
        (datetime(2027, 1, 15, 5, tzinfo=ZoneInfo("Asia/Tokyo")), at(0, day=15)),
    ],
)
def test_it_runs_at_the_next_midnight_in_utc(
    daily: DailyScheduler, now: datetime, next_at: datetime
) -> None:
    assert daily.next_at(now) == next_at


async def test_once_is_to_plan_now_or_at_a_chosen_moment(
    daily: DailyScheduler, service: PlanningService
) -> None:
    assert await daily.run_once() == {"planned": 7}
    assert await daily.run_once(at(9)) == {"planned": 7}
    assert service.asked == [None, at(9)]
