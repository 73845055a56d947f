"""What an edit with psql does, past every line of our code."""

from datetime import UTC, datetime

import pytest

from heyday.domain.models import User
from tests.factories import Pipeline
from tests.fakes import FakeClock, RecordingSender
from tests.integration.services.stages import HOUR, MINUTE, NINE


async def scheduled(pipeline: Pipeline, clock: FakeClock) -> User:
    clock.set(datetime(2027, 1, 14, 20, tzinfo=UTC))
    return await pipeline.create(timezone="Europe/London", birthday_date="1990-01-15")


async def queued(pipeline: Pipeline, clock: FakeClock) -> User:
    user = await scheduled(pipeline, clock)
    clock.set(NINE - MINUTE)
    await pipeline.minute.run_once()
    return user


SQL_EDITS = {
    "deleted": ("deleted_at = now()", "person deleted"),
    "unsubscribed": ("unsubscribed_at = now()", "person unsubscribed"),
    "date": ("birthday_date = '1990-06-01'", "date or time zone changed"),
    "cleared": ("birthday_date = NULL", "date or time zone changed"),
}


@pytest.mark.parametrize("edit", SQL_EDITS)
async def test_an_edit_by_sql_is_found_when_the_greeting_is_claimed(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender, edit: str
) -> None:
    change, reason = SQL_EDITS[edit]
    user = await queued(pipeline, clock)
    await pipeline.execute(f"UPDATE users SET {change}")  # noqa: S608
    clock.set(NINE)
    assert await pipeline.deliver_all() == 0
    row = await pipeline.message(user.id)
    assert (row["status"], row["error_message"]) == ("CANCELLED", reason)
    assert sender.sent == []


@pytest.mark.parametrize("edit", SQL_EDITS)
async def test_an_edit_by_sql_is_found_by_recovery(
    pipeline: Pipeline, clock: FakeClock, edit: str
) -> None:
    change, reason = SQL_EDITS[edit]
    user = await scheduled(pipeline, clock)
    await pipeline.execute(f"UPDATE users SET {change}")  # noqa: S608
    assert (await pipeline.recovery.run_once())["cancelled"] == 1
    row = await pipeline.message(user.id)
    assert (row["status"], row["error_message"]) == ("CANCELLED", reason)


async def test_a_move_by_sql_found_at_the_claim_is_planned_anew_in_the_same_breath(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await queued(pipeline, clock)
    await pipeline.execute("UPDATE users SET timezone = 'America/New_York'")
    clock.set(NINE)
    assert await pipeline.deliver_all() == 0
    row = await pipeline.message(user.id)
    assert (row["status"], row["scheduled_send_time"]) == ("SCHEDULED", NINE + 5 * HOUR)
    clock.set(NINE + 5 * HOUR)
    assert await pipeline.send_due() == 1


async def test_a_crash_between_claim_and_new_plan_loses_nothing(
    pipeline: Pipeline,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = await queued(pipeline, clock)
    await pipeline.execute("UPDATE users SET timezone = 'America/New_York'")
    clock.set(NINE)

    async def crash(*_: object) -> None:
        raise SystemError

    monkeypatch.setattr(type(pipeline.planner), "replan", crash)
    with pytest.raises(SystemError):
        await pipeline.deliver_all()
    monkeypatch.undo()
    clock.advance(5 * MINUTE)
    await pipeline.recovery.run_once()
    await pipeline.deliver_all()
    clock.set(NINE + 5 * HOUR)
    await pipeline.send_due()
    assert await pipeline.statuses(user.id) == ["SENT"]


async def test_a_move_by_sql_is_followed_by_recovery(pipeline: Pipeline, clock: FakeClock) -> None:
    user = await scheduled(pipeline, clock)
    await pipeline.execute("UPDATE users SET timezone = 'Asia/Tokyo'")
    assert (await pipeline.recovery.run_once())["retimed"] == 1
    assert (await pipeline.message(user.id))["scheduled_send_time"] == NINE - 9 * HOUR
    assert (await pipeline.recovery.run_once())["recovered"] == 0


@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("deleted_at = now()", "deleted_at = NULL"),
        ("unsubscribed_at = now()", "unsubscribed_at = NULL"),
        ("birthday_date = NULL", "birthday_date = '1990-01-15'"),
    ],
)
async def test_a_change_by_sql_that_is_taken_back_brings_the_greeting_back(
    pipeline: Pipeline, clock: FakeClock, change: str, back: str
) -> None:
    user = await scheduled(pipeline, clock)
    await pipeline.execute(f"UPDATE users SET {change}")  # noqa: S608
    await pipeline.recovery.run_once()
    assert await pipeline.statuses(user.id) == ["CANCELLED"]
    await pipeline.execute(f"UPDATE users SET {back}")  # noqa: S608
    await pipeline.recovery.run_once()
    assert await pipeline.statuses(user.id) == ["SCHEDULED"]
    assert (await pipeline.recovery.run_once())["recovered"] == 0


async def test_a_date_given_by_sql_for_today_is_planned_by_recovery(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(NINE - HOUR)
    user_id = await pipeline.insert()
    await pipeline.execute("UPDATE users SET birthday_date = '1990-01-15'")
    assert (await pipeline.recovery.run_once())["planned"] == 1
    assert (await pipeline.message(user_id))["scheduled_send_time"] == NINE


@pytest.mark.parametrize("given_back", ["1990-01-15", "1991-01-15"])
async def test_a_date_cleared_and_given_back_between_sweeps_apart_brings_the_greeting_back(
    pipeline: Pipeline, clock: FakeClock, given_back: str
) -> None:
    user = await scheduled(pipeline, clock)
    await pipeline.execute("UPDATE users SET birthday_date = NULL")
    await pipeline.recovery.run_once()
    assert await pipeline.statuses(user.id) == ["CANCELLED"]
    await pipeline.execute(f"UPDATE users SET birthday_date = '{given_back}'")  # noqa: S608
    await pipeline.recovery.run_once()
    assert await pipeline.statuses(user.id) == ["SCHEDULED"]


@pytest.mark.parametrize(("first", "second"), [("02-28", "02-29"), ("02-29", "02-28")])
async def test_a_greeting_comes_back_for_another_date_that_is_greeted_on_its_day(
    pipeline: Pipeline, clock: FakeClock, first: str, second: str
) -> None:
    clock.set(datetime(2027, 2, 27, tzinfo=UTC))
    user = await pipeline.create(birthday_date=f"1988-{first}")
    for change in ("NULL", f"'1988-{second}'"):
        await pipeline.execute(f"UPDATE users SET birthday_date = {change}")  # noqa: S608
        await pipeline.recovery.run_once()
    assert await pipeline.statuses(user.id) == ["SCHEDULED"]


async def test_a_greeting_comes_back_that_is_due_far_later_where_the_person_is_now(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await pipeline.create(timezone="Pacific/Kiritimati", birthday_date="1990-01-15")
    await pipeline.users.unsubscribe(user.id)
    clock.set(datetime(2027, 1, 15, 19, 30, tzinfo=UTC))  # more than a day after nine there
    await pipeline.execute("UPDATE users SET unsubscribed_at = NULL, timezone = 'Etc/GMT+12'")
    await pipeline.recovery.run_once()
    row = await pipeline.message(user.id)
    assert row["status"] == "SCHEDULED"
    assert row["scheduled_send_time"] == datetime(2027, 1, 15, 21, tzinfo=UTC)
