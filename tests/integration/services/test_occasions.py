"""A date that is corrected, or a policy that changes, brings no second greeting for an occasion."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.models import Batch, ClaimRules
from heyday.domain.policies import SkipPolicy, TimePolicies
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import FakeClock
from tests.integration.services.held import HeldStore
from tests.integration.services.stages import (
    DAY,
    HOUR,
    MINUTE,
    NINE,
    TimedSender,
    by_sql,
    live_on,
    planned,
    sending,
    sent,
)

REFUSED = Outcome(OutcomeKind.REFUSED, code=400)
NOT_NOW = Outcome(OutcomeKind.NOT_ACCEPTED, code=429)
UNCLEAR = Outcome(OutcomeKind.AMBIGUOUS, error="timeout")
KEY = "{}:BIRTHDAY:2027-01-15"


async def rows_of(pipeline: Pipeline, user_id: UUID) -> list[tuple[str, str, str | None]]:
    """Return delivery date, status and reason of each greeting."""
    rows = await pipeline.rows(
        "SELECT delivery_date, status, error_message FROM message_logs "
        "WHERE user_id = $1 ORDER BY delivery_date",
        user_id,
    )
    return [(f"{r['delivery_date']:%m-%d}", r["status"], r["error_message"]) for r in rows]


async def statuses_of(pipeline: Pipeline, user_id: UUID) -> list[str]:
    return [f"{on} {status}" for on, status, _ in await rows_of(pipeline, user_id)]


async def correct(pipeline: Pipeline, user_id: UUID, on: date, door: str = "service") -> None:
    if door == "sql":
        await by_sql(pipeline, user_id, f"birthday_date = '{on}'")
    else:
        await pipeline.users.patch(user_id, {"birthday_date": on.isoformat()})


@pytest.mark.parametrize("door", ["service", "sql"])
@pytest.mark.parametrize(
    ("days", "is_greeted"), [(1, False), (5, False), (179, False), (180, True), (200, True)]
)
async def test_a_date_corrected_by_less_than_180_days_after_the_greeting_brings_no_second(  # noqa: PLR0913
    pipeline: Pipeline,
    clock: FakeClock,
    sender: TimedSender,
    days: int,
    door: str,
    *,
    is_greeted: bool,
) -> None:
    async with sent(pipeline, clock, sender, 1) as (user_id,):
        await correct(pipeline, user_id, date(1990, 1, 15) + days * DAY, door)
    due_at = NINE + days * DAY
    if days > 100:
        due_at -= HOUR  # summer time
    if days > 1:
        clock.set(due_at - DAY)
        await pipeline.daily.run_once()
    await live_on(pipeline, clock, due_at + HOUR)
    first, second = await rows_of(pipeline, user_id)
    assert first[:2] == ("01-15", "SENT")
    if is_greeted:
        assert second[1:] == ("SENT", None)
    else:
        assert second[1:] == ("SKIPPED", "greeted for this occasion on 2027-01-15")
    assert len(sender.accepted) == 1 + is_greeted


async def test_the_year_after_the_corrected_date_is_greeted(
    pipeline: Pipeline, clock: FakeClock, sender: TimedSender
) -> None:
    async with sent(pipeline, clock, sender, 1) as (user_id,):
        await correct(pipeline, user_id, date(1990, 1, 20))
    clock.set(datetime(2028, 1, 19, tzinfo=UTC))
    await pipeline.daily.run_once()
    await live_on(pipeline, clock, datetime(2028, 1, 21, tzinfo=UTC))
    assert sender.accepted_for(user_id) == ["15 09:00:00", "20 09:00:00"]


@pytest.mark.parametrize(
    ("corrections", "rows"),
    [
        # Corrected again, and back to the day of the greeting.
        ([16, 17], ["01-15 SENT", "01-16 CANCELLED", "01-17 SKIPPED"]),
        ([16, 15], ["01-15 SENT", "01-16 CANCELLED"]),
        ([17, None, 17], ["01-15 SENT", "01-17 SKIPPED"]),
    ],
)
async def test_one_correction_after_another_brings_no_second_greeting(
    pipeline: Pipeline,
    clock: FakeClock,
    sender: TimedSender,
    corrections: Sequence[int | None],
    rows: Sequence[str],
) -> None:
    async with sent(pipeline, clock, sender, 1) as (user_id,):
        for day in corrections:
            clock.advance(MINUTE)
            given = f"1990-01-{day}" if day else None
            await pipeline.users.patch(user_id, {"birthday_date": given})
    await live_on(pipeline, clock, NINE + 4 * DAY)
    assert await statuses_of(pipeline, user_id) == rows
    assert len(sender.accepted) == 1


# What the provider says of the call during which the date was corrected to one that is due at
# once, and what becomes of both.
@pytest.mark.parametrize(
    ("outcome", "rows", "accepted"),
    [
        (None, ["01-14 SKIPPED", "01-15 SENT"], 1),
        (REFUSED, ["01-14 SENT", "01-15 FAILED"], 1),
        (NOT_NOW, ["01-14 SENT", "01-15 CANCELLED"], 1),
        (UNCLEAR, ["01-14 SKIPPED", "01-15 CANCELLED"], 0),
    ],
)
async def test_a_date_corrected_during_the_call_waits_for_how_it_ends(  # noqa: PLR0913, PLR0917
    pipeline: Pipeline,
    clock: FakeClock,
    sender: TimedSender,
    outcome: Outcome | None,
    rows: Sequence[str],
    accepted: int,
) -> None:
    async with sending(pipeline, clock, sender, 1) as (user_id,):
        if outcome:
            sender.script(KEY.format(user_id), outcome)
        # On Pago Pago it is the evening of the 14th.
        moved = {"birthday_date": "1990-01-14", "timezone": "Pacific/Pago_Pago"}
        await pipeline.users.patch(user_id, moved)
        assert await pipeline.send_due() == 0
        clock.advance(MINUTE)
        await pipeline.recovery.run_once()
        assert await pipeline.send_due() == 0
        assert await statuses_of(pipeline, user_id) == ["01-14 QUEUED", "01-15 SENDING"]
    clock.advance(2 * MINUTE)
    await pipeline.recovery.run_once()
    await pipeline.send_due()
    await live_on(pipeline, clock, NINE + DAY)
    assert await statuses_of(pipeline, user_id) == rows
    assert len(sender.accepted) == accepted


@pytest.mark.parametrize(("outcome", "ended"), [(REFUSED, "FAILED"), (NOT_NOW, "CANCELLED")])
async def test_a_greeting_that_was_surely_not_sent_does_not_count(
    pipeline: Pipeline, clock: FakeClock, sender: TimedSender, outcome: Outcome, ended: str
) -> None:
    async with planned(pipeline, clock, sender, 1) as (user_id,):
        sender.script(KEY.format(user_id), outcome)
        clock.set(NINE)
        await pipeline.send_due()
        await correct(pipeline, user_id, date(1990, 1, 16))
    await live_on(pipeline, clock, NINE + 2 * DAY)
    assert await statuses_of(pipeline, user_id) == [f"01-15 {ended}", "01-16 SENT"]


async def test_a_greeting_that_was_skipped_as_too_late_does_not_count(
    pipeline: Pipeline, clock: FakeClock, sender: TimedSender
) -> None:
    async with planned(pipeline, clock, sender, 1) as (user_id,):
        clock.set(NINE + 25 * HOUR)
        await pipeline.recovery.run_once()
        await correct(pipeline, user_id, date(1990, 1, 17))
    await live_on(pipeline, clock, NINE + 3 * DAY)
    assert await statuses_of(pipeline, user_id) == ["01-15 SKIPPED", "01-17 SENT"]


async def test_a_greeting_of_which_nobody_knows_counts_as_sent(
    database_url: str, clock: FakeClock
) -> None:
    sender = TimedSender(clock, honours_keys=False)
    async with open_pipeline(database_url, clock=clock, sender=sender) as pipeline:
        async with planned(pipeline, clock, sender, 1) as (user_id,):
            sender.script(KEY.format(user_id), UNCLEAR, UNCLEAR)
        await live_on(pipeline, clock, NINE + HOUR)
        await correct(pipeline, user_id, date(1990, 1, 16))
        await live_on(pipeline, clock, NINE + 2 * DAY)
        assert await statuses_of(pipeline, user_id) == ["01-15 UNKNOWN", "01-16 SKIPPED"]


async def test_the_other_type_is_another_occasion(
    pipeline: Pipeline, clock: FakeClock, sender: TimedSender
) -> None:
    clock.set(NINE - 13 * HOUR)
    user = await pipeline.create(birthday_date="1990-01-15", anniversary_date="2020-01-20")
    clock.set(NINE)
    await pipeline.send_due()
    moved = {"birthday_date": "1990-01-16", "anniversary_date": "2020-01-16"}
    await pipeline.users.patch(user.id, moved)
    await live_on(pipeline, clock, NINE + 2 * DAY)
    assert sender.keys == [f"{user.id}:BIRTHDAY:2027-01-15", f"{user.id}:ANNIVERSARY:2027-01-16"]


@pytest.mark.parametrize(("days", "claimed"), [(1, 1), (2, 0)])
async def test_how_long_an_occasion_is_one_is_set_for_each_type(
    pipeline: Pipeline, clock: FakeClock, sender: TimedSender, days: int, claimed: int
) -> None:
    async with sent(pipeline, clock, sender, 1) as (user_id,):
        await correct(pipeline, user_id, date(1990, 1, 16))
    clock.set(NINE + DAY)
    await pipeline.minute.run_once()
    (row,) = await pipeline.rows("SELECT * FROM message_logs WHERE status = 'QUEUED'")
    at = row["scheduled_send_time"]
    rules = ClaimRules((NINE, NINE), same_occasion=(days * DAY, 300 * DAY))
    claim = await pipeline.database.in_transaction(
        lambda session: session.messages.claim(
            Batch(uuid4(), at, at, at, (row["id"],)), clock.now(), rules, MINUTE
        )
    )
    assert len(claim.messages) == claimed


# --- 29 February, when its policy changes -----------------------------------------------------

FEBRUARY = datetime(2027, 2, 28, 9, tzinfo=UTC)


def leap(policy: SkipPolicy, late_window: timedelta = DAY) -> PipelineConfig:
    return PipelineConfig(time=TimePolicies(leap_day=policy, late_window=late_window))


@pytest.mark.parametrize(
    ("first", "changed_at", "then", "rows"),
    [
        # Planned before the change: it leaves as planned, and that was the one.
        ("BACKWARD", FEBRUARY - DAY, "FORWARD", ["02-28 SENT", "03-01 SKIPPED"]),
        ("BACKWARD", FEBRUARY + HOUR, "FORWARD", ["02-28 SENT", "03-01 SKIPPED"]),
        ("FORWARD", FEBRUARY - HOUR, "BACKWARD", ["02-28 SENT", "03-01 SKIPPED"]),
        ("FORWARD", FEBRUARY + HOUR, "BACKWARD", ["02-28 SENT", "03-01 SKIPPED"]),
        ("FORWARD", FEBRUARY + DAY + HOUR, "BACKWARD", ["03-01 SENT"]),
    ],
)
async def test_a_policy_that_changes_between_both_days_greets_once(  # noqa: PLR0913, PLR0917
    database_url: str,
    clock: FakeClock,
    sender: TimedSender,
    first: str,
    changed_at: datetime,
    then: str,
    rows: Sequence[str],
) -> None:
    clock.set(FEBRUARY - 2 * DAY)
    config = leap(SkipPolicy(first))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        user = await pipeline.create(birthday_date="1988-02-29")
        await pipeline.daily.run_once()
        await live_on(pipeline, clock, changed_at)
    config = leap(SkipPolicy(then))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await pipeline.daily.run_once()
        await live_on(pipeline, clock, FEBRUARY + 3 * DAY)
        assert await statuses_of(pipeline, user.id) == rows
    assert len(sender.accepted) == 1


async def both_days_queued(
    database_url: str, clock: FakeClock, sender: TimedSender, config: PipelineConfig
) -> list[asyncpg.Record]:
    """Have an outage over 28 February and 1 March, and a policy that changed; queue both days."""
    before = leap(SkipPolicy.BACKWARD, late_window=config.time.late_window)
    clock.set(FEBRUARY - 20 * HOUR)
    async with open_pipeline(database_url, clock=clock, sender=sender, config=before) as pipeline:
        await pipeline.create(birthday_date="1988-02-29")
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await pipeline.daily.run_once()
        clock.set(FEBRUARY + DAY + HOUR)
        await pipeline.minute.run_once()
        await pipeline.execute("DELETE FROM queue_batches")
        rows = await pipeline.messages()
    assert [row["status"] for row in rows] == ["QUEUED", "QUEUED"]
    return rows


def batch_of(*rows: asyncpg.Record) -> Batch:
    at = [row["scheduled_send_time"] for row in rows]
    return Batch(uuid4(), max(at), min(at), max(at), tuple(row["id"] for row in rows))


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches at once"])
async def test_both_days_due_at_once_after_an_outage_greet_once(
    database_url: str, clock: FakeClock, sender: TimedSender, *, together: bool
) -> None:
    config = leap(SkipPolicy.FORWARD, late_window=3 * DAY)
    rows = await both_days_queued(database_url, clock, sender, config)
    batches = [batch_of(*rows)] if together else [batch_of(row) for row in rows]
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        calls = await asyncio.gather(*(pipeline.sending.deliver(batch) for batch in batches))
        assert sum(calls) == 1
        await live_on(pipeline, clock, FEBRUARY + 3 * DAY)
        assert sorted(await pipeline.statuses()) == ["SENT", "SKIPPED"]
    assert len(sender.accepted) == 1


async def test_a_claim_of_one_day_waits_for_that_of_the_other(
    database_url: str, clock: FakeClock, sender: TimedSender
) -> None:
    config = leap(SkipPolicy.FORWARD, late_window=3 * DAY)
    one, other = map(batch_of, await both_days_queued(database_url, clock, sender, config))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        now, rules = clock.now(), pipeline.planner.claim_rules(clock.now())
        await pipeline.planner.prepare(pipeline.database, now)
        held = HeldStore(pipeline.database)
        claiming = asyncio.ensure_future(
            held.in_transaction(lambda s: s.messages.claim(one, now, rules, MINUTE))
        )
        await held.is_done.wait()
        delivering = asyncio.ensure_future(pipeline.sending.deliver(other))
        try:
            await pipeline.wait_until_blocked()
        finally:
            held.may_commit.set()
        assert len((await claiming).messages) == 1
        assert await delivering == 0
