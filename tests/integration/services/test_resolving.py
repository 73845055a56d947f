"""What a person decides about greetings that are UNKNOWN, and who gets in its way."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from heyday.domain.errors import (
    Conflict,
    HeydayError,
    IllegalMove,
    InvalidInput,
    MessageNotFound,
    NotFound,
    ResolutionRefused,
)
from heyday.domain.models import Recorded
from heyday.domain.transitions import Status
from heyday.services.resolving import ResolutionService
from tests.factories import Pipeline, open_pipeline
from tests.fakes import FakeClock, RecordingSender
from tests.integration.services.doubt import LAST_TRIED, MINUTE, NINE, unknown
from tests.integration.services.held import Held, commit_when_blocked

SENT, FAILED, RETRYING = Status.SENT, Status.FAILED, Status.RETRYING


@pytest.fixture
def resolving(pipeline: Pipeline) -> ResolutionService:
    """What settles greetings, on the database of the test."""
    return service(pipeline)


def service(pipeline: Pipeline) -> ResolutionService:
    return ResolutionService(pipeline.database, pipeline.planner, pipeline.clock, pipeline.metrics)


async def put(pipeline: Pipeline, message_id: str, status: Status) -> None:
    await pipeline.execute(
        "UPDATE message_logs SET status = $2, lease_until = now() + interval '1 h' WHERE id = $1",
        UUID(message_id),
        status.value,
    )


async def trace(pipeline: Pipeline) -> list[tuple[object, ...]]:
    """Return what stands of decisions among the attempts."""
    rows = await pipeline.rows(
        "SELECT attempt, epoch, status, finished_at, error_message FROM message_attempts "
        "WHERE outcome = 'resolved' ORDER BY id"
    )
    return [tuple(row.values()) for row in rows]


def illegal_moves(pipeline: Pipeline, source: Status, target: Status) -> float:
    labels = {"source": source.value, "target": target.value}
    name = "heyday_illegal_moves_total"
    return pipeline.metrics.registry.get_sample_value(name, labels) or 0.0


# --- The three decisions -----------------------------------------------------------------------


@pytest.mark.parametrize("target", [SENT, FAILED, RETRYING])
async def test_a_decision_moves_the_row_and_leaves_a_trace(
    pipeline: Pipeline, clock: FakeClock, resolving: ResolutionService, target: Status
) -> None:
    (given,) = await unknown(pipeline, clock)
    before = await pipeline.message()
    assert await resolving.resolve([given], target, "seen in its log") == [UUID(given)]
    row = await pipeline.message()
    assert dict(row) == {
        **before,
        "status": target.value,
        "stage": "PLANNED" if target is RETRYING else target.value,
        "epoch": 3,
        "retry_count": 2 if target is RETRYING else 1,
        "ambiguous_since": None if target is RETRYING else NINE,
        "actual_send_time": LAST_TRIED if target is SENT else None,
        "next_attempt_at": clock.now() if target is RETRYING else None,
        "error_message": "seen in its log",
    }
    assert await trace(pipeline) == [(2, 3, target.value, clock.now(), "seen in its log")]


async def test_without_a_note_the_row_says_who_decided(
    pipeline: Pipeline, clock: FakeClock, resolving: ResolutionService
) -> None:
    (given,) = await unknown(pipeline, clock)
    await resolving.resolve([given], FAILED)
    assert (await pipeline.message())["error_message"] == "decided by a person"
    assert [row[-1] for row in await trace(pipeline)] == [None]


@pytest.mark.parametrize("outcome", ["not_tried", "forgotten"])
async def test_what_was_sent_without_an_attempt_on_record_was_sent_now(
    pipeline: Pipeline, clock: FakeClock, resolving: ResolutionService, outcome: str
) -> None:
    (given,) = await unknown(pipeline, clock)
    await pipeline.execute("UPDATE message_attempts SET outcome = $1", outcome)
    await resolving.resolve([given], SENT)
    assert (await pipeline.message())["actual_send_time"] == clock.now()


async def test_many_are_settled_together_and_a_repeated_id_once(
    pipeline: Pipeline, clock: FakeClock, resolving: ResolutionService
) -> None:
    ids = await unknown(pipeline, clock, 3)
    resolved = await resolving.resolve([*ids, ids[0], ids[0].upper()], FAILED)
    assert sorted(map(str, resolved)) == sorted(ids)
    assert await pipeline.statuses() == ["FAILED"] * 3
    assert len(await trace(pipeline)) == 3


# --- A retry -----------------------------------------------------------------------------------


async def test_a_retry_wakes_the_scheduler_and_sends_the_same_letter(
    pipeline: Pipeline,
    clock: FakeClock,
    resolving: ResolutionService,
    sender: RecordingSender,
    database_url: str,
) -> None:
    (given,) = await unknown(pipeline, clock)
    before = await pipeline.message()
    # What may have been sent already is the same message, whatever the person is called now.
    await pipeline.execute("UPDATE users SET first_name = 'Augusta', timezone = 'Asia/Tokyo'")
    woken = asyncio.Event()
    connection = await asyncpg.connect(database_url)
    try:
        await connection.add_listener("heyday_due", lambda *_: woken.set())
        await resolving.resolve([given], RETRYING)
        async with asyncio.timeout(10):
            await woken.wait()
    finally:
        await connection.close()
    assert await pipeline.send_due() == 1
    row = await pipeline.message()
    assert (row["status"], row["ambiguous_count"]) == ("SENT", 2)
    assert [(m.idempotency_key, m.text) for m in sender.sent] == [
        (before["idempotency_key"], before["message_content"])
    ]


async def test_a_retry_is_made_also_where_the_provider_knows_no_keys(
    database_url: str, clock: FakeClock
) -> None:
    sender = RecordingSender(honours_keys=False)
    async with open_pipeline(database_url, clock=clock, sender=sender) as pipeline:
        (given,) = await unknown(pipeline, clock)
        await service(pipeline).resolve([given], RETRYING)
        assert await pipeline.send_due() == 1
        assert (await pipeline.statuses(), len(sender.sent)) == (["SENT"], 1)


@pytest.mark.parametrize("left", ["deleted_at", "unsubscribed_at"])
async def test_a_retry_looks_at_the_person_before_it_sends(
    pipeline: Pipeline,
    clock: FakeClock,
    resolving: ResolutionService,
    sender: RecordingSender,
    left: str,
) -> None:
    (given,) = await unknown(pipeline, clock)
    await pipeline.execute(f"UPDATE users SET {left} = now()")  # noqa: S608
    await resolving.resolve([given], RETRYING)
    await pipeline.send_due()
    assert (await pipeline.statuses(), sender.sent) == (["CANCELLED"], [])


async def test_a_retry_that_would_be_skipped_is_refused_with_advice(
    pipeline: Pipeline, clock: FakeClock, resolving: ResolutionService
) -> None:
    (given,) = await unknown(pipeline, clock)
    clock.set(NINE + timedelta(hours=24, microseconds=1))
    with pytest.raises(ResolutionRefused, match="settle it as sent or as failed") as refused:
        await resolving.resolve([given], RETRYING)
    assert [type(fault) for fault in refused.value.faults.values()] == [Conflict]
    assert await pipeline.statuses() == ["UNKNOWN"]
    await resolving.resolve([given], FAILED)
    assert await pipeline.statuses() == ["FAILED"]


async def test_a_retry_at_the_end_of_the_late_window_still_leaves(
    pipeline: Pipeline, clock: FakeClock, resolving: ResolutionService
) -> None:
    (given,) = await unknown(pipeline, clock)
    clock.set(NINE + timedelta(hours=24))
    await resolving.resolve([given], RETRYING)
    assert await pipeline.send_due() == 1
    assert await pipeline.statuses() == ["SENT"]


# --- All or none -------------------------------------------------------------------------------


def faults_of(error: ResolutionRefused) -> dict[str, type[HeydayError]]:
    return {given: type(fault) for given, fault in error.faults.items()}


async def test_one_wrong_id_keeps_all_as_they_are_and_each_is_named(
    pipeline: Pipeline, clock: FakeClock, resolving: ResolutionService
) -> None:
    good, sent, sending, retrying = await unknown(pipeline, clock, 4)
    await put(pipeline, sent, SENT)
    await put(pipeline, sending, Status.SENDING)
    await put(pipeline, retrying, RETRYING)
    before = await pipeline.messages()
    absent = str(uuid4())
    with pytest.raises(ResolutionRefused) as refused:
        await resolving.resolve([sent, good, "no-id", absent, sending, retrying], SENT)
    # In the order in which they were given.
    assert list(faults_of(refused.value).items()) == [
        (sent, IllegalMove),
        ("no-id", InvalidInput),
        (absent, MessageNotFound),
        # By the table it may become SENT, but by its worker alone.
        (sending, IllegalMove),
        (retrying, IllegalMove),
    ]
    text = str(refused.value)
    assert text.startswith("nothing was changed\n")
    assert f"{sent}: a greeting cannot go from SENT to SENT; there is nothing left" in text
    assert f"{sending}: a greeting cannot go from SENDING to SENT; it is being sent" in text
    assert good not in text
    assert await pipeline.messages() == before
    assert await trace(pipeline) == []


async def test_illegal_moves_are_counted_and_logged_without_the_greeting(
    pipeline: Pipeline, clock: FakeClock, resolving: ResolutionService
) -> None:
    sent, good = await unknown(pipeline, clock, 2)
    await put(pipeline, sent, SENT)
    with capture_logs() as logs, pytest.raises(ResolutionRefused):
        await resolving.resolve([sent, good, "no-id"], RETRYING)
    assert logs == [
        {
            "event": "illegal_move",
            "log_level": "warning",
            "source": "SENT",
            "target": "RETRYING",
        }
    ]
    assert illegal_moves(pipeline, SENT, RETRYING) == 1
    with capture_logs() as logs:
        await resolving.resolve([good], FAILED)
    assert logs == [
        {"event": "greetings_resolved", "log_level": "info", "status": "FAILED", "rows": 1}
    ]
    assert illegal_moves(pipeline, Status.UNKNOWN, FAILED) == 0


@pytest.mark.parametrize(
    "note", ["wrote to ada@example.com", "", "  ", "two\nlines", "\x1b[2Jred", "x" * 501]
)
async def test_a_note_that_may_not_be_kept_is_refused(
    pipeline: Pipeline, clock: FakeClock, resolving: ResolutionService, note: str
) -> None:
    (given,) = await unknown(pipeline, clock)
    with pytest.raises(InvalidInput, match="note: "):
        await resolving.resolve([given], FAILED, note)
    assert await pipeline.statuses() == ["UNKNOWN"]


# --- At once -----------------------------------------------------------------------------------


async def test_of_decisions_made_at_once_one_wins(pipeline: Pipeline, clock: FakeClock) -> None:
    ids = await unknown(pipeline, clock, 3)
    orders = [ids, ids[::-1], [ids[1], ids[0], ids[2]], ids]
    targets = [SENT, FAILED, RETRYING, FAILED]
    answers = await asyncio.gather(
        *(
            service(pipeline).resolve(order, target)
            for order, target in zip(orders, targets, strict=True)
        ),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, ResolutionRefused)]
    assert len(refused) == 3
    assert all(set(faults_of(error).values()) == {IllegalMove} for error in refused)
    (won,) = [
        target
        for target, answer in zip(targets, answers, strict=True)
        if not isinstance(answer, BaseException)
    ]
    assert await pipeline.statuses() == [won.value] * 3
    assert [row[2] for row in await trace(pipeline)] == [won.value] * 3


async def test_a_second_decision_waits_for_the_first_and_sees_it(
    pipeline: Pipeline, clock: FakeClock, held: Held
) -> None:
    (given,) = await unknown(pipeline, clock)
    slow = ResolutionService(held.store, pipeline.planner, clock, pipeline.metrics)
    first = await held.run_up_to_commit(slow.resolve([given], RETRYING))
    second = service(pipeline).resolve([given], SENT)
    with pytest.raises(ResolutionRefused, match="from RETRYING to SENT"):
        await commit_when_blocked(pipeline, held, first, second)
    assert await pipeline.statuses() == ["RETRYING"]


async def test_the_statement_itself_moves_nothing_that_is_not_unknown(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    settled, waiting = await unknown(pipeline, clock, 2)
    async with pipeline.database.session() as session:
        seen = await session.resolutions.lock([UUID(settled), UUID(waiting)])
        await put(pipeline, settled, FAILED)
        resolved = await session.resolutions.resolve(seen, SENT, clock.now(), None)
    assert resolved == [UUID(waiting)]
    assert sorted(await pipeline.statuses()) == ["FAILED", "SENT"]
    assert len(await trace(pipeline)) == 1


async def test_a_retry_that_is_not_committed_is_not_sent(
    pipeline: Pipeline, clock: FakeClock, held: Held, sender: RecordingSender
) -> None:
    (given,) = await unknown(pipeline, clock)
    slow = ResolutionService(held.store, pipeline.planner, clock, pipeline.metrics)
    deciding = await held.run_up_to_commit(slow.resolve([given], RETRYING))
    assert await pipeline.send_due() == 0
    held.store.may_commit.set()
    await deciding
    assert await pipeline.send_due() == 1
    assert len(sender.sent) == 1


async def test_a_decision_waits_for_a_claim_and_leaves_the_row_to_it(
    pipeline: Pipeline, clock: FakeClock, held: Held
) -> None:
    (given,) = await unknown(pipeline, clock)
    await service(pipeline).resolve([given], RETRYING)
    await pipeline.minute.run_once()
    deliveries = pipeline.transport.deliveries()
    batch = (await anext(deliveries)).batch
    await deliveries.aclose()
    rules = pipeline.planner.claim_rules(clock.now())
    claim = await held.run_up_to_commit(
        held.store.in_transaction(
            lambda s: s.messages.claim(batch, clock.now(), rules, timedelta(minutes=1))
        )
    )
    deciding = service(pipeline).resolve([given], FAILED)
    with pytest.raises(ResolutionRefused, match="from SENDING to FAILED"):
        await commit_when_blocked(pipeline, held, claim, deciding)
    assert await pipeline.statuses() == ["SENDING"]


async def test_who_made_the_last_attempt_can_no_longer_write(
    pipeline: Pipeline, clock: FakeClock, resolving: ResolutionService
) -> None:
    (given,) = await unknown(pipeline, clock)
    await resolving.resolve([given], RETRYING)
    await put(pipeline, given, Status.SENDING)
    late = Recorded(
        message_id=UUID(given),
        scheduled_send_at=NINE,
        epoch=2,
        status=SENT,
        attempt=2,
        outcome="accepted",
        finished_at=clock.now(),
        retry_count=1,
        ambiguous_count=2,
    )
    assert await pipeline.database.in_transaction(lambda s: s.messages.record([late])) == 0
    assert await pipeline.statuses() == ["SENDING"]


# --- Looking -----------------------------------------------------------------------------------


async def test_what_waits_is_listed_by_instant(
    pipeline: Pipeline, clock: FakeClock, resolving: ResolutionService
) -> None:
    ids = await unknown(pipeline, clock, 3)
    await put(pipeline, ids[0], SENT)
    await pipeline.execute(
        "UPDATE message_logs SET scheduled_send_time = scheduled_send_time - interval '1 min' "
        "WHERE id = $1",
        UUID(ids[2]),
    )
    waiting = await resolving.list_by_status(Status.UNKNOWN, 10)
    assert [str(row.id) for row in waiting] == [ids[2], ids[1]]
    assert [row.id for row in await resolving.list_by_status(Status.UNKNOWN, 1)] == [waiting[0].id]
    assert [str(row.id) for row in await resolving.list_by_status(SENT, 10)] == [ids[0]]


async def test_a_history_tells_what_happened_in_order(
    pipeline: Pipeline, clock: FakeClock, resolving: ResolutionService
) -> None:
    (given,) = await unknown(pipeline, clock)
    await pipeline.execute("UPDATE message_logs SET created_at = $1", NINE - timedelta(days=2))
    await resolving.resolve([given], RETRYING, "not in its log")
    await pipeline.send_due()
    history = await resolving.get_history(given)
    assert history.greeting.status is SENT
    assert [(event.at - NINE, event.text) for event in history.events()] == [
        (timedelta(days=-2), "planned"),
        (timedelta(), "due"),
        (timedelta(seconds=6), "attempt 1: ambiguous, to be RETRYING"),
        (timedelta(seconds=12), "attempt 2: ambiguous, to be UNKNOWN"),
        (MINUTE, "queued, for the last time"),
        (MINUTE, "a person decided: RETRYING (not in its log)"),
        (MINUTE, "attempt 3 through test: accepted, to be SENT"),
    ]


@pytest.mark.parametrize(
    ("given", "fault", "said"),
    [
        ("x", InvalidInput, "heyday messages list"),
        (str(UUID(int=7)), NotFound, "there is no greeting with this id"),
    ],
)
async def test_what_is_not_there_has_no_history(
    resolving: ResolutionService, given: str, fault: type[HeydayError], said: str
) -> None:
    with pytest.raises(fault, match=said):
        await resolving.get_history(given)
