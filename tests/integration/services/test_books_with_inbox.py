"""The books against what the inbox has: they agree after a run, and each difference shows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from heyday.db.inbox import InboxRepository
from heyday.db.partitions import drop_older
from heyday.db.seeding.sample import add_sample
from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.models import ClaimedMessage, Discrepancies, TypeBalance
from heyday.senders.inbox import InboxSender
from heyday.services.reconciling import OTHER, ReconciliationService
from tests.factories import Pipeline, open_pipeline, timezones_of
from tests.fakes import FakeClock, RecordingSender

MINUTE = timedelta(minutes=1)
NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
AGREED = Discrepancies()
POST = """
    INSERT INTO inbox_messages (idempotency_key, email, message, scheduled_send_time, received_at)
    VALUES ($1, 'ada@example.com', 'Hey', $2, $2)
"""
TAKE_AWAY = "DELETE FROM inbox_messages WHERE idempotency_key = $1"


class PostingSender(RecordingSender):
    """Put into the inbox whatever reaches the provider, also where its answer is lost."""

    inbox: InboxSender

    async def send(self, message: ClaimedMessage) -> Outcome:
        outcome = await super().send(message)
        if outcome.kind in {OutcomeKind.ACCEPTED, OutcomeKind.AMBIGUOUS}:
            await self.inbox.send(message)
        return outcome


@pytest.fixture
async def pipeline(database_url: str, clock: FakeClock) -> AsyncIterator[Pipeline]:
    """A pipeline that sends into the inbox."""
    sender = PostingSender()
    async with open_pipeline(database_url, clock=clock, sender=sender) as pipeline:
        sender.inbox = InboxSender(InboxRepository(pipeline.database), clock)
        yield pipeline


async def books(pipeline: Pipeline) -> list[TypeBalance]:
    inbox = InboxRepository(pipeline.database)
    service = ReconciliationService(pipeline.database, pipeline.planner, pipeline.clock, inbox)
    return await service.reconcile()


async def birthdays(pipeline: Pipeline) -> Discrepancies:
    """Return the differences among birthdays; there are none among anniversaries."""
    birthday, anniversary = await books(pipeline)
    assert anniversary.provider == AGREED
    assert birthday.provider is not None
    assert birthday.is_balanced == (birthday.provider == AGREED)
    return birthday.provider


async def sent(pipeline: Pipeline, clock: FakeClock, count: int = 3) -> list[str]:
    """Return the keys of greetings that were sent at their instant, by key."""
    clock.set(NINE - timedelta(hours=1))
    for _ in range(count):
        await pipeline.create(timezone="UTC", birthday_date="1990-01-15")
    clock.set(NINE)
    await pipeline.send_due()
    assert await pipeline.statuses() == ["SENT"] * count
    rows = await pipeline.rows("SELECT idempotency_key FROM inbox_messages ORDER BY id")
    return [row["idempotency_key"] for row in rows]


async def put(pipeline: Pipeline, key: str, changes: str) -> None:
    await pipeline.execute(
        f"UPDATE message_logs SET {changes} WHERE idempotency_key = $1",  # noqa: S608
        key,
    )


async def test_where_nobody_can_be_asked_nothing_is_said(pipeline: Pipeline) -> None:
    assert [b.provider for b in await pipeline.reconciliation.reconcile()] == [None, None]


async def test_without_letters_there_is_nothing_to_compare(pipeline: Pipeline) -> None:
    assert [b.provider for b in await books(pipeline)] == [AGREED, AGREED]


async def test_after_a_run_the_books_balance(pipeline: Pipeline, clock: FakeClock) -> None:
    await sent(pipeline, clock)
    clock.advance(timedelta(days=1))
    assert await birthdays(pipeline) == AGREED


async def test_what_is_sent_and_not_there_is_unconfirmed(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    keys = await sent(pipeline, clock)
    await pipeline.execute(TAKE_AWAY, keys[1])
    await pipeline.execute(TAKE_AWAY, keys[2])
    assert await birthdays(pipeline) == Discrepancies(unconfirmed=2)


async def test_what_was_sent_late_is_missed_too_while_the_first_letter_is_there(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(NINE - timedelta(hours=1))
    for _ in range(2):
        await pipeline.create(timezone="UTC", birthday_date="1990-01-15")
    clock.set(NINE + timedelta(hours=5))
    await pipeline.send_due()
    (key,) = [
        row["idempotency_key"]
        for row in await pipeline.rows("SELECT idempotency_key FROM inbox_messages WHERE id = 2")
    ]
    await pipeline.execute(TAKE_AWAY, key)
    assert await birthdays(pipeline) == Discrepancies(unconfirmed=1)
    assert (await books(pipeline))[0].late == 2


async def test_letters_thrown_away_up_to_a_date_are_not_missed(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    keys = await sent(pipeline, clock)
    # One that was recorded after the oldest letter that is left, and came before it.
    await put(pipeline, keys[0], f"actual_send_time = '{NINE + MINUTE}'")
    await pipeline.execute(
        "UPDATE inbox_messages SET received_at = received_at + interval '1 s' WHERE id > 1"
    )
    await pipeline.execute("DELETE FROM inbox_messages WHERE received_at < $1", NINE + MINUTE / 60)
    assert await pipeline.value("SELECT count(*) FROM inbox_messages") == 2
    assert await birthdays(pipeline) == AGREED
    # What is due from the oldest letter on is missed.
    await put(pipeline, keys[0], "scheduled_send_time = scheduled_send_time + interval '1 s'")
    assert await birthdays(pipeline) == Discrepancies(unconfirmed=1)
    await pipeline.execute("DELETE FROM inbox_messages")
    assert await birthdays(pipeline) == AGREED


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED", "SKIPPED", "UNKNOWN", "SCHEDULED"])
async def test_what_is_there_and_not_sent_is_unrecorded(
    pipeline: Pipeline, clock: FakeClock, status: str
) -> None:
    keys = await sent(pipeline, clock)
    await put(pipeline, keys[0], f"status = '{status}'")
    assert await birthdays(pipeline) == Discrepancies(unrecorded=1)


@pytest.mark.parametrize("status", ["QUEUED", "SENDING", "RETRYING"])
async def test_what_is_on_its_way_is_unrecorded_only_after_the_grace(
    pipeline: Pipeline, clock: FakeClock, status: str
) -> None:
    keys = await sent(pipeline, clock)
    await put(pipeline, keys[0], f"status = '{status}', lease_until = now()")
    clock.set(NINE + 5 * MINUTE)
    assert await birthdays(pipeline) == AGREED
    clock.advance(timedelta(microseconds=1))
    assert await birthdays(pipeline) == Discrepancies(unrecorded=1)
    await put(pipeline, keys[0], f"next_attempt_at = '{NINE + MINUTE}'")
    assert await birthdays(pipeline) == AGREED


async def test_an_answer_that_was_lost_is_no_difference_once_it_was_asked_again(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await pipeline.create(timezone="UTC", birthday_date="1990-01-15")
    lost = Outcome(OutcomeKind.AMBIGUOUS, error="no answer came in time")
    pipeline.sender.script(f"{user.id}:BIRTHDAY:2027-01-15", lost)
    clock.set(NINE)
    await pipeline.send_due()
    assert await pipeline.statuses() == ["RETRYING"]
    assert await birthdays(pipeline) == AGREED
    clock.advance(MINUTE)
    await pipeline.send_due()
    assert await pipeline.statuses() == ["SENT"]
    clock.advance(timedelta(hours=1))
    assert await birthdays(pipeline) == AGREED


async def test_a_letter_that_no_row_tells_of_is_orphaned(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    keys = await sent(pipeline, clock)
    await pipeline.execute("DELETE FROM message_logs WHERE idempotency_key = $1", keys[0])
    assert await birthdays(pipeline) == Discrepancies(orphaned=1)
    await pipeline.execute(POST, "8a6f2b1e-4c7d-4e30-8f3c-5d0a9b7e4d1c:BIRTHDAY:2027-01-15", NINE)
    assert await birthdays(pipeline) == Discrepancies(orphaned=2)


@pytest.mark.parametrize("key", ["what is this", "a:NAMEDAY:2027-01-15", "::", ""])
async def test_a_letter_of_no_message_type_has_a_line_of_its_own(
    pipeline: Pipeline, key: str
) -> None:
    await pipeline.execute(POST, key, NINE)
    assert (await books(pipeline))[2:] == [TypeBalance(OTHER, provider=Discrepancies(orphaned=1))]
    assert [b.is_balanced for b in await books(pipeline)] == [True, True, False]


async def test_a_person_who_was_removed_takes_their_letters_out_of_the_books(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await sent(pipeline, clock)
    await pipeline.execute("DELETE FROM users")
    assert await pipeline.value("SELECT count(*) FROM message_logs") == 0
    assert await birthdays(pipeline) == AGREED


async def test_a_month_that_was_dropped_takes_its_letters_out_of_the_books(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await sent(pipeline, clock)
    async with pipeline.database.connection() as connection:
        await drop_older(connection, NINE + timedelta(days=95), 2)
    assert await pipeline.value("SELECT count(*) FROM message_logs") == 0
    assert await birthdays(pipeline) == AGREED


async def test_the_sample_agrees_with_its_inbox(pipeline: Pipeline, clock: FakeClock) -> None:
    clock.set(NINE)
    async with pipeline.database.connection() as connection:
        await add_sample(connection, timezones_of(), clock.now())
    assert await pipeline.value("SELECT count(*) FROM inbox_messages") > 10
    assert [b.provider for b in await books(pipeline)] == [AGREED, AGREED]


# --- What tells, and is no difference ----------------------------------------------------------


async def test_late_is_more_than_a_minute_after_the_instant(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    keys = await sent(pipeline, clock)
    clock.advance(MINUTE)
    await put(pipeline, keys[0], f"actual_send_time = '{NINE + MINUTE}'")
    birthday, _ = await books(pipeline)
    assert birthday.late == 0
    await put(
        pipeline, keys[0], f"actual_send_time = '{NINE + MINUTE + timedelta(microseconds=1)}'"
    )
    birthday, _ = await books(pipeline)
    assert (birthday.late, birthday.is_balanced) == (1, True)


async def test_people_whom_no_clock_can_be_found_for_are_counted_and_owed_nothing(
    pipeline: Pipeline,
) -> None:
    for zone in ("Mars/Olympus", "Mars/Olympus", "Atlantis", "UTC"):
        await pipeline.insert(timezone=zone, birthday_date="1990-01-15")
    await pipeline.execute("UPDATE users SET deleted_at = now() WHERE timezone = 'Atlantis'")
    found = await pipeline.reconciliation.open_books()
    assert (found.ungreetable, found.is_balanced) == (2, True)


async def test_a_day_of_downtime_is_caught_up_and_flagged_late(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(NINE - timedelta(hours=1))
    for zone in ("UTC", "Europe/London", "Pacific/Kiritimati"):
        await pipeline.create(timezone=zone, birthday_date="1990-01-15")
    clock.set(NINE + timedelta(hours=23))
    await pipeline.recovery.run_once()
    await pipeline.send_due()
    birthday, _ = await books(pipeline)
    assert birthday.is_balanced
    # On Kiritimati nine o'clock was more than a day ago.
    assert (birthday.sent, birthday.late, birthday.skipped) == (2, 2, 1)
