"""Handing over what is due, and sweeping up what was missed, lost, abandoned or is too late."""

import asyncio
import math
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import structlog

from heyday.db.message_logs import MessageLogRepository
from heyday.domain.errors import DatabaseError, DatabaseUnavailable, TransportError
from heyday.domain.models import Batch, ClaimRules, DueMessage
from heyday.domain.ports import Delivery
from heyday.domain.timezone import Window
from heyday.services.scheduling import SchedulerConfig
from heyday.services.sending import SendingConfig
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import START_AT, FakeClock, RecordingSender

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)


class BrokenTransport:
    """Refuse every batch, or the first few times, as a broker that is away."""

    def __init__(self, times: float = math.inf) -> None:
        self.times = times
        self.refused: list[Batch] = []
        self.taken: list[Batch] = []

    async def publish(self, batches: Sequence[Batch]) -> None:
        if not self.times:
            self.taken += batches
            return
        self.times -= 1
        self.refused += batches
        raise TransportError("away")

    async def count_waiting(self) -> int:
        raise TransportError("away")

    async def is_new(self) -> bool:
        raise TransportError("away")

    async def mark(self) -> None:
        raise TransportError("away")

    def deliveries(self) -> AsyncGenerator[Delivery, None]:
        raise NotImplementedError


class RenewedTransport(BrokenTransport):
    """Hold a backlog in a queue that was made anew."""

    def __init__(self) -> None:
        super().__init__(times=0)
        self.is_marked = False
        self.marks_fail = 0

    async def count_waiting(self) -> int:
        return 7

    async def is_new(self) -> bool:
        return not self.is_marked

    async def mark(self) -> None:
        if self.marks_fail:
            self.marks_fail -= 1
            raise TransportError("away")
        self.is_marked = True


async def people(pipeline: Pipeline, count: int, **fields: object) -> list[UUID]:
    """Store people whose greeting is planned for 15 January."""
    found = [
        await pipeline.insert(**{"birthday_date": "1990-01-15", **fields}) for _ in range(count)
    ]
    await pipeline.daily.run_once()
    return found


async def batches(pipeline: Pipeline) -> list[tuple[datetime, int]]:
    rows = await pipeline.rows(
        "SELECT due_at, cardinality(message_ids) AS size FROM queue_batches ORDER BY due_at, size"
    )
    return [(row["due_at"], row["size"]) for row in rows]


# --- Enqueue ----------------------------------------------------------------------------------


async def test_what_is_due_within_the_look_ahead_is_queued_and_nothing_later(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await people(pipeline, 1, timezone="UTC")
    clock.set(NINE - 90 * SECOND)
    assert await pipeline.minute.run_once() == {"enqueued": 0}
    clock.advance(SECOND)
    assert await pipeline.minute.run_once() == {"enqueued": 1}
    row = await pipeline.message()
    assert (row["status"], row["queued_at"]) == ("QUEUED", clock.now())
    assert await batches(pipeline) == [(NINE, 1)]


async def test_queueing_twice_hands_nothing_over_twice(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await people(pipeline, 3)
    clock.set(NINE)
    assert await pipeline.minute.run_once() == {"enqueued": 3}
    assert await pipeline.minute.run_once() == {"enqueued": 0}
    assert await batches(pipeline) == [(NINE, 3)]


async def test_batches_hold_one_instant_and_no_more_than_their_size(
    database_url: str, clock: FakeClock, sender: RecordingSender
) -> None:
    config = PipelineConfig(scheduling=SchedulerConfig(batch_size=4, look_ahead=HOUR))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await people(pipeline, 10, timezone="Europe/London")
        await people(pipeline, 3, timezone="Asia/Kathmandu", birthday_date="1990-01-15")
        await people(pipeline, 5, timezone="Europe/Berlin")
        clock.set(NINE - HOUR)
        await pipeline.minute.run_once()
        clock.advance(SECOND)
        await pipeline.minute.run_once()
        assert await batches(pipeline) == [
            (NINE - 5.75 * HOUR, 3),
            (NINE - HOUR, 1),
            (NINE - HOUR, 4),
            (NINE, 2),
            (NINE, 4),
            (NINE, 4),
        ]
        ids = "SELECT count(DISTINCT i), count(*) FROM queue_batches, unnest(message_ids) i"
        ((distinct, total),) = await pipeline.rows(ids)
        assert distinct == total == 18


async def test_more_rows_than_one_statement_moves_are_all_queued(
    database_url: str, clock: FakeClock, sender: RecordingSender
) -> None:
    config = PipelineConfig(scheduling=SchedulerConfig(batch_size=2, chunk=3))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await people(pipeline, 8)
        clock.set(NINE)
        assert await pipeline.send_due() == 8
        assert await pipeline.statuses() == ["SENT"] * 8


async def test_a_chunk_is_looked_for_from_where_the_one_before_ended(
    database_url: str,
    clock: FakeClock,
    sender: RecordingSender,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun_at: list[datetime] = []
    enqueue_due = MessageLogRepository.enqueue_due

    async def watched(
        self: MessageLogRepository, now: datetime, until: datetime, rules: ClaimRules, limit: int
    ) -> list[DueMessage]:
        begun_at.append(rules.earliest)
        return await enqueue_due(self, now, until, rules, limit)

    monkeypatch.setattr(MessageLogRepository, "enqueue_due", watched)
    config = PipelineConfig(scheduling=SchedulerConfig(chunk=3))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await people(pipeline, 7)
        await pipeline.execute(
            "UPDATE message_logs SET scheduled_send_time = scheduled_send_time - interval '1 hour' "
            "WHERE id IN (SELECT id FROM message_logs ORDER BY id LIMIT 4)"
        )
        clock.set(NINE)
        assert await pipeline.send_due() == 7
    assert begun_at[1:3] == [NINE - HOUR, NINE]
    assert begun_at[0] < NINE - HOUR


async def test_a_batch_points_at_the_partition_of_its_rows(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await people(pipeline, 2)
    clock.set(NINE)
    await pipeline.minute.run_once()
    (row,) = await pipeline.rows("SELECT first_at, last_at, due_at FROM queue_batches")
    assert set(row) == {NINE}


async def test_schedulers_at_once_queue_each_row_once(
    database_url: str, clock: FakeClock, sender: RecordingSender
) -> None:
    config = PipelineConfig(scheduling=SchedulerConfig(batch_size=5, chunk=7))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await people(pipeline, 60)
        clock.set(NINE)
        counts = await asyncio.gather(*(pipeline.minute.run_once() for _ in range(4)))
        assert sum(count["enqueued"] for count in counts) == 60
        assert sum(size for _, size in await batches(pipeline)) == 60


async def test_a_row_that_is_locked_keeps_no_other_from_being_queued(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await people(pipeline, 3)
    clock.set(NINE)
    first = "SELECT id FROM message_logs ORDER BY id LIMIT 1 FOR UPDATE"
    async with pipeline.database.connection() as connection, connection.transaction():
        await connection.execute(first)
        async with asyncio.timeout(10):
            assert (await pipeline.minute.run_once())["enqueued"] == 2
    assert (await pipeline.minute.run_once())["enqueued"] == 1


async def test_a_run_by_hand_queues_as_if_at_its_moment(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await people(pipeline, 1, timezone="UTC")
    assert await pipeline.minute.run_once(NINE) == {"enqueued": 1}
    assert await batches(pipeline) == [(NINE, 1)]
    # The worker's own clock still decides: nothing leaves before its instant.
    assert await pipeline.deliver_all() == 0
    clock.set(NINE)
    assert await pipeline.deliver_all() == 1


async def test_nothing_that_is_too_late_is_queued(pipeline: Pipeline, clock: FakeClock) -> None:
    await people(pipeline, 1, timezone="UTC")
    clock.set(NINE + 24 * HOUR + SECOND)
    assert await pipeline.minute.run_once() == {"enqueued": 0}
    clock.set(NINE + 24 * HOUR)
    assert await pipeline.minute.run_once() == {"enqueued": 1}


async def test_what_is_too_late_does_not_stand_in_the_way_of_what_is_due(
    database_url: str, clock: FakeClock, sender: RecordingSender
) -> None:
    config = PipelineConfig(scheduling=SchedulerConfig(chunk=1))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await people(pipeline, 2, timezone="Asia/Tokyo")
        await people(pipeline, 1, timezone="UTC")
        clock.set(NINE + 24 * HOUR)
        assert await pipeline.minute.run_once() == {"enqueued": 1}


# --- A transport that fails -------------------------------------------------------------------


async def test_rows_whose_batch_was_not_taken_stay_queued_and_are_handed_over_again(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await people(pipeline, 2, timezone="UTC")
    broken = BrokenTransport()
    clock.set(NINE - MINUTE)
    async with open_pipeline(
        pipeline.url, clock=clock, sender=sender, transport=broken
    ) as without_broker:
        with structlog.testing.capture_logs() as logs:
            assert await without_broker.minute.run_once() == {"enqueued": 2}
    assert [entry["event"] for entry in logs] == ["publish_failed", "publish_failed"]
    assert broken.refused[0] == broken.refused[1]
    assert await pipeline.statuses() == ["QUEUED", "QUEUED"]
    clock.set(NINE + 2 * MINUTE)
    assert (await pipeline.recovery.run_once())["requeued"] == 0  # not long enough due
    clock.advance(SECOND)
    assert (await pipeline.recovery.run_once())["requeued"] == 2
    assert await pipeline.deliver_all() == 2
    assert await pipeline.statuses() == ["SENT", "SENT"]


async def test_a_queue_that_was_away_for_a_moment_costs_no_delay(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await people(pipeline, 2, timezone="UTC")
    flaky = BrokenTransport(times=1)
    clock.set(NINE - MINUTE)
    async with open_pipeline(pipeline.url, clock=clock, sender=sender, transport=flaky) as other:
        assert await other.minute.run_once() == {"enqueued": 2}
    assert flaky.taken == flaky.refused


async def test_what_was_queued_by_a_commit_whose_answer_was_lost_is_handed_over(
    pipeline: Pipeline, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people(pipeline, 2, timezone="UTC")
    clock.set(NINE)
    whole = pipeline.database.in_transaction
    faults = [DatabaseUnavailable("the connection broke during COMMIT")]

    async def lose_answer(work: Any) -> object:
        result: object = await whole(work)
        if faults and "QUEUED" in await pipeline.statuses():
            raise faults.pop()
        return result

    monkeypatch.setattr(pipeline.database, "in_transaction", lose_answer)
    with pytest.raises(DatabaseUnavailable):
        await pipeline.scheduling.enqueue_due()
    assert await batches(pipeline) == [(NINE, 2)]
    assert await pipeline.deliver_all() == 2
    assert await pipeline.statuses() == ["SENT", "SENT"]


async def test_a_lost_queue_costs_delay_and_no_greeting(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await people(pipeline, 3)
    clock.set(NINE)
    await pipeline.minute.run_once()
    await pipeline.execute("TRUNCATE queue_batches")
    clock.advance(10 * MINUTE)
    assert (await pipeline.recovery.run_once())["requeued"] == 3
    assert (await pipeline.recovery.run_once())["requeued"] == 0
    assert await pipeline.deliver_all() == 3
    assert len(set(pipeline.sender.keys)) == 3


async def test_all_that_a_renewed_queue_held_is_queued_again_once(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await people(pipeline, 3, timezone="UTC")
    renewed = RenewedTransport()
    clock.set(NINE - 80 * SECOND)
    async with open_pipeline(pipeline.url, clock=clock, sender=sender, transport=renewed) as other:
        renewed.is_marked = True
        assert await other.minute.run_once() == {"enqueued": 3}
        clock.advance(SECOND)
        assert (await other.sweep.run_once())["requeued"] == 0, "it waits among others"
        renewed.is_marked = False
        clock.advance(SECOND)
        assert (await other.sweep.run_once())["requeued"] == 3, "before they are due"
        clock.advance(SECOND)
        assert (await other.sweep.run_once())["requeued"] == 0
    assert [len(batch.message_ids) for batch in renewed.taken] == [3, 3]


async def test_a_queue_that_could_not_be_marked_is_looked_at_again(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await people(pipeline, 3, timezone="UTC")
    renewed = RenewedTransport()
    renewed.marks_fail = 1
    clock.set(NINE - 80 * SECOND)
    async with open_pipeline(pipeline.url, clock=clock, sender=sender, transport=renewed) as other:
        await other.minute.run_once()
        for marked in (False, True):
            clock.advance(SECOND)
            await other.sweep.run_once()
            assert renewed.is_marked is marked
    assert [len(batch.message_ids) for batch in renewed.taken] == [3, 3]


async def test_a_batch_that_was_only_late_is_harmless_beside_its_copy(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await people(pipeline, 3)
    clock.set(NINE)
    await pipeline.minute.run_once()
    clock.advance(15 * MINUTE + SECOND)
    assert (await pipeline.sweep.run_once())["requeued"] == 3
    assert len(await batches(pipeline)) == 2
    assert await pipeline.deliver_all() == 3
    assert await batches(pipeline) == []


async def test_a_backlog_is_not_queued_again_and_again(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await people(pipeline, 3)
    clock.set(NINE)
    await pipeline.minute.run_once()
    for _ in range(15):
        clock.advance(MINUTE)
        assert (await pipeline.sweep.run_once())["requeued"] == 0
    assert len(await batches(pipeline)) == 1


async def test_what_is_lost_behind_a_backlog_is_found_all_the_same(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await people(pipeline, 3)
    clock.set(NINE)
    await pipeline.minute.run_once()
    await pipeline.execute("TRUNCATE queue_batches")
    await people(pipeline, 1, birthday_date=None, anniversary_date="2020-01-15")
    await pipeline.minute.run_once()
    assert len(await batches(pipeline)) == 1
    clock.advance(15 * MINUTE + SECOND)
    assert (await pipeline.sweep.run_once())["requeued"] == 4
    assert await pipeline.deliver_all() == 4


async def test_what_is_planned_late_is_announced_and_leaves_at_once(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    heard = asyncio.Event()
    listener = await asyncpg.connect(pipeline.url)
    await listener.add_listener("heyday_due", lambda *_: heard.set())
    clock.set(NINE + HOUR)
    await pipeline.insert(birthday_date="1990-01-15", timezone="UTC")
    assert (await pipeline.recovery.run_once())["planned"] == 1
    async with asyncio.timeout(5):
        await heard.wait()
    listener.terminate()


# --- Recovery ---------------------------------------------------------------------------------


async def test_recovery_plans_whom_the_daily_run_missed(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await pipeline.daily.run_once()
    clock.set(NINE - HOUR)
    await pipeline.insert(timezone="UTC", birthday_date="1990-01-15")
    missed = await pipeline.insert(timezone="Asia/Tokyo", birthday_date="1990-01-15")
    counts = await pipeline.recovery.run_once()
    assert counts["planned"] == counts["recovered"] == 2
    assert (await pipeline.message(missed))["scheduled_send_time"] == NINE - 9 * HOUR


async def test_recovery_skips_what_is_too_late_in_every_status_before_sending(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await people(pipeline, 5, timezone="UTC")
    first, second, third, fourth, _ = await pipeline.messages()
    await pipeline.execute(
        "UPDATE message_logs SET status = 'QUEUED', queued_at = $2 WHERE id = $1", first["id"], NINE
    )
    await pipeline.execute(
        "UPDATE message_logs SET status = 'RETRYING' WHERE id = $1", second["id"]
    )
    await pipeline.execute(
        "UPDATE message_logs SET status = 'SENDING', lease_until = now() + interval '1 h' "
        "WHERE id = $1",
        third["id"],
    )
    await pipeline.execute("UPDATE message_logs SET status = 'SENT' WHERE id = $1", fourth["id"])
    clock.set(NINE + 24 * HOUR)
    assert (await pipeline.recovery.run_once())["skipped"] == 0
    clock.advance(SECOND)
    assert (await pipeline.recovery.run_once())["skipped"] == 3
    rows = await pipeline.messages()
    skipped = [row["id"] for row in rows if row["status"] == "SKIPPED"]
    assert set(skipped).isdisjoint({third["id"], fourth["id"]})
    reasons = [row["error_message"] for row in rows if row["error_message"]]
    assert reasons == ["the late window had passed"] * 3


async def test_a_lease_that_holds_is_left_alone(pipeline: Pipeline, clock: FakeClock) -> None:
    await people(pipeline, 1)
    await pipeline.execute(
        "UPDATE message_logs SET status = 'SENDING', lease_until = now() + interval '1 h'"
    )
    clock.set(NINE + HOUR)
    before = await pipeline.messages()
    assert (await pipeline.sweep.run_once())["expired"] == 0
    assert await pipeline.messages() == before


async def test_an_expired_lease_is_an_unclear_attempt_that_is_repeated(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await people(pipeline, 2)
    await pipeline.execute(
        "UPDATE message_logs SET status = 'SENDING', epoch = 3, lease_until = now() + '1 h'"
    )
    clock.set(NINE)
    assert (await pipeline.recovery.run_once())["expired"] == 0
    await pipeline.execute("UPDATE message_logs SET lease_until = now() - interval '1 ms'")
    assert (await pipeline.recovery.run_once())["expired"] == 2
    row, _ = await pipeline.messages()
    assert (row["status"], row["epoch"], row["retry_count"]) == ("RETRYING", 4, 1)
    assert (row["ambiguous_count"], row["lease_until"]) == (1, None)
    assert row["next_attempt_at"] == clock.now() + 2 * SECOND
    attempts = await pipeline.rows("SELECT outcome, attempt, epoch FROM message_attempts")
    assert [tuple(attempt) for attempt in attempts] == [("ambiguous", 1, 4)] * 2
    clock.advance(2 * SECOND)
    assert await pipeline.send_due() == 2
    assert await pipeline.statuses() == ["SENT", "SENT"]


async def test_more_expired_leases_than_one_sweep_takes_are_all_swept(
    database_url: str, clock: FakeClock, sender: RecordingSender
) -> None:
    config = PipelineConfig(sending=SendingConfig(sweep_chunk=2))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await people(pipeline, 5)
        await pipeline.execute("UPDATE message_logs SET status = 'SENDING', lease_until = now()")
        clock.set(NINE)
        assert (await pipeline.recovery.run_once())["expired"] == 5
        assert await pipeline.statuses() == ["RETRYING"] * 5


async def test_what_is_on_its_way_is_recovered_even_if_planning_fails(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await people(pipeline, 2)
    clock.set(NINE)
    await pipeline.minute.run_once()
    await pipeline.execute("TRUNCATE queue_batches")
    await pipeline.execute("ALTER TABLE idempotency_keys RENAME TO away")
    clock.advance(10 * MINUTE)
    with pytest.raises(DatabaseError):
        await pipeline.recovery.run_once()
    assert sum(size for _, size in await batches(pipeline)) == 2


async def test_a_recovery_with_nothing_to_do_counts_nothing(pipeline: Pipeline) -> None:
    await people(pipeline, 2)
    assert set((await pipeline.recovery.run_once()).values()) == {0}


async def test_recovery_forgets_old_runs_but_not_the_watermark(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await pipeline.daily.run_once()
    await pipeline.minute.run_once()
    await pipeline.daily.run_once(START_AT + 90 * HOUR)
    async with pipeline.database.session() as session:
        failed = await session.jobs.start(
            "daily", clock.now(), Window(START_AT, START_AT + 99 * HOUR), is_manual=False
        )
        await session.jobs.finish(failed, clock.now(), {}, "LookupError")
    clock.advance(timedelta(days=31))
    await pipeline.recovery.run_once()
    names = [row["name"] for row in await pipeline.rows("SELECT name FROM job_runs ORDER BY id")]
    assert names == ["daily", "recovery"]
    async with pipeline.database.session() as session:
        assert await session.jobs.find_watermark("daily") == START_AT + 48 * HOUR
