"""Who cannot listen looks, and is woken by what there is to do, and by nothing else."""

import asyncio
from datetime import timedelta

import pytest

from heyday.db.connection import Database, PoolConfig
from heyday.db.notifications import BATCHES, CHANNELS, DUE, PACE, DueWakeup
from heyday.db.pacing import PostgresPace
from heyday.db.polling import Polling
from heyday.domain.message_types import ANNIVERSARY, BIRTHDAY, MESSAGE_TYPES
from heyday.domain.models import ClaimRules
from heyday.domain.pace import PacePolicy
from tests.factories import Pipeline
from tests.fakes import START_AT, FakeClock

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
# Of a person in UTC whose birthday is the day on which the clock stands.
NINE = START_AT.replace(hour=9, minute=0)
DAY = f"{START_AT.date().replace(year=1990)}"


@pytest.fixture
def polling(pipeline: Pipeline, clock: FakeClock) -> Polling:
    return Polling(pipeline.database, clock, pipeline.planner.claim_rules)


@pytest.fixture
async def scheduled(pipeline: Pipeline, clock: FakeClock) -> None:
    """One greeting that is to leave at nine."""
    clock.set(NINE - HOUR)
    await pipeline.create(timezone="UTC", birthday_date=DAY)
    assert await pipeline.statuses() == ["SCHEDULED"]


async def news(polling: Polling) -> set[str]:
    """Look once; return the channels that had news, and clear them."""
    await polling.look()
    told = {channel for channel in CHANNELS if polling.event(channel).is_set()}
    for channel in told:
        polling.event(channel).clear()
    return told


async def test_where_there_is_nothing_nobody_is_woken(polling: Polling) -> None:
    assert await news(polling) == set()


@pytest.mark.usefixtures("scheduled")
async def test_what_no_full_minute_will_take_in_time_is_news_until_it_is_queued(
    polling: Polling, pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(NINE - 5 * SECOND)
    assert await news(polling) == set()
    clock.advance(SECOND)
    assert await news(polling) == await news(polling) == {DUE}
    await pipeline.minute.run_once()
    assert await news(polling) == set()


@pytest.mark.usefixtures("scheduled")
async def test_what_may_not_leave_any_more_is_no_news(polling: Polling, clock: FakeClock) -> None:
    """Else schedulers would be woken for it again and again, and leave it each time."""
    clock.set(NINE + 24 * HOUR - SECOND)
    assert await news(polling) == {DUE}
    clock.advance(2 * SECOND)
    assert await news(polling) == set()


@pytest.mark.usefixtures("scheduled")
async def test_what_may_leave_is_asked_for_each_message_type(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(NINE + 2 * HOUR)
    windows = {BIRTHDAY.name: HOUR, ANNIVERSARY.name: 3 * HOUR}
    late = tuple(clock.now() - windows[t.name] for t in MESSAGE_TYPES)
    rules = ClaimRules(skip_before=late, same_occasion=(HOUR, HOUR))
    assert await news(Polling(pipeline.database, clock, lambda _: rules)) == set()
    await pipeline.create(timezone="UTC", anniversary_date=DAY)
    assert await news(Polling(pipeline.database, clock, lambda _: rules)) == {DUE}


@pytest.mark.usefixtures("scheduled")
async def test_a_retry_is_news_when_its_time_comes(
    polling: Polling, pipeline: Pipeline, clock: FakeClock
) -> None:
    again_at = NINE + 30 * SECOND
    await pipeline.execute(
        "UPDATE message_logs SET status = 'RETRYING', next_attempt_at = $1", again_at
    )
    clock.set(again_at - 6 * SECOND)
    assert await news(polling) == set()
    clock.advance(2 * SECOND)
    assert await news(polling) == {DUE}


async def test_a_slower_pace_is_news_once_each_time(polling: Polling, pipeline: Pipeline) -> None:
    other = PostgresPace(pipeline.database, asyncio.Event(), "http", PacePolicy())
    await other.slow_down(200, None)
    assert await news(polling) == {PACE}
    assert await news(polling) == set()
    await other.slow_down(200, 30 * SECOND)
    assert await news(polling) == {PACE}
    assert await news(polling) == set()


async def test_it_goes_on_looking_while_the_database_is_away(
    database_url: str, pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(NINE + HOUR)
    await pipeline.create(timezone="UTC", birthday_date=DAY)
    database = Database(PoolConfig(database_url, min_size=1))
    polling = Polling(database, clock, pipeline.planner.claim_rules, every=timedelta())
    looking = asyncio.create_task(polling.run())
    done, _ = await asyncio.wait({looking}, timeout=0.1)
    assert not done
    assert not polling.event(DUE).is_set()
    await database.open()
    async with asyncio.timeout(10):
        await polling.event(DUE).wait()
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    await database.close()


async def test_the_minute_scheduler_is_woken_by_it(
    polling: Polling, pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(NINE + HOUR)
    waiting = asyncio.create_task(DueWakeup(polling, clock).wait_until(clock.now() + HOUR))
    await clock.wait_for_sleepers()
    await pipeline.create(timezone="UTC", birthday_date=DAY)
    await polling.look()
    async with asyncio.timeout(10):
        await waiting


async def test_workers_are_left_to_look_for_batches_by_themselves(
    polling: Polling, pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(NINE + HOUR)
    await pipeline.create(timezone="UTC", birthday_date=DAY)
    await pipeline.minute.run_once()
    assert BATCHES not in await news(polling)
