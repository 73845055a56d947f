"""What each point means: what is on record, sent and queued when a process dies there."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from heyday.failpoints import Action, Failpoint, Failpoints, Point
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import FakeClock, RecordingSender

NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
# By point: statuses of the greetings, letters that left, batches in the queue.
LEFT_BEHIND = {
    Point.PLAN_BEFORE_COMMIT: ([], 0, 0),
    Point.PLAN_AFTER_COMMIT: (["SCHEDULED"], 0, 0),
    Point.ENQUEUE_BEFORE_COMMIT: (["SCHEDULED"], 0, 0),
    Point.ENQUEUE_AFTER_COMMIT: (["QUEUED"], 0, 0),
    Point.PUBLISH_BEFORE: (["QUEUED"], 0, 0),
    Point.PUBLISH_AFTER: (["QUEUED"], 0, 1),
    Point.CLAIM_BEFORE_COMMIT: (["QUEUED"], 0, 1),
    Point.CLAIM_AFTER_COMMIT: (["SENDING"], 0, 1),
    Point.CALL_BEFORE: (["SENDING"], 0, 1),
    Point.CALL_AFTER_ACCEPTED: (["SENDING"], 1, 1),
    Point.RECORD_BEFORE_COMMIT: (["SENDING"], 1, 1),
    Point.RECORD_AFTER_COMMIT: (["SENT"], 1, 1),
    Point.ACK_BEFORE: (["SENT"], 1, 1),
}


class Died(BaseException):
    """Stand for the end of the process: nothing catches it on the way."""


def die(_action: Action) -> None:
    raise Died


async def live_through_the_day(pipeline: Pipeline, clock: FakeClock) -> None:
    await pipeline.daily.run_once()
    clock.set(NINE)
    await pipeline.send_due()


def kill_at(point: Point) -> Failpoints:
    return Failpoints([Failpoint(point, Action.KILL)], die)


@pytest.mark.parametrize("point", Point)
async def test_a_process_that_dies_at_a_point_leaves_behind_what_the_point_says(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender, point: Point
) -> None:
    await pipeline.insert(timezone="UTC", birthday_date="1990-01-15")
    points = kill_at(point)
    async with open_pipeline(
        pipeline.url, clock=clock, sender=sender, config=PipelineConfig(failpoints=points)
    ) as dying:
        with pytest.raises((Died, BaseExceptionGroup)):
            await live_through_the_day(dying, clock)
    assert points.arrivals[point] == 1
    batches = await pipeline.value("SELECT count(*) FROM queue_batches")
    assert (await pipeline.statuses(), len(sender.sent), batches) == LEFT_BEHIND[point]


async def test_points_that_are_not_armed_change_nothing(
    database_url: str, clock: FakeClock, sender: RecordingSender
) -> None:
    points = Failpoints([])
    async with open_pipeline(
        database_url, clock=clock, sender=sender, config=PipelineConfig(failpoints=points)
    ) as pipeline:
        await pipeline.insert(timezone="UTC", birthday_date="1990-01-15")
        await live_through_the_day(pipeline, clock)
        assert await pipeline.statuses() == ["SENT"]
    assert points.arrivals == dict.fromkeys(Point, 1)


async def test_a_turn_that_finds_nothing_is_no_arrival(
    database_url: str, clock: FakeClock, sender: RecordingSender
) -> None:
    points = Failpoints([])
    async with open_pipeline(
        database_url, clock=clock, sender=sender, config=PipelineConfig(failpoints=points)
    ) as pipeline:
        await live_through_the_day(pipeline, clock)
        await pipeline.recovery.run_once()
    assert points.arrivals == Counter()


async def test_queueing_again_is_an_arrival_as_well(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    points = Failpoints([Failpoint(Point.ENQUEUE_AFTER_COMMIT, Action.KILL, 2)], die)
    await pipeline.insert(timezone="UTC", birthday_date="1990-01-15")
    async with open_pipeline(
        pipeline.url, clock=clock, sender=sender, config=PipelineConfig(failpoints=points)
    ) as dying:
        await dying.daily.run_once()
        clock.set(NINE - timedelta(seconds=60))
        await dying.minute.run_once()
        clock.set(NINE + timedelta(minutes=20))
        with pytest.raises(Died):
            await dying.recovery.run_once()
    assert points.arrivals[Point.ENQUEUE_AFTER_COMMIT] == 2
