"""Edits, planners and claims that meet in the middle: two connections, ordered by barriers."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from heyday.db.plans import PlanRepository
from heyday.domain.message_types import BIRTHDAY
from heyday.domain.models import PlanRules, User
from tests.factories import Pipeline, person, seed_choice
from tests.fakes import START_AT, FakeClock, RecordingSender
from tests.integration.services.held import WINDOW, Held, commit_when_blocked

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)


async def sends_of(pipeline: Pipeline, clock: FakeClock, user_id: UUID) -> list[datetime]:
    """Live through the days; return the instants at which the person was greeted."""
    at = []
    while clock.now() < START_AT + 60 * HOUR:
        before = len(pipeline.sender.sent)
        await pipeline.send_due()
        sent = pipeline.sender.sent[before:]
        at += [clock.now() for message in sent if message.user_id == user_id]
        clock.advance(HOUR)
    return at


async def unplanned(pipeline: Pipeline, clock: FakeClock) -> User:
    """A person in London, born on 15 January, for whom nothing is planned yet."""
    user_id = await pipeline.insert(timezone="Europe/London", birthday_date="1990-01-15")
    clock.advance(SECOND)
    return await pipeline.users.get(user_id)


# --- A planner that is about to commit what an edit makes wrong -------------------------------


async def test_moving_waits_for_the_planner_and_moves_what_it_wrote(
    pipeline: Pipeline, held: Held, clock: FakeClock
) -> None:
    user = await unplanned(pipeline, clock)
    planning = await held.plan()
    moving = pipeline.users.patch(user.id, {"timezone": "America/New_York"})
    await commit_when_blocked(pipeline, held, planning, moving)
    row = await pipeline.message(user.id)
    assert (row["status"], row["scheduled_send_time"]) == ("SCHEDULED", NINE + 5 * HOUR)
    assert await sends_of(pipeline, clock, user.id) == [NINE + 5 * HOUR + SECOND]


async def test_a_new_name_waits_for_the_planner_and_is_in_the_text(
    pipeline: Pipeline, held: Held, clock: FakeClock
) -> None:
    user = await unplanned(pipeline, clock)
    planning = await held.plan()
    renaming = pipeline.users.patch(user.id, {"first_name": "Augusta"})
    await commit_when_blocked(pipeline, held, planning, renaming)
    assert "Augusta" in (await pipeline.message(user.id))["message_content"]


@pytest.mark.parametrize(
    ("birthday", "greeted_at"), [("1990-06-01", []), ("1990-01-16", [NINE + 24 * HOUR])]
)
async def test_a_date_that_moves_past_the_planner_is_caught_at_the_claim(
    pipeline: Pipeline,
    held: Held,
    clock: FakeClock,
    birthday: str,
    greeted_at: list[datetime],
) -> None:
    clock.set(START_AT + HOUR)
    user = await unplanned(pipeline, clock)
    planning = await held.plan()
    await pipeline.users.patch(user.id, {"birthday_date": birthday})
    held.store.may_commit.set()
    await planning
    assert (await pipeline.statuses(user.id))[0] == "SCHEDULED"  # stale, and known to be so
    clock.set(START_AT + HOUR)
    assert await sends_of(pipeline, clock, user.id) == greeted_at
    assert (await pipeline.statuses(user.id))[0] == "CANCELLED"


async def test_a_delete_that_passes_the_planner_is_caught_at_the_claim(
    pipeline: Pipeline, held: Held, clock: FakeClock
) -> None:
    user = await unplanned(pipeline, clock)
    planning = await held.plan()
    await pipeline.users.delete(user.id)
    held.store.may_commit.set()
    await planning
    assert await sends_of(pipeline, clock, user.id) == []
    assert await pipeline.statuses(user.id) == ["CANCELLED"]


# --- An edit that is about to commit what a planner does not see -----------------------------


async def test_the_planner_waits_for_a_move_and_writes_no_second_row(
    pipeline: Pipeline, held: Held, clock: FakeClock
) -> None:
    user = await unplanned(pipeline, clock)
    moving = await held.run_up_to_commit(
        held.users.patch(user.id, {"timezone": "America/New_York"})
    )
    counts = await commit_when_blocked(pipeline, held, moving, pipeline.daily.run_once())
    assert counts["planned"] == 0
    assert await sends_of(pipeline, clock, user.id) == [NINE + 5 * HOUR + SECOND]


async def test_a_person_stored_while_the_planner_runs_is_planned_once(
    pipeline: Pipeline, held: Held, clock: FakeClock
) -> None:
    storing = await held.run_up_to_commit(
        held.users.create(person(timezone="Europe/London", birthday_date="1990-01-15"))
    )
    assert (await pipeline.daily.run_once())["planned"] == 0
    held.store.may_commit.set()
    user = await storing
    assert (await pipeline.daily.run_once())["planned"] == 0
    assert await sends_of(pipeline, clock, user.id) == [NINE]


async def test_edits_of_one_person_at_once_leave_one_greeting_that_fits_the_last(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await unplanned(pipeline, clock)
    zones = ("America/New_York", "Asia/Tokyo", "Europe/Berlin", "UTC", "Asia/Kolkata")
    async with asyncio.timeout(30):
        await asyncio.gather(*(pipeline.users.patch(user.id, {"timezone": z}) for z in zones))
    row = await pipeline.message(user.id)
    stored = await pipeline.users.get(user.id)
    assert row["timezone"] == stored.timezone
    assert row["scheduled_send_time"] == pipeline.timezones.send_at(
        stored.timezone, row["delivery_date"]
    )
    assert len(await sends_of(pipeline, clock, user.id)) == 1


# --- Claims ----------------------------------------------------------------------------------


async def queued(pipeline: Pipeline, clock: FakeClock) -> User:
    user = await pipeline.create(timezone="Europe/London", birthday_date="1990-01-15")
    clock.set(NINE)
    await pipeline.minute.run_once()
    return user


@pytest.mark.parametrize("edit", ["delete", "clear"])
async def test_the_claim_waits_for_an_edit_and_sends_nothing(
    pipeline: Pipeline, held: Held, clock: FakeClock, sender: RecordingSender, edit: str
) -> None:
    user = await queued(pipeline, clock)
    await held.planner.prepare(pipeline.database, clock.now())
    editing = await held.run_up_to_commit(
        held.users.delete(user.id)
        if edit == "delete"
        else held.users.patch(user.id, {"birthday_date": None})
    )
    calls = await commit_when_blocked(pipeline, held, editing, pipeline.deliver_all())
    assert calls == 0
    assert sender.sent == []
    assert await pipeline.statuses(user.id) == ["CANCELLED"]


async def test_the_claim_waits_for_a_delete_by_sql_and_sends_nothing(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    user = await queued(pipeline, clock)
    async with pipeline.database.connection() as connection:
        deleting = connection.transaction()
        await deleting.start()
        await connection.execute("UPDATE users SET deleted_at = now() WHERE id = $1", user.id)
        claiming = asyncio.ensure_future(pipeline.deliver_all())
        try:
            await pipeline.wait_until_blocked()
        finally:
            await deleting.commit()
        assert await claiming == 0
    assert sender.sent == []
    assert await pipeline.statuses(user.id) == ["CANCELLED"]


async def test_a_claim_that_meets_a_move_to_another_month_tries_again(
    pipeline: Pipeline, held: Held, clock: FakeClock, sender: RecordingSender
) -> None:
    clock.set(datetime(2027, 1, 31, tzinfo=UTC))
    user = await pipeline.create(timezone="Pacific/Kiritimati", birthday_date="1990-02-01")
    clock.set(datetime(2027, 1, 31, 19, tzinfo=UTC))
    await pipeline.minute.run_once()
    await held.planner.prepare(pipeline.database, clock.now())
    moving = await held.run_up_to_commit(held.users.patch(user.id, {"timezone": "Asia/Tokyo"}))
    assert await commit_when_blocked(pipeline, held, moving, pipeline.deliver_all()) == 0
    assert sender.sent == []
    row = await pipeline.message(user.id)
    assert row["status"] == "SCHEDULED"
    assert row["scheduled_send_time"] == datetime(2027, 2, 1, tzinfo=UTC)


async def test_sweeping_the_late_waits_for_a_move_to_another_month(
    pipeline: Pipeline, held: Held, clock: FakeClock
) -> None:
    clock.set(datetime(2027, 1, 31, tzinfo=UTC))
    user = await pipeline.create(timezone="Pacific/Kiritimati", birthday_date="1990-02-01")
    clock.set(datetime(2027, 2, 1, 19, 0, 0, tzinfo=UTC))
    await held.planner.prepare(pipeline.database, clock.now())
    moving = await held.run_up_to_commit(held.users.patch(user.id, {"timezone": "Etc/GMT+11"}))
    clock.advance(SECOND)  # by its old instant the row is now too late
    counts = await commit_when_blocked(pipeline, held, moving, pipeline.recovery.run_once())
    assert counts["skipped"] == 0
    assert await pipeline.statuses(user.id) == ["SCHEDULED"]


async def test_two_workers_with_one_batch_send_it_once(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    for _ in range(20):
        await pipeline.create(timezone="Europe/London", birthday_date="1990-01-15")
    clock.set(NINE)
    await pipeline.minute.run_once()
    deliveries = pipeline.transport.deliveries()
    batch = (await anext(deliveries)).batch
    await deliveries.aclose()
    calls = await asyncio.gather(*(pipeline.sending.deliver(batch) for _ in range(4)))
    assert sum(calls) == len(set(sender.keys)) == len(sender.keys) == 20


async def test_a_claim_waits_for_another_of_the_same_batch_and_finds_nothing(
    pipeline: Pipeline, held: Held, clock: FakeClock, sender: RecordingSender
) -> None:
    await queued(pipeline, clock)
    async with contextlib.aclosing(pipeline.transport.deliveries()) as deliveries:
        batch = (await anext(deliveries)).batch
    await held.planner.prepare(pipeline.database, clock.now())
    now, rules = clock.now(), held.planner.claim_rules(clock.now())
    claiming = await held.run_up_to_commit(
        held.store.in_transaction(lambda s: s.messages.claim(batch, now, rules, HOUR))
    )
    calls = await commit_when_blocked(pipeline, held, claiming, pipeline.sending.deliver(batch))
    assert len((await claiming).messages) == 1
    assert calls == 0
    assert sender.sent == []


# --- A planner that trusts its join instead of the foreign key ---------------------------------


async def test_deleting_a_row_of_users_waits_for_the_planner_and_takes_its_rows_along(
    pipeline: Pipeline, held: Held, clock: FakeClock
) -> None:
    user = await unplanned(pipeline, clock)
    planning = await held.plan()
    deleting = pipeline.execute("DELETE FROM users WHERE id = $1", user.id)
    await commit_when_blocked(pipeline, held, planning, deleting)
    assert await pipeline.value("SELECT count(*) FROM users") == 0
    assert await pipeline.value("SELECT count(*) FROM message_logs") == 0


@pytest.mark.parametrize(("may_set", "role"), [(True, "replica"), (False, "origin")])
async def test_without_the_privilege_the_foreign_key_is_asked(
    pipeline: Pipeline, clock: FakeClock, *, may_set: bool, role: str
) -> None:
    """An account that may not switch the look-up off plans all the same."""
    await unplanned(pipeline, clock)
    account = f"heyday_test_{uuid4().hex[:8]}"
    await pipeline.execute(f"CREATE ROLE {account}")
    try:
        await pipeline.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {account}")
        if may_set:
            await pipeline.execute(f"GRANT SET ON PARAMETER session_replication_role TO {account}")
        async with pipeline.database.connection() as connection, connection.transaction():
            await connection.execute(f"SET LOCAL ROLE {account}")
            zone_days = list(pipeline.timezones.zone_days(["Europe/London"], WINDOW, clock.now()))
            rules = PlanRules(clock.now(), WINDOW.start_at, late_join=True, tzdb_version="test")
            texts = seed_choice(BIRTHDAY, zone_days)
            planned = await PlanRepository(connection).plan(BIRTHDAY, zone_days, rules, texts)
            assert planned == 1
            assert await connection.fetchval("SHOW session_replication_role") == role
    finally:
        if may_set:
            await pipeline.execute(
                f"REVOKE SET ON PARAMETER session_replication_role FROM {account}"
            )
        await pipeline.execute(f"DROP OWNED BY {account}")
        await pipeline.execute(f"DROP ROLE {account}")
