"""A greeting that a person cancels: before anybody sends it, once, and for good."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from heyday.domain.errors import IllegalMove, MessageNotFound, ResolutionRefused
from heyday.domain.transitions import Status
from heyday.services.resolving import ResolutionService
from heyday.services.users import UserService
from tests.factories import Pipeline
from tests.fakes import FakeClock
from tests.integration.services.held import Held, commit_when_blocked
from tests.integration.services.stages import (
    DAY,
    HOUR,
    MINUTE,
    NINE,
    NOON_BEFORE,
    Stage,
    TimedSender,
    by_sql,
    enqueued,
    live_on,
    people,
    planned,
    retrying,
    seconds_before,
    sending,
    sent,
)

Edit = Callable[[UserService, UUID], Awaitable[object]]
BEFORE_SENDING: Mapping[str, Stage] = {
    "planned": planned,
    "enqueued": enqueued,
    "seconds before": seconds_before,
    "retrying": retrying,
}


@pytest.fixture
def cancelling(pipeline: Pipeline) -> ResolutionService:
    """What cancels greetings, on the database of the test."""
    return service(pipeline)


def service(pipeline: Pipeline) -> ResolutionService:
    return ResolutionService(pipeline.database, pipeline.planner, pipeline.clock, pipeline.metrics)


async def ids(pipeline: Pipeline) -> list[str]:
    return [str(row["id"]) for row in await pipeline.messages()]


async def queued(pipeline: Pipeline, held: Held, clock: FakeClock) -> str:
    """Return the id of a greeting whose batch is due at this very instant."""
    clock.set(NOON_BEFORE)
    await people(pipeline, 1)
    clock.set(NINE)
    await pipeline.minute.run_once()
    await held.planner.prepare(pipeline.database, clock.now())
    return str((await pipeline.message())["id"])


def held_service(pipeline: Pipeline, held: Held) -> ResolutionService:
    """What cancels and is then held at its COMMIT."""
    return ResolutionService(held.store, held.planner, pipeline.clock, pipeline.metrics)


# --- What it does --------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", BEFORE_SENDING)
async def test_what_nobody_sends_yet_is_never_sent(
    pipeline: Pipeline,
    clock: FakeClock,
    sender: TimedSender,
    cancelling: ResolutionService,
    stage: str,
) -> None:
    async with BEFORE_SENDING[stage](pipeline, clock, sender, 1):
        before = await pipeline.message()
        noted = len(await pipeline.rows("SELECT id FROM message_attempts"))
        assert await cancelling.cancel([str(before["id"])], "they asked for it") == [before["id"]]
        row = await pipeline.message()
        assert dict(row) == {
            **before,
            "status": "CANCELLED",
            "stage": "CANCELLED",
            "epoch": before["epoch"] + 1,
            "error_message": "cancelled by a person: they asked for it",
        }
    await live_on(pipeline, clock, NINE + DAY)
    assert sender.accepted == []
    assert await pipeline.statuses() == ["CANCELLED"]
    traces = await pipeline.rows("SELECT * FROM message_attempts ORDER BY id")
    assert len(traces) == noted + 1
    (last,) = traces[noted:]
    assert (last["outcome"], last["status"]) == ("resolved", "CANCELLED")
    assert (last["attempt"], last["epoch"]) == (before["retry_count"] + 1, row["epoch"])
    assert last["error_message"] == "they asked for it"


async def test_without_a_note_the_row_says_who_cancelled_it(
    pipeline: Pipeline, clock: FakeClock, sender: TimedSender, cancelling: ResolutionService
) -> None:
    async with planned(pipeline, clock, sender, 1):
        with capture_logs() as logs:
            await cancelling.cancel(await ids(pipeline))
    assert (await pipeline.message())["error_message"] == "cancelled by a person"
    assert logs == [{"event": "greetings_cancelled", "log_level": "info", "rows": 1}]


async def test_the_history_tells_of_it(
    pipeline: Pipeline, clock: FakeClock, sender: TimedSender, cancelling: ResolutionService
) -> None:
    async with planned(pipeline, clock, sender, 1):
        given = str((await pipeline.message())["id"])
        history = await cancelling.decide(UUID(given), Status.CANCELLED, "not this year")
    assert history.greeting.status is Status.CANCELLED
    told = [event.text for event in history.events()]
    assert "a person decided: CANCELLED (not this year)" in told


# --- What it refuses -----------------------------------------------------------------------------


async def test_what_is_being_sent_goes_on(
    pipeline: Pipeline, clock: FakeClock, sender: TimedSender, cancelling: ResolutionService
) -> None:
    async with sending(pipeline, clock, sender, 1):
        with pytest.raises(ResolutionRefused, match="being sent right now"):
            await cancelling.cancel(await ids(pipeline))
    assert await pipeline.statuses() == ["SENT"]


async def test_all_are_cancelled_or_none(
    pipeline: Pipeline, clock: FakeClock, sender: TimedSender, cancelling: ResolutionService
) -> None:
    async with sent(pipeline, clock, sender, 1):
        (gone,) = await ids(pipeline)
    await pipeline.create(timezone="UTC", birthday_date="1990-01-16")
    coming = [given for given in await ids(pipeline) if given != gone]
    absent = str(UUID(int=7))
    with pytest.raises(ResolutionRefused) as refused:
        await cancelling.cancel([*coming, gone, absent])
    assert {given: type(fault) for given, fault in refused.value.faults.items()} == {
        gone: IllegalMove,
        absent: MessageNotFound,
    }
    assert await pipeline.statuses() == ["SENT", "SCHEDULED"]
    again = await cancelling.cancel(coming)
    with pytest.raises(ResolutionRefused, match="from CANCELLED to CANCELLED"):
        await cancelling.cancel([str(given) for given in again])


# --- Nothing brings it back ----------------------------------------------------------------------


def patch(**fields: object) -> Edit:
    return lambda users, user_id: users.patch(user_id, fields)


async def leave_and_come_back(users: UserService, user_id: UUID) -> None:
    await users.delete(user_id)
    await users.undelete(user_id)


async def unsubscribe_and_come_back(users: UserService, user_id: UUID) -> None:
    await users.unsubscribe(user_id)
    await users.resubscribe(user_id)


async def move_there_and_back(users: UserService, user_id: UUID) -> None:
    await users.patch(user_id, {"birthday_date": "1990-06-01"})
    await users.patch(user_id, {"birthday_date": "1990-01-15"})


EDITS: Mapping[str, Edit] = {
    "another name": patch(first_name="Augusta"),
    "another zone": patch(timezone="America/New_York"),
    "another year": patch(birthday_date="1991-01-15"),
    "left and back": leave_and_come_back,
    "unsubscribed and back": unsubscribe_and_come_back,
    "moved and back": move_there_and_back,
}


@pytest.mark.parametrize("edit", EDITS)
async def test_no_edit_brings_it_back(
    pipeline: Pipeline,
    clock: FakeClock,
    sender: TimedSender,
    cancelling: ResolutionService,
    edit: str,
) -> None:
    async with planned(pipeline, clock, sender, 1) as (user_id,):
        await cancelling.cancel(await ids(pipeline))
        clock.advance(HOUR)
        await EDITS[edit](pipeline.users, user_id)
    assert await pipeline.statuses() == ["CANCELLED"]
    await live_on(pipeline, clock, NINE + DAY)
    assert (await pipeline.statuses(), sender.accepted) == (["CANCELLED"], [])


async def test_no_edit_by_sql_brings_it_back(
    pipeline: Pipeline, clock: FakeClock, sender: TimedSender, cancelling: ResolutionService
) -> None:
    async with planned(pipeline, clock, sender, 1) as (user_id,):
        await cancelling.cancel(await ids(pipeline))
        for change in ("deleted_at = now()", "deleted_at = NULL, first_name = 'Augusta'"):
            clock.advance(MINUTE)
            await by_sql(pipeline, user_id, change)
            counts = await pipeline.recovery.run_once()
            assert (counts["planned"], counts["retimed"]) == (0, 0)
    await pipeline.daily.run_once()
    assert await pipeline.statuses() == ["CANCELLED"]


async def test_another_date_is_another_greeting(
    pipeline: Pipeline, clock: FakeClock, sender: TimedSender, cancelling: ResolutionService
) -> None:
    async with planned(pipeline, clock, sender, 1) as (user_id,):
        await cancelling.cancel(await ids(pipeline))
        await pipeline.users.patch(user_id, {"birthday_date": "1990-01-16"})
    await live_on(pipeline, clock, NINE + 2 * DAY)
    assert sender.accepted_for(user_id) == ["16 09:00:00"]
    assert await pipeline.statuses() == ["CANCELLED", "SENT"]


# --- At once -------------------------------------------------------------------------------------


async def test_a_cancellation_that_commits_before_the_claim_wins(
    pipeline: Pipeline, held: Held, clock: FakeClock, sender: TimedSender
) -> None:
    given = await queued(pipeline, held, clock)
    cancelling = await held.run_up_to_commit(held_service(pipeline, held).cancel([given]))
    assert await commit_when_blocked(pipeline, held, cancelling, pipeline.deliver_all()) == 0
    assert (await pipeline.statuses(), sender.sent) == (["CANCELLED"], [])


async def test_a_cancellation_that_comes_after_the_claim_is_refused(
    pipeline: Pipeline, held: Held, clock: FakeClock
) -> None:
    given = await queued(pipeline, held, clock)
    async with contextlib.aclosing(pipeline.transport.deliveries()) as deliveries:
        batch = (await anext(deliveries)).batch
    rules = pipeline.planner.claim_rules(clock.now())
    claiming = await held.run_up_to_commit(
        held.store.in_transaction(lambda s: s.messages.claim(batch, clock.now(), rules, 2 * MINUTE))
    )
    cancelling = service(pipeline).cancel([given])
    with pytest.raises(ResolutionRefused, match="being sent right now"):
        await commit_when_blocked(pipeline, held, claiming, cancelling)
    assert await pipeline.statuses() == ["SENDING"]


async def test_the_statement_itself_cancels_nothing_that_is_being_sent(
    pipeline: Pipeline, held: Held, clock: FakeClock
) -> None:
    given = await queued(pipeline, held, clock)
    async with pipeline.database.session() as session:
        seen = await session.resolutions.lock([UUID(given)])
        await pipeline.execute("UPDATE message_logs SET status = 'SENDING', lease_until = now()")
        assert await session.resolutions.cancel(seen, clock.now(), None) == []
    assert await pipeline.statuses() == ["SENDING"]
    assert await pipeline.rows("SELECT id FROM message_attempts") == []


async def test_an_edit_that_waits_for_the_cancellation_does_not_undo_it(
    pipeline: Pipeline, held: Held, clock: FakeClock
) -> None:
    given = await queued(pipeline, held, clock)
    user_id = (await pipeline.message())["user_id"]
    cancelling = await held.run_up_to_commit(held_service(pipeline, held).cancel([given]))
    edit = pipeline.users.patch(user_id, {"first_name": "Augusta"})
    await commit_when_blocked(pipeline, held, cancelling, edit)
    assert await pipeline.statuses() == ["CANCELLED"]


async def test_of_many_each_is_either_cancelled_or_sent(
    pipeline: Pipeline, clock: FakeClock, sender: TimedSender, cancelling: ResolutionService
) -> None:
    clock.set(NOON_BEFORE)
    await people(pipeline, 24)
    clock.set(NINE)
    await pipeline.minute.run_once()
    given = await ids(pipeline)
    async with asyncio.timeout(60):
        answers = await asyncio.gather(
            *(cancelling.cancel([one]) for one in given[:12]),
            pipeline.deliver_all(),
            *(cancelling.cancel([one]) for one in given[12:]),
            return_exceptions=True,
        )
    refused = [answer for answer in answers if isinstance(answer, ResolutionRefused)]
    cancelled = [answer[0] for answer in answers if isinstance(answer, list)]
    assert len(refused) + len(cancelled) == len(given)
    rows = {row["id"]: row for row in await pipeline.messages()}
    assert {i for i, row in rows.items() if row["status"] == "CANCELLED"} == set(cancelled)
    left = {row["idempotency_key"] for i, row in rows.items() if i not in cancelled}
    assert {message.idempotency_key for message in sender.sent} == left
    assert len(sender.sent) == len(left) == len(refused)
