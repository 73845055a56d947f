"""Everything that was due is accounted for, and what is not shows."""

from datetime import UTC, datetime, timedelta

from heyday.domain.models import TypeBalance
from tests.factories import Pipeline
from tests.fakes import FakeClock

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
LONG_AGO = "2020-01-01"


async def birthday(pipeline: Pipeline) -> TypeBalance:
    birthdays, anniversaries = await pipeline.reconciliation.reconcile()
    assert (birthdays.message_type, anniversaries.message_type) == ("BIRTHDAY", "ANNIVERSARY")
    return birthdays


async def due(pipeline: Pipeline, clock: FakeClock, count: int = 1) -> None:
    for _ in range(count):
        await pipeline.insert(timezone="UTC", birthday_date="1990-01-15")
    await pipeline.daily.run_once()
    await pipeline.execute("UPDATE message_logs SET created_at = $1", clock.now())


async def test_nothing_due_is_balanced(pipeline: Pipeline) -> None:
    balance = await birthday(pipeline)
    assert balance.is_balanced
    assert balance.due == 0


async def test_each_end_is_counted_by_itself(pipeline: Pipeline, clock: FakeClock) -> None:
    statuses = ("SENT", "SENT", "FAILED", "CANCELLED", "SKIPPED", "UNKNOWN", "RETRYING")
    await due(pipeline, clock, len(statuses))
    for row, status in zip(await pipeline.messages(), statuses, strict=True):
        await pipeline.execute(
            "UPDATE message_logs SET status = $2 WHERE id = $1", row["id"], status
        )
    clock.set(NINE + MINUTE)
    balance = await birthday(pipeline)
    assert balance == TypeBalance(
        message_type="BIRTHDAY", due=7, sent=2, failed=1, cancelled=1, skipped=1, unknown=1,
        live=1, overdue=0, unplanned=0,
    )  # fmt: skip
    assert balance.is_balanced


async def test_what_comes_later_is_not_due(pipeline: Pipeline, clock: FakeClock) -> None:
    await due(pipeline, clock)
    clock.set(NINE)
    assert (await birthday(pipeline)).due == 0
    clock.advance(timedelta(microseconds=1))
    assert (await birthday(pipeline)).due == 1


async def test_what_is_long_due_and_not_at_an_end_shows_as_overdue(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await due(pipeline, clock)
    clock.set(NINE + 5 * MINUTE)
    assert (await birthday(pipeline)).is_balanced
    clock.advance(timedelta(seconds=1))
    balance = await birthday(pipeline)
    assert (balance.overdue, balance.is_balanced) == (1, False)
    await pipeline.send_due()
    assert (await birthday(pipeline)).is_balanced


async def test_what_waits_for_its_next_attempt_is_not_overdue(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await due(pipeline, clock)
    clock.set(NINE + HOUR)
    await pipeline.execute(
        "UPDATE message_logs SET status = 'RETRYING', next_attempt_at = $1", NINE + HOUR
    )
    assert (await birthday(pipeline)).is_balanced


async def test_a_person_who_was_due_and_never_planned_shows_as_unplanned(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await pipeline.insert(timezone="UTC", birthday_date="1990-01-15", eligible_since=LONG_AGO)
    clock.set(NINE + HOUR)
    balance = await birthday(pipeline)
    assert (balance.due, balance.unplanned, balance.is_balanced) == (1, 1, False)
    await pipeline.recovery.run_once()
    await pipeline.send_due()
    balance = await birthday(pipeline)
    assert (balance.due, balance.sent, balance.is_balanced) == (1, 1, True)


async def test_the_next_greeting_is_known(pipeline: Pipeline, clock: FakeClock) -> None:
    await pipeline.insert(timezone="UTC", birthday_date="1990-01-15", first_name="Later")
    await pipeline.insert(timezone="Asia/Tokyo", birthday_date="1990-01-15", first_name="Sooner")
    await pipeline.daily.run_once()
    async with pipeline.database.session() as session:
        upcoming = await session.messages.find_next(clock.now())
        assert upcoming is not None
        assert (upcoming.first_name, upcoming.timezone) == ("Sooner", "Asia/Tokyo")
        assert upcoming.scheduled_send_at == NINE - 9 * HOUR
        assert await session.messages.find_next(NINE) is None
