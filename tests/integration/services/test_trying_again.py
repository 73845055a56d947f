"""What FAILED and was surely never taken is tried once more, if a person decides so."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.errors import Conflict, IllegalMove, ResolutionRefused
from heyday.domain.models import Recorded
from heyday.domain.transitions import Status
from heyday.services.resolving import ResolutionService
from tests.factories import Pipeline
from tests.fakes import FakeClock, RecordingSender
from tests.integration.services.doubt import MINUTE, NINE

RETRYING = Status.RETRYING
REFUSED = Outcome(OutcomeKind.REFUSED, code=422, error="no such address")
TOLD = """
    INSERT INTO message_events (
        event_id, delivery_date, message_id, provider, kind, happened_at, received_at)
    SELECT $1, delivery_date, id, 'postmark', $2, $3, $3 FROM message_logs
"""


def service(pipeline: Pipeline) -> ResolutionService:
    return ResolutionService(pipeline.database, pipeline.planner, pipeline.clock, pipeline.metrics)


async def failed(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender, *outcomes: Outcome
) -> asyncpg.Record:
    """Return the row of a greeting that FAILED, by these outcomes of its attempts."""
    clock.set(NINE - timedelta(hours=1))
    await pipeline.create(timezone="UTC", birthday_date="1990-01-15", email="ada@exmaple.com")
    sender.script((await pipeline.message())["idempotency_key"], *outcomes)
    clock.set(NINE)
    for _ in outcomes:
        await pipeline.send_due()
        clock.advance(MINUTE)
    row = await pipeline.message()
    assert row["status"] == "FAILED"
    return row


async def test_it_leaves_for_the_address_that_is_right_now(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    before = await failed(pipeline, clock, sender, REFUSED)
    await pipeline.users.patch(before["user_id"], {"email": "ada@example.com"})
    retried = await service(pipeline).resolve([str(before["id"])], RETRYING, "address corrected")
    assert retried == [before["id"]]
    row = await pipeline.message()
    assert dict(row) == {
        **before,
        "status": "RETRYING",
        "stage": "PLANNED",
        "epoch": before["epoch"] + 1,
        "retry_count": 1,
        "next_attempt_at": clock.now(),
        "error_message": "address corrected",
    }
    assert await pipeline.send_due() == 1
    assert await pipeline.statuses() == ["SENT"]
    assert [(m.email, m.idempotency_key) for m in sender.sent] == [
        ("ada@exmaple.com", before["idempotency_key"]),
        ("ada@example.com", before["idempotency_key"]),
    ]
    noted = await pipeline.rows(
        "SELECT attempt, outcome, status, error_message FROM message_attempts ORDER BY id"
    )
    assert [tuple(each) for each in noted] == [
        (1, "refused", "FAILED", "no such address"),
        (1, "resolved", "RETRYING", "address corrected"),
        (2, "accepted", "SENT", None),
    ]
    assert len(await pipeline.rows("SELECT FROM idempotency_keys")) == 1


async def test_what_may_have_been_taken_is_never_tried_again(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    row = await failed(pipeline, clock, sender, Outcome(OutcomeKind.AMBIGUOUS), REFUSED)
    with pytest.raises(ResolutionRefused, match="could be a second letter") as refused:
        await service(pipeline).resolve([str(row["id"])], RETRYING)
    assert [type(fault) for fault in refused.value.faults.values()] == [IllegalMove]
    # The check before it may have looked at an older row: the statement looks for itself.
    async with pipeline.database.session() as session:
        seen = await session.resolutions.lock([row["id"]])
        assert await session.resolutions.retry_failed(seen, clock.now(), None) == []
    assert await pipeline.message() == row


@pytest.mark.parametrize(("kind", "is_tried"), [("delivered", False), ("dropped", True)])
async def test_what_its_provider_told_of_is_not_tried_again(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender, *, kind: str, is_tried: bool
) -> None:
    row = await failed(pipeline, clock, sender, REFUSED)
    await pipeline.execute(TOLD, uuid4(), kind, clock.now())
    if is_tried:
        assert await service(pipeline).resolve([str(row["id"])], RETRYING) == [row["id"]]
        return
    with pytest.raises(ResolutionRefused, match="its provider told that it took") as refused:
        await service(pipeline).resolve([str(row["id"])], RETRYING)
    assert [type(fault) for fault in refused.value.faults.values()] == [Conflict]
    assert await pipeline.message() == row
    assert len(await pipeline.rows("SELECT FROM message_attempts")) == 1


async def test_where_retries_are_spent_there_is_one_attempt_more(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    away = [Outcome(OutcomeKind.NOT_ACCEPTED, error="connection refused")] * 6
    row = await failed(pipeline, clock, sender, *away)
    sender.script(row["idempotency_key"], *away)
    await service(pipeline).resolve([str(row["id"])], RETRYING)
    await pipeline.send_due()
    assert (await pipeline.statuses(), len(sender.sent)) == (["FAILED"], 7)


@pytest.mark.parametrize(
    ("change", "status"),
    [("unsubscribed_at = now()", "CANCELLED"), ("birthday_date = '1990-06-01'", "CANCELLED")],
)
async def test_the_claim_looks_at_the_person_as_ever(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender, change: str, status: str
) -> None:
    row = await failed(pipeline, clock, sender, REFUSED)
    await pipeline.execute(f"UPDATE users SET {change}")  # noqa: S608
    await service(pipeline).resolve([str(row["id"])], RETRYING)
    await pipeline.send_due()
    assert (await pipeline.statuses(), len(sender.sent)) == ([status], 1)


async def test_of_two_who_decide_at_once_one_tries_again(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    row = await failed(pipeline, clock, sender, REFUSED)
    answers = await asyncio.gather(
        *(service(pipeline).resolve([str(row["id"])], RETRYING) for _ in range(3)),
        return_exceptions=True,
    )
    assert sorted(map(type, answers), key=str) == sorted(
        [list, ResolutionRefused, ResolutionRefused], key=str
    )
    await pipeline.send_due()
    assert (await pipeline.statuses(), len(sender.sent)) == (["SENT"], 2)


async def test_who_made_the_last_attempt_can_no_longer_write(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    row = await failed(pipeline, clock, sender, REFUSED)
    await service(pipeline).resolve([str(row["id"])], RETRYING)
    await pipeline.execute(
        "UPDATE message_logs SET status = 'SENDING', lease_until = now() + interval '1 h'"
    )
    late = Recorded(
        message_id=UUID(str(row["id"])),
        scheduled_send_at=NINE,
        epoch=row["epoch"],
        status=Status.FAILED,
        attempt=1,
        outcome="refused",
        finished_at=clock.now(),
        retry_count=0,
        ambiguous_count=0,
    )
    assert await pipeline.database.in_transaction(lambda s: s.messages.record([late])) == 0
    assert await pipeline.statuses() == ["SENDING"]
