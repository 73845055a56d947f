"""The demonstration: somebody is greeted at once, and somebody is next."""

from datetime import UTC, datetime, timedelta

import pytest

from heyday.services.demo import DemoService
from tests.factories import Pipeline
from tests.fakes import FakeClock

# Off the hour, when it is nine sharp nowhere.
DAYS = [datetime(2027, 1, 14, 0, 7, tzinfo=UTC), datetime(2027, 2, 28, 0, 7, tzinfo=UTC)]
DAYS += [datetime(2027, 12, 31, 23, 7, tzinfo=UTC), datetime(2028, 2, 29, 12, 7, tzinfo=UTC)]


@pytest.mark.parametrize("at", DAYS, ids=str)
async def test_two_are_greeted_at_once_and_two_are_next(
    pipeline: Pipeline, clock: FakeClock, at: datetime
) -> None:
    clock.set(at)
    demo = DemoService(pipeline.users, pipeline.timezones, clock)
    assert await demo.add_people() == 4
    assert await pipeline.send_due() == 2
    assert sorted(await pipeline.statuses()) == ["SCHEDULED", "SCHEDULED", "SENT", "SENT"]
    for row in await pipeline.messages():
        assert abs(row["scheduled_send_time"] - at) < timedelta(hours=24)


async def test_the_same_people_are_not_added_twice(pipeline: Pipeline, clock: FakeClock) -> None:
    demo = DemoService(pipeline.users, pipeline.timezones, clock)
    assert await demo.add_people() == 4
    assert await demo.add_people() == 0
