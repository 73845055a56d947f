"""Deciding about many greetings: each by itself, in chunks, while others decide and send."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from heyday.db.audit import AuditRepository
from heyday.db.message_lists import MessageListRepository
from heyday.domain.audit import Actor, ActorKind, Deed, doing
from heyday.domain.errors import InvalidInput
from heyday.domain.message_filters import MessageFilter
from heyday.domain.message_lists import Counted, Look, Order
from heyday.domain.transitions import Status
from heyday.services import bulk_decisions
from heyday.services.auditing import AuditService
from heyday.services.bulk_decisions import BulkDecisions, BulkOutcome
from heyday.services.message_lists import MessageListService
from tests.factories import Pipeline
from tests.fakes import FakeClock, RecordingSender
from tests.integration.services.doubt import MINUTE, NINE, unknown

CANCELLED, FAILED, RETRYING, SENT = (
    Status.CANCELLED,
    Status.FAILED,
    Status.RETRYING,
    Status.SENT,
)
ALL = Look(MessageFilter(), Order.EARLIEST)


def service(pipeline: Pipeline) -> BulkDecisions:
    database = pipeline.database
    audit = AuditService(AuditRepository(database))
    lists = MessageListService(MessageListRepository(database), audit)
    return BulkDecisions(database, lists, pipeline.planner, pipeline.clock)


@pytest.fixture
def bulk(pipeline: Pipeline) -> BulkDecisions:
    """What decides about many, on the database of the test."""
    return service(pipeline)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of three."""
    monkeypatch.setattr(bulk_decisions, "CHUNK", 3)


async def planned(pipeline: Pipeline, clock: FakeClock, count: int) -> list[UUID]:
    clock.set(NINE - timedelta(hours=1))
    for number in range(count):
        await pipeline.create(
            timezone="UTC", birthday_date="1990-01-15", email=f"p{number}@example.com"
        )
    return [row["id"] for row in await pipeline.messages()]


async def put(pipeline: Pipeline, status: Status, *ids: UUID) -> None:
    await pipeline.execute(
        "UPDATE message_logs SET status = $1, lease_until = now() + interval '1 h' "
        "WHERE id = ANY ($2)",
        status.value,
        list(ids),
    )


async def test_of_the_chosen_ones_each_that_may_moves(
    pipeline: Pipeline, clock: FakeClock, bulk: BulkDecisions
) -> None:
    ids = await planned(pipeline, clock, 4)
    await put(pipeline, SENT, ids[0])
    await put(pipeline, Status.SENDING, ids[1])
    chosen = [*ids, ids[2], UUID(int=9)]
    outcome = await bulk.decide_some(chosen, CANCELLED, "a mistake")
    assert outcome == BulkOutcome(changed=2, moved_on=3)
    assert sorted(await pipeline.statuses()) == ["CANCELLED", "CANCELLED", "SENDING", "SENT"]


@pytest.mark.usefixtures("small_chunks")
async def test_all_that_fit_move_in_chunks_that_each_leave_a_line(
    pipeline: Pipeline, clock: FakeClock, bulk: BulkDecisions
) -> None:
    ids = await planned(pipeline, clock, 8)
    await put(pipeline, SENT, ids[0])
    assert await bulk.count(ALL, CANCELLED) == Counted(7, is_exact=True)
    deed = Deed(Actor(ActorKind.KEY, "a test"), "message.cancel", is_write=True)
    with doing(deed):
        outcome = await bulk.decide_all(ALL, CANCELLED, None, at_most=7)
    assert outcome == BulkOutcome(changed=7)
    assert sorted(await pipeline.statuses()) == ["CANCELLED"] * 7 + ["SENT"]
    lines = await pipeline.rows(
        "SELECT subject_ids FROM audit_log WHERE action = 'message.cancel' ORDER BY id"
    )
    named = [each for line in lines for each in line["subject_ids"]]
    changed = await pipeline.rows("SELECT user_id FROM message_logs WHERE status = 'CANCELLED'")
    assert sorted(named) == sorted(row["user_id"] for row in changed)
    assert [len(line["subject_ids"]) for line in lines] == [3, 3, 1]
    assert await bulk.count(ALL, CANCELLED) == Counted(0, is_exact=True)


@pytest.mark.usefixtures("small_chunks")
async def test_no_more_change_than_was_agreed_to(
    pipeline: Pipeline, clock: FakeClock, bulk: BulkDecisions
) -> None:
    await planned(pipeline, clock, 8)
    assert await bulk.decide_all(ALL, CANCELLED, None, at_most=5) == BulkOutcome(changed=5)
    assert sorted(await pipeline.statuses()) == ["CANCELLED"] * 5 + ["SCHEDULED"] * 3


@pytest.mark.usefixtures("small_chunks")
async def test_a_request_moves_only_so_many_and_says_that_more_are_left(
    pipeline: Pipeline,
    clock: FakeClock,
    bulk: BulkDecisions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bulk_decisions, "MOST_AT_ONCE", 4)
    await planned(pipeline, clock, 6)
    outcome = await bulk.decide_all(ALL, CANCELLED, None, at_most=6)
    assert outcome == BulkOutcome(changed=4, is_whole=False)
    assert await bulk.decide_all(ALL, CANCELLED, None, at_most=2) == BulkOutcome(changed=2)


async def test_a_filter_narrows_what_is_decided_about(
    pipeline: Pipeline, clock: FakeClock, bulk: BulkDecisions
) -> None:
    await planned(pipeline, clock, 2)
    await pipeline.create(timezone="Asia/Tokyo", birthday_date="1990-01-16")
    tokyo = Look(MessageFilter(timezone="Asia/Tokyo"), Order.LATEST)
    assert await bulk.count(tokyo, CANCELLED) == Counted(1, is_exact=True)
    sent = Look(MessageFilter(status=SENT), Order.LATEST)
    assert await bulk.decide_all(sent, CANCELLED, None, at_most=9) == BulkOutcome()
    assert await bulk.decide_all(tokyo, CANCELLED, None, at_most=9) == BulkOutcome(changed=1)
    rows = await pipeline.rows("SELECT timezone FROM message_logs WHERE status = 'CANCELLED'")
    assert [row[0] for row in rows] == ["Asia/Tokyo"]


async def test_a_retry_of_all_leaves_out_what_is_late_and_what_may_have_been_taken(
    pipeline: Pipeline, clock: FakeClock, bulk: BulkDecisions, sender: RecordingSender
) -> None:
    ids = [UUID(given) for given in await unknown(pipeline, clock, 5)]
    await put(pipeline, FAILED, *ids[:3])
    await pipeline.execute("UPDATE message_logs SET ambiguous_count = 0 WHERE id = $1", ids[0])
    await pipeline.execute("UPDATE message_logs SET ambiguous_since = NULL WHERE id = $1", ids[0])
    await pipeline.execute(
        "UPDATE message_logs SET scheduled_send_time = scheduled_send_time - interval '2 days' "
        "WHERE id = $1",
        ids[4],
    )
    assert await bulk.count(ALL, RETRYING) == Counted(2, is_exact=True)
    assert await bulk.decide_all(ALL, RETRYING, None, at_most=2) == BulkOutcome(changed=2)
    rows = {row["id"]: row["status"] for row in await pipeline.messages()}
    assert [rows[each] for each in ids] == ["RETRYING", "FAILED", "FAILED", "RETRYING", "UNKNOWN"]
    assert await pipeline.send_due() == 2
    assert len(sender.sent) == 2


async def test_a_note_that_may_not_be_kept_moves_nothing(
    pipeline: Pipeline, clock: FakeClock, bulk: BulkDecisions
) -> None:
    ids = await planned(pipeline, clock, 2)
    for deciding in (
        bulk.decide_some(ids, CANCELLED, "ada@example.com"),
        bulk.decide_all(ALL, CANCELLED, "ada@example.com", at_most=2),
    ):
        with pytest.raises(InvalidInput):
            await deciding
    assert await pipeline.statuses() == ["SCHEDULED"] * 2


@pytest.mark.usefixtures("small_chunks")
async def test_two_who_decide_at_once_change_each_one_once(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    ids = [UUID(given) for given in await unknown(pipeline, clock, 10)]
    async with asyncio.timeout(60):
        outcomes = await asyncio.gather(
            service(pipeline).decide_all(ALL, SENT, None, at_most=10),
            service(pipeline).decide_some(ids, FAILED, None),
            service(pipeline).decide_all(Look(MessageFilter(), Order.LATEST), FAILED, None, 10),
        )
    assert sum(outcome.changed for outcome in outcomes) == len(ids)
    statuses = await pipeline.statuses()
    assert outcomes[0].changed == statuses.count("SENT")
    traces = await pipeline.rows(
        "SELECT message_id FROM message_attempts WHERE outcome = 'resolved'"
    )
    assert sorted(row[0] for row in traces) == sorted(ids)


@pytest.mark.usefixtures("small_chunks")
async def test_while_a_worker_claims_each_is_cancelled_or_sent(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    ids = await planned(pipeline, clock, 24)
    clock.set(NINE)
    await pipeline.minute.run_once()
    async with asyncio.timeout(60):
        first, _, second = await asyncio.gather(
            service(pipeline).decide_some(ids[::2], CANCELLED, None),
            pipeline.deliver_all(),
            service(pipeline).decide_all(ALL, CANCELLED, None, at_most=24),
        )
    clock.advance(MINUTE)
    rows = {row["id"]: row for row in await pipeline.messages()}
    cancelled = [row for row in rows.values() if row["status"] == "CANCELLED"]
    assert len(cancelled) == first.changed + second.changed
    left = {row["idempotency_key"] for row in rows.values() if row["status"] == "SENT"}
    assert len(left) + len(cancelled) == len(ids)
    assert sorted(sender.keys) == sorted(left)
