"""When the minute job runs, and what it asks for."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from heyday.schedulers.minute import MinuteScheduler
from heyday.telemetry import Metrics
from tests.fakes import FakeClock, FakeGuard, FakeWakeup

NINE = datetime(2027, 1, 14, 9, tzinfo=UTC)


class QueueingService:
    def __init__(self) -> None:
        self.asked: list[datetime | None] = []

    async def enqueue_due(self, at: datetime | None = None) -> dict[str, int]:
        self.asked.append(at)
        return {"enqueued": 7}


@pytest.fixture
def service() -> QueueingService:
    return QueueingService()


@pytest.fixture
def minute(service: QueueingService, clock: FakeClock) -> MinuteScheduler:
    return MinuteScheduler(cast("Any", service), FakeWakeup(clock), clock, FakeGuard(), Metrics())


@pytest.mark.parametrize(
    ("now", "next_at"),
    [
        (NINE, NINE.replace(minute=1)),
        (NINE.replace(microsecond=1), NINE.replace(minute=1)),
        (NINE.replace(minute=59, second=59, microsecond=999_999), NINE.replace(hour=10)),
        (datetime(2027, 12, 31, 23, 59, 30, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)),
    ],
)
def test_it_runs_at_the_next_full_minute(
    minute: MinuteScheduler, now: datetime, next_at: datetime
) -> None:
    assert minute.next_at(now) == next_at


async def test_once_is_to_enqueue_now_or_at_a_chosen_moment(
    minute: MinuteScheduler, service: QueueingService
) -> None:
    assert await minute.run_once() == {"enqueued": 7}
    assert await minute.run_once(NINE) == {"enqueued": 7}
    assert service.asked == [None, NINE]
