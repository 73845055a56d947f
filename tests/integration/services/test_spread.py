"""A spread of the send time: planned, planned anew, moved when it is set otherwise, and sent."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from heyday.domain.message_types import BIRTHDAY
from heyday.domain.policies import TimePolicies
from heyday.domain.seed_texts import SeedShelf
from heyday.domain.spreading import offset_of
from heyday.domain.timezone import Window
from tests.books import BOOK, BookOf
from tests.factories import Pipeline, PipelineConfig, Start, open_pipeline
from tests.fakes import FakeClock, RecordingSender

ON = date(2027, 1, 15)
NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
NONE = timedelta()
PEOPLE = 60
IDS = [UUID(f"00000000-0000-0000-0000-{n:012}") for n in range(1, PEOPLE + 1)]

Open = Callable[..., AbstractAsyncContextManager[Pipeline]]


@pytest.fixture
def opened(start: Start) -> Open:
    """What starts a process with some spread, all on one database."""

    def begin(spread: timedelta, **policies: Any) -> AbstractAsyncContextManager[Pipeline]:
        return start(PipelineConfig(time=TimePolicies(spread=spread, **policies)))

    return begin


@pytest.fixture
async def spread(opened: Open) -> AsyncIterator[Pipeline]:
    """A process that spreads over two hours."""
    async with opened(2 * HOUR) as pipeline:
        yield pipeline


@pytest.fixture
async def exact(opened: Open) -> AsyncIterator[Pipeline]:
    """A process that does not spread, on the same database."""
    async with opened(NONE) as pipeline:
        yield pipeline


async def people(pipeline: Pipeline, count: int = PEOPLE) -> None:
    """Store people in London, whose birthday is the day."""
    await pipeline.execute(
        "INSERT INTO users (id, first_name, last_name, email, timezone, birthday_date, "
        "eligible_since) SELECT id, 'Ada', 'Lovelace', id || '@example.com', 'Europe/London', "
        "'1990-01-15', '-infinity' FROM unnest($1::uuid[]) AS id",
        IDS[:count],
    )


def own(user_id: UUID, spread: timedelta, on: date = ON) -> datetime:
    """Return when somebody in London is greeted on a date in January."""
    nine = datetime.combine(on, time(9), UTC)
    return nine + offset_of(f"{user_id}:BIRTHDAY:{on}", spread)


async def assert_all_lie_at(pipeline: Pipeline, spread: timedelta) -> None:
    rows = await pipeline.messages()
    assert len(rows) == PEOPLE
    assert [row["scheduled_send_time"] for row in rows] == sorted(
        own(row["user_id"], spread) for row in rows
    )
    assert all(own(row["user_id"], spread) == row["scheduled_send_time"] for row in rows)
    assert {row["spread"] for row in rows} == {spread // SECOND or None}


# --- The plan -----------------------------------------------------------------------------------


async def test_everybody_has_the_second_of_their_key(spread: Pipeline) -> None:
    await people(spread)
    assert (await spread.daily.run_once())["planned"] == PEOPLE
    await assert_all_lie_at(spread, 2 * HOUR)
    # Planned again there is nothing to do.
    assert await spread.daily.run_once() == {"retimed": 0, "planned": 0}


async def test_ids_begin_with_the_own_instant(spread: Pipeline) -> None:
    await people(spread)
    await spread.daily.run_once()
    rows = await spread.messages()
    assert [UUID(int=row["id"].int).int >> 80 for row in rows] == [
        round(row["scheduled_send_time"].timestamp() * 1000) for row in rows
    ]


async def test_without_a_spread_rows_are_as_ever(exact: Pipeline) -> None:
    await people(exact)
    await exact.daily.run_once()
    await assert_all_lie_at(exact, NONE)


async def test_one_type_may_be_spread_and_the_other_not(
    database_url: str, clock: FakeClock, sender: RecordingSender
) -> None:
    config = PipelineConfig(time_by_type={"ANNIVERSARY": TimePolicies(spread=HOUR)})
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        ada = await pipeline.insert(birthday_date="1990-01-15", anniversary_date="2020-01-15")
        await pipeline.daily.run_once()
        at = {row["message_type"]: row["scheduled_send_time"] for row in await pipeline.messages()}
    assert at == {
        "BIRTHDAY": NINE,
        "ANNIVERSARY": NINE + offset_of(f"{ada}:ANNIVERSARY:{ON}", HOUR),
    }


async def test_a_person_who_is_created_or_edited_has_the_same_second(
    spread: Pipeline, clock: FakeClock
) -> None:
    clock.set(NINE - HOUR)
    ada = await spread.create(timezone="Europe/London", birthday_date="1990-01-15")
    first = await spread.message()
    assert first["scheduled_send_time"] == own(ada.id, 2 * HOUR)
    await spread.users.patch(ada.id, {"first_name": "Augusta"})
    assert (await spread.message())["scheduled_send_time"] == first["scheduled_send_time"]
    assert (await spread.message())["spread"] == 7200
    # In another zone it is as long after nine there; back home, as before.
    await spread.users.patch(ada.id, {"timezone": "America/New_York"})
    assert (await spread.message())["scheduled_send_time"] == own(ada.id, 2 * HOUR) + 5 * HOUR
    await spread.users.patch(ada.id, {"timezone": "Europe/London"})
    assert (await spread.message())["scheduled_send_time"] == first["scheduled_send_time"]


async def test_windows_share_out_the_people_of_a_day(spread: Pipeline, clock: FakeClock) -> None:
    """Each is planned by the window that holds their instant, and by no other."""
    await people(spread)
    now = clock.now()
    borders = [NINE - HOUR, NINE, NINE + 17 * MINUTE, NINE + HOUR, NINE + 3 * HOUR]
    for start_at, end_at in pairwise(borders):
        expected = sum(start_at <= own(user_id, 2 * HOUR) < end_at for user_id in IDS)
        window = Window(start_at, end_at)
        assert await spread.planner.plan_window(spread.database, window, now) == expected
    await assert_all_lie_at(spread, 2 * HOUR)


async def test_a_spread_may_reach_into_the_next_month_of_utc(
    opened: Open, clock: FakeClock, sender: RecordingSender
) -> None:
    """In the westernmost zone the end of January is greeted from 21:00 to 01:00 UTC."""
    async with opened(4 * HOUR) as pipeline:
        await people(pipeline)
        await pipeline.execute(
            "UPDATE users SET timezone = 'Etc/GMT+12', birthday_date = '1990-01-31'"
        )
        clock.set(datetime(2027, 1, 30, tzinfo=UTC))
        await pipeline.daily.run_once()
        clock.set(datetime(2027, 2, 1, tzinfo=UTC))
        await pipeline.daily.run_once()
        clock.set(datetime(2027, 2, 1, 1, tzinfo=UTC))
        await pipeline.send_due()
        rows = await pipeline.messages()
    assert {row["delivery_date"] for row in rows} == {date(2027, 1, 31)}
    assert {row["scheduled_send_time"].month for row in rows} == {1, 2}
    assert len(rows) == len(sender.sent) == PEOPLE


async def test_texts_that_are_composed_for_each_person_go_with_a_spread(
    database_url: str, clock: FakeClock, sender: RecordingSender
) -> None:
    config = PipelineConfig(time=TimePolicies(spread=2 * HOUR), shelf=SeedShelf(BookOf(BOOK)))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        zoe = await pipeline.insert(
            first_name="Zoé", locale="fr", timezone="Europe/London", birthday_date="1990-01-15"
        )
        assert (await pipeline.daily.run_once())["planned"] == 1
        row = await pipeline.message()
        assert (row["language"], row["scheduled_send_time"]) == ("fr", own(zoe, 2 * HOUR))
        await pipeline.users.patch(zoe, {"last_name": "Noether"})
        row = await pipeline.message()
        assert "NOETHER" in row["message_content"]
        assert row["scheduled_send_time"] == own(zoe, 2 * HOUR)


# --- Late ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "planned"),
    [((False, -SECOND), 1), ((False, SECOND), 0), ((True, SECOND), 1), ((True, 4 * HOUR), 1)],
)
async def test_who_joins_is_greeted_at_their_second_or_if_it_is_past_at_once(
    opened: Open,
    clock: FakeClock,
    sender: RecordingSender,
    case: tuple[bool, timedelta],
    planned: int,
) -> None:
    late_join, after = case
    async with opened(2 * HOUR, late_join=late_join) as pipeline:
        clock.set(NINE - HOUR)
        ada = await pipeline.create(timezone="Europe/London")
        due_at = own(ada.id, 2 * HOUR)
        clock.set(due_at + after)
        await pipeline.users.patch(ada.id, {"birthday_date": "1990-01-15"})
        rows = await pipeline.messages()
        assert [row["scheduled_send_time"] for row in rows] == [due_at] * planned
        await pipeline.send_due()
        assert len(sender.sent) == (planned if after > NONE else 0)
        clock.set(max(due_at, clock.now()))
        await pipeline.send_due()
        assert len(sender.sent) == planned


async def test_after_downtime_everybody_of_the_last_day_is_caught_up(
    spread: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    """Late counts from the own second: who was due before it, is skipped."""
    await people(spread)
    await spread.daily.run_once()
    now = NINE + HOUR + timedelta(hours=24)
    clock.set(now)
    await spread.recovery.run_once()
    await spread.send_due()
    rows = await spread.messages()
    kept = [row for row in rows if row["scheduled_send_time"] >= now - timedelta(hours=24)]
    assert 0 < len(kept) < PEOPLE
    assert {row["status"] for row in kept} == {"SENT"}
    assert {row["status"] for row in rows if row not in kept} == {"SKIPPED"}
    assert len(sender.sent) == len(kept)


async def test_what_downtime_kept_from_being_planned_is_owed_from_its_own_second(
    spread: Pipeline, clock: FakeClock
) -> None:
    await people(spread)
    clock.set(NINE + HOUR)
    async with spread.database.session() as session:
        unplanned = await spread.planner.count_unplanned(session, BIRTHDAY, clock.now())
    due = [user_id for user_id in IDS if own(user_id, 2 * HOUR) < NINE + HOUR]
    assert unplanned == len(due)
    await spread.daily.run_once()
    async with spread.database.session() as session:
        assert await spread.planner.count_unplanned(session, BIRTHDAY, clock.now()) == 0
    await assert_all_lie_at(spread, 2 * HOUR)


# --- Sent ---------------------------------------------------------------------------------------


async def test_each_leaves_at_its_second_and_not_before(
    spread: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await people(spread)
    await spread.daily.run_once()
    instants = sorted({row["scheduled_send_time"] for row in await spread.messages()})
    for turn in sorted({*instants, *(at - SECOND for at in instants)}):
        clock.set(turn)
        await spread.send_due()
    rows = await spread.messages()
    assert all(row["actual_send_time"] == row["scheduled_send_time"] for row in rows)
    assert len(sender.sent) == PEOPLE


# --- Set otherwise ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [(NONE, 2 * HOUR), (2 * HOUR, NONE), (2 * HOUR, HOUR), (MINUTE, 4 * HOUR)],
)
async def test_another_spread_moves_all_that_is_not_sent(
    opened: Open, before: timedelta, after: timedelta
) -> None:
    async with opened(before) as former:
        await people(former)
        await former.daily.run_once()
        await assert_all_lie_at(former, before)
    async with opened(after) as present:
        counts = await present.daily.run_once()
        assert counts == {"retimed": PEOPLE, "planned": 0}
        await assert_all_lie_at(present, after)
        assert await present.daily.run_once() == {"retimed": 0, "planned": 0}


async def test_what_is_queued_is_moved_and_leaves_at_its_new_second(
    spread: Pipeline, exact: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await people(exact, 2)
    await exact.daily.run_once()
    clock.set(NINE - MINUTE)
    await exact.minute.run_once()
    assert await exact.statuses() == ["QUEUED", "QUEUED"]
    await spread.daily.run_once()
    rows = await spread.messages()
    assert [row["status"] for row in rows] == ["SCHEDULED", "SCHEDULED"]
    # The batch that is on its way names them, and finds nothing at nine.
    clock.set(NINE)
    await exact.deliver_all()
    assert sender.sent == []
    for row in rows:
        clock.set(row["scheduled_send_time"])
        await spread.send_due()
    assert len(sender.sent) == 2


async def test_two_processes_that_are_set_differently_do_not_move_rows_to_and_fro(
    spread: Pipeline, exact: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    """Recovery, every ten minutes, leaves a spread as it is: only a daily run moves it."""
    await people(exact)
    await exact.daily.run_once()
    await spread.daily.run_once()
    for minutes in range(0, 200, 10):
        clock.set(NINE - HOUR + minutes * MINUTE)
        for process in (exact, spread, exact):
            counts = await process.recovery.run_once()
            assert (counts["retimed"], counts["planned"]) == (0, 0)
        await exact.send_due()
    assert {row["epoch"] for row in await spread.messages()} == {2}  # one move, and the claim
    assert len(sender.sent) == PEOPLE
    assert all(
        row["actual_send_time"] >= own(row["user_id"], 2 * HOUR) for row in await spread.messages()
    )


async def test_another_send_time_is_followed_by_recovery_whatever_the_spread(
    database_url: str, spread: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await people(spread)
    await spread.daily.run_once()
    config = PipelineConfig(time=TimePolicies(send_time=time(10), spread=HOUR))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as later:
        clock.set(NINE - HOUR)
        assert (await later.recovery.run_once())["retimed"] == PEOPLE
        rows = await later.messages()
    assert all(row["scheduled_send_time"] == own(row["user_id"], HOUR) + HOUR for row in rows)


async def test_two_that_move_at_once_move_each_row_once(opened: Open) -> None:
    """A move is of rows that still lie where they were found."""
    async with opened(2 * HOUR) as one, opened(HOUR) as other:
        await people(one)
        await one.daily.run_once()
        async with one.database.session() as session:
            found = await session.plans.list_pending_days(BIRTHDAY, "2026f", None)
        (place,) = found
        assert (place.send_at, place.spread) == (NINE, 2 * HOUR)
        assert await other.planner.retime(other.database) == PEOPLE
        async with one.database.session() as session:
            assert await session.plans.retime(BIRTHDAY, {place: place}, "2026f") == 0
        await assert_all_lie_at(other, HOUR)
