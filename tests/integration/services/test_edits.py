"""What an edit does to a greeting, wherever the greeting is on its way."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.models import User
from tests.factories import Pipeline
from tests.fakes import FakeClock, RecordingSender

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
EVE = datetime(2027, 1, 14, 20, tzinfo=UTC)
NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
"""The instant of the greeting of a person in London, born on 15 January."""
SECONDS = timedelta(seconds=1)
UNCLEAR = Outcome(OutcomeKind.AMBIGUOUS, error="timeout")
NOT_NOW = Outcome(OutcomeKind.NOT_ACCEPTED, code=429, retry_after=10 * 60 * SECONDS)

Stage = Callable[[Pipeline, FakeClock, RecordingSender], Awaitable[User]]


async def ada(pipeline: Pipeline) -> User:
    return await pipeline.create(timezone="Europe/London", birthday_date="1990-01-15")


async def scheduled(pipeline: Pipeline, clock: FakeClock, _: RecordingSender) -> User:
    clock.set(EVE)
    user = await ada(pipeline)
    clock.advance(SECONDS)
    return user


async def queued(pipeline: Pipeline, clock: FakeClock, _: RecordingSender) -> User:
    clock.set(EVE)
    user = await ada(pipeline)
    clock.set(NINE - 60 * SECONDS)
    await pipeline.minute.run_once()
    return user


async def retrying(pipeline: Pipeline, clock: FakeClock, sender: RecordingSender) -> User:
    clock.set(EVE)
    user = await ada(pipeline)
    sender.script(f"{user.id}:BIRTHDAY:2027-01-15", NOT_NOW)
    clock.set(NINE)
    await pipeline.send_due()
    return user


async def sent(pipeline: Pipeline, clock: FakeClock, _: RecordingSender) -> User:
    clock.set(EVE)
    user = await ada(pipeline)
    clock.set(NINE)
    await pipeline.send_due()
    return user


UNSENT: Mapping[str, Stage] = {"SCHEDULED": scheduled, "QUEUED": queued, "RETRYING": retrying}


@pytest.fixture(params=UNSENT)
async def unsent(
    request: pytest.FixtureRequest,
    pipeline: Pipeline,
    clock: FakeClock,
    sender: RecordingSender,
) -> User:
    """A person whose greeting is on its way and with no provider, in each such status."""
    user = await UNSENT[request.param](pipeline, clock, sender)
    assert await pipeline.statuses(user.id) == [request.param]
    sender.sent.clear()
    return user


async def live_through(pipeline: Pipeline, clock: FakeClock, hours: int) -> None:
    """Let schedulers and worker run for some hours."""
    for _ in range(hours):
        await pipeline.send_due()
        clock.advance(HOUR)


async def only_row(pipeline: Pipeline, user_id: UUID) -> asyncpg.Record:
    return await pipeline.message(user_id)


# --- Not yet sent -----------------------------------------------------------------------------


async def test_moving_west_moves_the_greeting(
    unsent: User, pipeline: Pipeline, clock: FakeClock
) -> None:
    await pipeline.users.patch(unsent.id, {"timezone": "America/New_York"})
    row = await only_row(pipeline, unsent.id)
    assert row["scheduled_send_time"] == NINE + 5 * HOUR
    assert (row["status"], row["timezone"]) == ("SCHEDULED", "America/New_York")
    clock.set(NINE + 5 * HOUR - SECONDS)
    assert await pipeline.send_due() == 0
    clock.advance(10 * 60 * SECONDS)
    assert await pipeline.send_due() == 1
    assert await pipeline.statuses(unsent.id) == ["SENT"]
    await live_through(pipeline, clock, 24)
    assert len(pipeline.sender.sent) == 1


async def test_moving_east_where_nine_has_passed_sends_at_once(
    unsent: User, pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(NINE - 60 * SECONDS)
    await pipeline.users.patch(unsent.id, {"timezone": "Europe/Berlin"})
    assert (await only_row(pipeline, unsent.id))["scheduled_send_time"] == NINE - HOUR
    clock.advance(15 * 60 * SECONDS)  # past any wait that a provider asked for
    await pipeline.send_due()
    assert await pipeline.statuses(unsent.id) == ["SENT"]


@pytest.mark.parametrize("door", ["service", "sql", "sql, found at the claim"])
async def test_moving_where_the_day_is_over_sends_at_once_what_was_promised(
    pipeline: Pipeline, clock: FakeClock, door: str
) -> None:
    user = await pipeline.create(timezone="Pacific/Honolulu", birthday_date="1990-01-14")
    # In Auckland it is the 15th already, and nine of the 14th was before this person was stored.
    clock.set(datetime(2027, 1, 14, 18, 59, 30, tzinfo=UTC))
    if door == "service":
        await pipeline.users.patch(user.id, {"timezone": "Pacific/Auckland"})
    elif door == "sql":
        await pipeline.execute("UPDATE users SET timezone = 'Pacific/Auckland'")
        await pipeline.recovery.run_once()
    else:
        await pipeline.minute.run_once()
        await pipeline.execute("UPDATE users SET timezone = 'Pacific/Auckland'")
        clock.advance(30 * SECONDS)
        assert await pipeline.deliver_all() == 0
    assert await pipeline.send_due() == 1
    row = await only_row(pipeline, user.id)
    assert (row["status"], str(row["delivery_date"])) == ("SENT", "2027-01-14")
    assert row["scheduled_send_time"] == datetime(2027, 1, 13, 20, tzinfo=UTC)
    await live_through(pipeline, clock, 30)
    assert len(pipeline.sender.sent) == 1


async def test_moving_where_it_is_too_late_by_now_cancels_with_the_reason(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await pipeline.create(timezone="Etc/GMT+12", birthday_date="1990-01-14")
    clock.set(datetime(2027, 1, 14, 20, tzinfo=UTC))  # nine on Kiritimati is 25 hours ago
    await pipeline.users.patch(user.id, {"timezone": "Pacific/Kiritimati"})
    row = await only_row(pipeline, user.id)
    assert (row["status"], row["error_message"]) == ("CANCELLED", "date or time zone changed")
    await pipeline.users.patch(user.id, {"timezone": "Etc/GMT+12"})
    assert await pipeline.statuses(user.id) == ["SCHEDULED"]
    await live_through(pipeline, clock, 30)
    assert len(pipeline.sender.sent) == 1


async def test_moving_west_past_the_horizon_does_not_lose_the_greeting(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await pipeline.create(timezone="Pacific/Kiritimati", birthday_date="1990-01-16")
    clock.advance(DAY)
    user = await pipeline.create(timezone="Pacific/Kiritimati", birthday_date="1990-01-17")
    for zone in ("Asia/Tokyo", "Europe/London", "America/New_York", "Etc/GMT+12"):
        await pipeline.users.patch(user.id, {"timezone": zone})
        row = await only_row(pipeline, user.id)
        assert (row["status"], row["timezone"]) == ("SCHEDULED", zone)
        assert row["scheduled_send_time"] == pipeline.timezones.send_at(zone, date(2027, 1, 17))
    await pipeline.daily.run_once()
    clock.set(datetime(2027, 1, 17, 21, tzinfo=UTC))
    assert await pipeline.send_due() == 1


async def test_a_new_date_cancels_the_old_greeting(
    unsent: User, pipeline: Pipeline, clock: FakeClock
) -> None:
    await pipeline.users.patch(unsent.id, {"birthday_date": "1990-06-01"})
    row = await only_row(pipeline, unsent.id)
    assert (row["status"], row["error_message"]) == ("CANCELLED", "date or time zone changed")
    await live_through(pipeline, clock, 26)
    assert pipeline.sender.sent == []


async def test_a_new_date_within_the_horizon_is_planned_in_its_place(
    unsent: User, pipeline: Pipeline
) -> None:
    await pipeline.users.patch(unsent.id, {"birthday_date": "1990-01-16"})
    assert await pipeline.statuses(unsent.id) == ["CANCELLED", "SCHEDULED"]
    assert [str(r["delivery_date"]) for r in await pipeline.messages(unsent.id)] == [
        "2027-01-15",
        "2027-01-16",
    ]


@pytest.mark.parametrize("cleared", [None, ""])
async def test_a_cleared_date_cancels(
    unsent: User, pipeline: Pipeline, clock: FakeClock, cleared: str | None
) -> None:
    await pipeline.users.patch(unsent.id, {"birthday_date": cleared})
    assert await pipeline.statuses(unsent.id) == ["CANCELLED"]
    await live_through(pipeline, clock, 26)
    assert pipeline.sender.sent == []


async def test_a_change_taken_back_brings_the_greeting_back(
    unsent: User, pipeline: Pipeline, clock: FakeClock
) -> None:
    await pipeline.users.patch(unsent.id, {"birthday_date": "1990-06-01"})
    clock.advance(SECONDS)
    await pipeline.users.patch(unsent.id, {"birthday_date": "1990-01-15"})
    row = await only_row(pipeline, unsent.id)
    assert (row["status"], row["error_message"]) == ("SCHEDULED", None)
    clock.set(NINE + 15 * 60 * SECONDS)
    assert await pipeline.send_due() == 1
    await live_through(pipeline, clock, 26)
    assert len(pipeline.sender.sent) == 1


async def test_a_change_taken_back_the_day_after_does_not_greet(
    unsent: User, pipeline: Pipeline, clock: FakeClock
) -> None:
    await pipeline.users.patch(unsent.id, {"birthday_date": None})
    clock.set(NINE + 16 * HOUR)
    await pipeline.users.patch(unsent.id, {"birthday_date": "1990-01-15"})
    assert await pipeline.statuses(unsent.id) == ["CANCELLED"]


async def test_a_new_name_is_in_the_text(
    unsent: User, pipeline: Pipeline, clock: FakeClock
) -> None:
    await pipeline.users.patch(unsent.id, {"first_name": "Augusta"})
    row = await only_row(pipeline, unsent.id)
    assert row["message_content"] == "Hey, Augusta Lovelace it's your birthday"
    assert row["scheduled_send_time"] == NINE
    clock.set(NINE + 15 * 60 * SECONDS)
    assert await pipeline.send_due() == 1
    assert pipeline.sender.sent[0].text == "Hey, Augusta Lovelace it's your birthday"


async def test_a_new_address_is_used_without_planning_anew(
    unsent: User, pipeline: Pipeline, clock: FakeClock
) -> None:
    before = await only_row(pipeline, unsent.id)
    await pipeline.users.patch(unsent.id, {"email": "augusta@example.com"})
    assert await only_row(pipeline, unsent.id) == before
    clock.set(NINE + 15 * 60 * SECONDS)
    await pipeline.send_due()
    assert pipeline.sender.sent[0].email == "augusta@example.com"


async def test_an_edit_that_changes_nothing_touches_no_row(
    unsent: User, pipeline: Pipeline
) -> None:
    before = await only_row(pipeline, unsent.id)
    await pipeline.users.patch(unsent.id, {"location_city": "London"})
    assert await only_row(pipeline, unsent.id) == before


async def test_a_corrected_year_changes_the_count_and_not_the_day(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(EVE)
    user = await pipeline.create(anniversary_date="2020-01-15")
    await pipeline.users.patch(user.id, {"anniversary_date": "2026-01-15"})
    row = await only_row(pipeline, user.id)
    assert row["status"] == "SCHEDULED"
    assert "1 year with us" in row["message_content"]
    # In the year it began there is no anniversary; back again, there is.
    await pipeline.users.patch(user.id, {"anniversary_date": "2020-01-16"})
    assert (await pipeline.statuses(user.id))[0] == "CANCELLED"
    await pipeline.users.patch(user.id, {"anniversary_date": "2020-01-15"})
    rows = {str(r["delivery_date"]): r["status"] for r in await pipeline.messages(user.id)}
    assert rows == {"2027-01-15": "SCHEDULED", "2027-01-16": "CANCELLED"}


async def test_a_corrected_year_keeps_a_greeting_that_an_outage_delayed(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(EVE)
    user = await ada(pipeline)
    clock.set(NINE + 17 * HOUR)  # nothing ran at nine; the 15th is over in London
    await pipeline.users.patch(user.id, {"birthday_date": "1991-01-15"})
    assert await pipeline.statuses(user.id) == ["SCHEDULED"]
    assert await pipeline.send_due() == 1


async def test_an_edit_keeps_the_wait_that_the_provider_asked_for(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    user = await retrying(pipeline, clock, sender)
    await pipeline.users.patch(user.id, {"first_name": "Augusta"})
    clock.advance(60 * SECONDS)
    assert await pipeline.send_due() == 0
    clock.advance(10 * 60 * SECONDS)
    assert await pipeline.send_due() == 1


async def test_both_greetings_of_a_person_follow_an_edit(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(EVE)
    user = await pipeline.create(birthday_date="1990-01-15", anniversary_date="2020-01-15")
    await pipeline.users.patch(user.id, {"timezone": "Asia/Tokyo"})
    rows = await pipeline.messages(user.id)
    assert [row["scheduled_send_time"] for row in rows] == [NINE - 9 * HOUR] * 2
    await pipeline.users.patch(user.id, {"anniversary_date": None})
    assert sorted(await pipeline.statuses(user.id)) == ["CANCELLED", "SCHEDULED"]


# --- Before planning, and after sending -------------------------------------------------------


async def test_an_edit_before_planning_counts_when_the_plan_is_made(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await pipeline.create(timezone="Europe/London", birthday_date="1990-02-15")
    assert await pipeline.messages(user.id) == []
    await pipeline.users.patch(user.id, {"timezone": "Asia/Tokyo", "first_name": "Augusta"})
    clock.set(datetime(2027, 2, 14, tzinfo=UTC))
    await pipeline.daily.run_once()
    row = await only_row(pipeline, user.id)
    assert row["scheduled_send_time"] == datetime(2027, 2, 15, tzinfo=UTC)
    assert "Augusta" in row["message_content"]


@pytest.mark.parametrize(
    "edit",
    [
        {"timezone": "America/New_York"},
        {"timezone": "Pacific/Kiritimati"},
        {"first_name": "Augusta"},
        {"birthday_date": "1991-01-15"},
        {"birthday_date": None},
    ],
)
async def test_a_greeting_that_was_sent_stays_as_it_is(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender, edit: Mapping[str, object]
) -> None:
    user = await sent(pipeline, clock, sender)
    before = await only_row(pipeline, user.id)
    await pipeline.users.patch(user.id, edit)
    await pipeline.recovery.run_once()
    assert await only_row(pipeline, user.id) == before
    await live_through(pipeline, clock, 26)
    assert len(sender.sent) == 1


async def test_an_edit_while_the_call_is_made_leaves_the_call_alone(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    user = await queued(pipeline, clock, sender)
    clock.set(NINE)
    await pipeline.execute(
        "UPDATE message_logs SET status = 'SENDING', epoch = 7, lease_until = now() + '1 h'"
    )
    before = await only_row(pipeline, user.id)
    await pipeline.users.patch(user.id, {"timezone": "Asia/Tokyo"})
    await pipeline.users.delete(user.id)
    assert await only_row(pipeline, user.id) == before


# --- After an unclear attempt -----------------------------------------------------------------


async def test_an_unclear_attempt_is_repeated_as_it_was_whatever_name_and_zone_are_now(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    clock.set(EVE)
    user = await ada(pipeline)
    sender.script(f"{user.id}:BIRTHDAY:2027-01-15", UNCLEAR)
    clock.set(NINE)
    await pipeline.send_due()
    await pipeline.users.patch(user.id, {"first_name": "Augusta", "timezone": "America/New_York"})
    await pipeline.recovery.run_once()
    clock.advance(5 * SECONDS)
    await pipeline.send_due()
    first, second = sender.sent
    assert (first.idempotency_key, first.text) == (second.idempotency_key, second.text)
    assert await pipeline.statuses(user.id) == ["SENT"]


async def test_an_unclear_attempt_is_not_repeated_for_a_person_who_left(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    clock.set(EVE)
    user = await ada(pipeline)
    sender.script(f"{user.id}:BIRTHDAY:2027-01-15", UNCLEAR)
    clock.set(NINE)
    await pipeline.send_due()
    await pipeline.users.delete(user.id)
    await live_through(pipeline, clock, 2)
    assert len(sender.sent) == 1
    assert await pipeline.statuses(user.id) == ["CANCELLED"]
