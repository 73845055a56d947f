"""From its third look on, recovery asks who was written lately: it misses nobody for it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.factories import Pipeline
from tests.fakes import START_AT, FakeClock
from tests.integration.services.held import Held, commit_when_blocked
from tests.integration.services.stages import HOUR, MINUTE, NINE

TEN_MINUTES = 10 * MINUTE
LONDON = {"timezone": "Europe/London", "birthday_date": "1990-01-15"}
IN_TOKYO = datetime(2027, 1, 15, tzinfo=UTC)


@pytest.fixture
async def known(pipeline: Pipeline, clock: FakeClock) -> UUID:
    """Whoever is planned for tomorrow, after two looks at everybody."""
    user = await pipeline.create(**LONDON)
    await look(pipeline, clock)
    await look(pipeline, clock)
    return user.id


async def look(pipeline: Pipeline, clock: FakeClock) -> tuple[int, int, int]:
    """Let ten minutes pass and recovery run; return what it planned, moved and cancelled."""
    clock.advance(TEN_MINUTES)
    counts = await pipeline.recovery.run_once()
    return counts["planned"], counts["retimed"], counts["cancelled"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("timezone = 'Asia/Tokyo'", (0, 1, 0)),
        ("birthday_date = '1990-06-01'", (0, 0, 1)),
        ("deleted_at = now()", (0, 0, 1)),
        ("unsubscribed_at = now()", (0, 0, 1)),
    ],
)
async def test_an_edit_is_found_whatever_it_says_of_when_it_was(
    pipeline: Pipeline, clock: FakeClock, known: UUID, change: str, found: tuple[int, int, int]
) -> None:
    long_ago = "updated_at = '2020-01-01', created_at = '2020-01-01'"
    await pipeline.execute(f"UPDATE users SET {change}, {long_ago} WHERE id = $1", known)  # noqa: S608
    assert await look(pipeline, clock) == found
    assert await look(pipeline, clock) == (0, 0, 0)


async def test_an_edit_that_is_taken_back_brings_the_greeting_back(
    pipeline: Pipeline, clock: FakeClock, known: UUID
) -> None:
    await pipeline.execute("UPDATE users SET unsubscribed_at = now()")
    assert await look(pipeline, clock) == (0, 0, 1)
    await pipeline.execute("UPDATE users SET unsubscribed_at = NULL, eligible_since = '-infinity'")
    assert await look(pipeline, clock) == (0, 1, 0)
    assert await pipeline.statuses(known) == ["SCHEDULED"]


@pytest.mark.usefixtures("known")
async def test_a_new_person_is_planned_also_far_within_what_was_planned(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    born = {"timezone": "Asia/Tokyo", "birthday_date": "1990-01-14"}
    missed = await pipeline.insert(**born, created_at="2020-01-01", updated_at="2020-01-01")
    assert await look(pipeline, clock) == (1, 0, 0)
    assert await pipeline.statuses(missed) == ["SCHEDULED"]


async def test_a_day_that_comes_near_is_planned_for_those_whom_nobody_touched(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(NINE - 5 * HOUR)
    person = await pipeline.insert(**LONDON)
    assert await look(pipeline, clock) == (0, 0, 0)
    assert await look(pipeline, clock) == (0, 0, 0)
    for _ in range(12):
        await look(pipeline, clock)
    assert await pipeline.statuses(person) == []
    clock.set(NINE - 2 * HOUR)
    assert await look(pipeline, clock) == (1, 0, 0)
    assert await pipeline.statuses(person) == ["SCHEDULED"]


async def test_an_edit_is_found_that_was_begun_long_before_it_was_committed(
    pipeline: Pipeline, clock: FakeClock, known: UUID
) -> None:
    async with pipeline.database.connection() as other, other.transaction():
        await other.execute("UPDATE users SET deleted_at = now() WHERE id = $1", known)
        for _ in range(3):
            assert await look(pipeline, clock) == (0, 0, 0)
    assert await look(pipeline, clock) == (0, 0, 1)


async def test_a_plan_that_read_a_person_before_an_edit_is_put_right(
    pipeline: Pipeline, clock: FakeClock, held: Held
) -> None:
    await look(pipeline, clock)
    await look(pipeline, clock)
    person = await pipeline.insert(**LONDON)
    planning = await held.plan()
    await pipeline.execute("UPDATE users SET timezone = 'Asia/Tokyo'")
    await commit_when_blocked(pipeline, held, planning, look(pipeline, clock))
    assert (await pipeline.message(person))["scheduled_send_time"] == IN_TOKYO


async def test_what_was_being_planned_during_the_first_look_is_put_right_by_the_second(
    pipeline: Pipeline, clock: FakeClock, held: Held
) -> None:
    person = await pipeline.insert(**LONDON)
    planning = await held.plan()
    await pipeline.execute("UPDATE users SET timezone = 'Asia/Tokyo'")
    assert await look(pipeline, clock) == (0, 0, 0)
    held.store.may_commit.set()
    await planning
    assert (await pipeline.message(person))["scheduled_send_time"] == NINE
    assert await look(pipeline, clock) == (0, 1, 0)
    assert (await pipeline.message(person))["scheduled_send_time"] == IN_TOKYO


@pytest.mark.usefixtures("known")
async def test_what_no_person_tells_of_is_found_once_a_day(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(NINE - 12 * HOUR)
    await pipeline.execute("UPDATE message_logs SET timezone = 'Europe/Paris'")
    assert await look(pipeline, clock) == (0, 0, 0)
    clock.set(START_AT + timedelta(days=1) + TEN_MINUTES)
    assert await look(pipeline, clock) == (0, 1, 0)


async def test_too_many_may_be_anybody(pipeline: Pipeline) -> None:
    async with pipeline.database.session() as session:
        first = await session.plans.find_written(None, at_most=2)
    assert first.user_ids is None
    ids = {await pipeline.insert(email=f"ada-{n}@example.com") for n in range(2)}
    async with pipeline.database.session() as session:
        found = await session.plans.find_written(first.horizon, at_most=2)
        assert found.horizon > first.horizon
        assert set(found.user_ids or ()) == ids
        assert (await session.plans.find_written(first.horizon, at_most=1)).user_ids is None
        assert (await session.plans.find_written(found.horizon, at_most=1)).user_ids == []


async def test_a_database_that_was_put_back_is_gone_through_anew(pipeline: Pipeline) -> None:
    async with pipeline.database.session() as session:
        now = await session.plans.find_written(None, at_most=1)
        assert (await session.plans.find_written(now.horizon + 1, at_most=1)).user_ids is None
