"""Claim, call, record: what each answer of a provider does to a greeting, and what a crash does."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from heyday.db.message_logs import MessageLogRepository
from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.errors import DatabaseUnavailable
from heyday.domain.models import Batch, Claim, ClaimedMessage
from heyday.domain.retry import RetryPolicy
from heyday.services.leases import Lease, LeaseConfig
from heyday.services.sending import SendingConfig
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import FakeClock, RecordingSender

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
ACCEPTED = Outcome(OutcomeKind.ACCEPTED, code=202, body="{}", provider_message_id="p-1")
REFUSED = Outcome(OutcomeKind.REFUSED, code=400, body="no such mailbox", error="refused")
NOT_ACCEPTED = Outcome(OutcomeKind.NOT_ACCEPTED, error="connection refused")
AMBIGUOUS = Outcome(OutcomeKind.AMBIGUOUS, error="timeout")


async def due(pipeline: Pipeline, count: int = 1) -> list[str]:
    """Plan greetings and move to their instant; return their keys."""
    for _ in range(count):
        await pipeline.insert(timezone="Europe/London", birthday_date="1990-01-15")
    await pipeline.daily.run_once()
    clock = pipeline.clock
    assert isinstance(clock, FakeClock)
    clock.set(NINE)
    return [row["idempotency_key"] for row in await pipeline.messages()]


async def take_batch(pipeline: Pipeline) -> Batch:
    """Return the batch that a worker would get, as the worker would."""
    deliveries = pipeline.transport.deliveries()
    try:
        return (await anext(deliveries)).batch
    finally:
        await deliveries.aclose()


async def attempts(pipeline: Pipeline) -> list[tuple[object, ...]]:
    rows = await pipeline.rows("SELECT attempt, outcome, status FROM message_attempts ORDER BY id")
    return [tuple(row) for row in rows]


async def exhaust(pipeline: Pipeline, clock: FakeClock, turns: int = 10) -> list[datetime]:
    """Send until nothing is left to retry; return the instants of the attempts."""
    at = []
    for _ in range(turns):
        if await pipeline.send_due():
            at.append(clock.now())
        row = await pipeline.message()
        if row["status"] != "RETRYING":
            break
        clock.set(row["next_attempt_at"])
    return at


# --- One attempt ------------------------------------------------------------------------------


async def test_an_accepted_greeting_is_sent_and_leaves_no_attempt_row(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    (key,) = await due(pipeline)
    sender.script(key, ACCEPTED)
    assert await pipeline.send_due() == 1
    row = await pipeline.message()
    assert row["status"] == "SENT"
    assert row["actual_send_time"] == clock.now()
    assert (row["api_response_code"], row["api_response_body"]) == (202, "{}")
    assert (row["provider_message_id"], row["error_message"]) == ("p-1", None)
    assert (row["retry_count"], row["epoch"], row["lease_until"]) == (0, 1, None)
    assert await attempts(pipeline) == []
    assert await pipeline.value("SELECT count(*) FROM queue_batches") == 0


async def test_the_sender_gets_the_person_as_they_are_and_the_text_as_planned(
    pipeline: Pipeline, sender: RecordingSender
) -> None:
    (key,) = await due(pipeline)
    await pipeline.send_due()
    (message,) = sender.sent
    row = await pipeline.message()
    assert (message.id, message.user_id) == (row["id"], row["user_id"])
    assert (message.idempotency_key, message.message_type) == (key, "BIRTHDAY")
    assert message.text == "Hey, Ada Lovelace it's your birthday"
    assert message.email.startswith("ada.")
    assert (message.epoch, message.retry_count, message.scheduled_send_at) == (1, 0, NINE)


async def test_a_refused_greeting_has_failed_for_good(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    (key,) = await due(pipeline)
    sender.script(key, REFUSED)
    await pipeline.send_due()
    row = await pipeline.message()
    assert (row["status"], row["api_response_code"]) == ("FAILED", 400)
    assert (row["error_message"], row["actual_send_time"]) == ("refused", None)
    assert await attempts(pipeline) == [(1, "refused", "FAILED")]
    clock.advance(HOUR)
    assert await pipeline.send_due() == 0


# --- Retries ----------------------------------------------------------------------------------


async def test_five_retries_and_then_it_has_failed(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    (key,) = await due(pipeline)
    sender.script(key, *[NOT_ACCEPTED] * 6)
    at = await exhaust(pipeline, clock)
    assert [(b - a) / SECOND for a, b in pairwise(at)] == [2, 4, 8, 16, 32]
    row = await pipeline.message()
    assert (row["status"], row["retry_count"]) == ("FAILED", 5)
    assert row["error_message"] == "connection refused"
    assert await attempts(pipeline) == [
        *((n, "not_accepted", "RETRYING") for n in range(1, 6)),
        (6, "not_accepted", "FAILED"),
    ]


async def test_a_retry_that_succeeds_is_noted_and_clears_the_error(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    (key,) = await due(pipeline)
    sender.script(key, NOT_ACCEPTED)
    await exhaust(pipeline, clock)
    row = await pipeline.message()
    assert (row["status"], row["retry_count"], row["error_message"]) == ("SENT", 1, None)
    assert row["next_attempt_at"] is None
    assert await attempts(pipeline) == [
        (1, "not_accepted", "RETRYING"),
        (2, "accepted", "SENT"),
    ]


async def test_nothing_is_retried_before_its_time(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    (key,) = await due(pipeline)
    sender.script(key, replace(NOT_ACCEPTED, code=429, retry_after=600 * SECOND))
    await pipeline.send_due()
    row = await pipeline.message()
    assert (row["status"], row["next_attempt_at"]) == ("RETRYING", NINE + 600 * SECOND)
    clock.advance(300 * SECOND)
    assert await pipeline.send_due() == 0
    assert await pipeline.statuses() == ["RETRYING"]  # nor does it wait in the queue so long
    clock.advance(299 * SECOND)
    assert await pipeline.send_due() == 0
    clock.advance(SECOND)
    assert await pipeline.deliver_all() == 1


async def test_nothing_is_claimed_before_its_next_attempt(
    pipeline: Pipeline, sender: RecordingSender
) -> None:
    (key,) = await due(pipeline)
    sender.script(key, replace(NOT_ACCEPTED, code=429, retry_after=60 * SECOND))
    await pipeline.send_due()
    await pipeline.minute.run_once()
    row = await pipeline.message()
    early = Batch(uuid4(), NINE, NINE, NINE, (row["id"],))
    assert await pipeline.sending.deliver(early) == 0
    assert await pipeline.statuses() == ["QUEUED"]


async def test_a_retry_is_announced_to_the_schedulers(
    pipeline: Pipeline, sender: RecordingSender
) -> None:
    (key,) = await due(pipeline)
    sender.script(key, NOT_ACCEPTED)
    heard = asyncio.Event()
    listener = await asyncpg.connect(pipeline.url)
    await listener.add_listener("heyday_due", lambda *_: heard.set())
    await pipeline.send_due()
    async with asyncio.timeout(5):
        await heard.wait()
    await listener.remove_listener("heyday_due", lambda *_: heard.set())
    listener.terminate()


async def test_a_retry_that_is_too_late_is_skipped_when_it_is_claimed(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await due(pipeline)
    await pipeline.minute.run_once()
    clock.set(NINE + 24 * HOUR + SECOND)
    assert await pipeline.deliver_all() == 0
    row = await pipeline.message()
    assert (row["status"], row["error_message"]) == ("SKIPPED", "the late window had passed")


# --- Nobody can say ---------------------------------------------------------------------------


async def test_unclear_attempts_are_repeated_with_the_same_key_where_keys_are_honoured(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    (key,) = await due(pipeline)
    sender.script(key, *[AMBIGUOUS] * 6)
    await exhaust(pipeline, clock)
    assert sender.keys == [key] * 6
    row = await pipeline.message()
    assert (row["status"], row["ambiguous_count"]) == ("FAILED", 6)


@pytest.fixture
async def keyless(database_url: str, clock: FakeClock) -> AsyncIterator[Pipeline]:
    """A pipeline whose provider takes a repeated key for a new message."""
    sender = RecordingSender(honours_keys=False)
    async with open_pipeline(database_url, clock=clock, sender=sender) as pipeline:
        yield pipeline


async def test_an_unclear_attempt_is_repeated_once_where_keys_are_not_honoured(
    keyless: Pipeline, clock: FakeClock
) -> None:
    (key,) = await due(keyless)
    keyless.sender.script(key, AMBIGUOUS, AMBIGUOUS)
    await exhaust(keyless, clock)
    row = await keyless.message()
    assert (row["status"], row["ambiguous_count"]) == ("UNKNOWN", 2)
    assert keyless.sender.keys == [key] * 2
    assert await attempts(keyless) == [(1, "ambiguous", "RETRYING"), (2, "ambiguous", "UNKNOWN")]
    clock.advance(HOUR)
    await keyless.recovery.run_once()
    assert await keyless.send_due() == 0


async def test_an_unclear_attempt_is_held_where_its_type_says_so(
    database_url: str, clock: FakeClock
) -> None:
    sender = RecordingSender(honours_keys=False)
    config = PipelineConfig(holding=frozenset({"BIRTHDAY"}))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        (key,) = await due(pipeline)
        sender.script(key, AMBIGUOUS)
        await exhaust(pipeline, clock)
        assert await pipeline.statuses() == ["UNKNOWN"]
        assert await attempts(pipeline) == [(1, "ambiguous", "UNKNOWN")]


async def test_what_waited_until_the_provider_forgot_its_key_waits_for_a_person(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    (key,) = await due(pipeline)
    sender.script(key, AMBIGUOUS, AMBIGUOUS)
    await pipeline.send_due()
    clock.advance(2 * SECOND)
    await pipeline.send_due()
    assert (await pipeline.message())["ambiguous_since"] == NINE
    clock.set(NINE + 24 * HOUR - 30 * SECOND)  # still within the late window
    assert await pipeline.send_due() == 1
    row = await pipeline.message()
    assert (row["status"], len(sender.sent)) == ("UNKNOWN", 2)
    assert (await attempts(pipeline))[-1] == (3, "forgotten", "UNKNOWN")


async def test_a_call_that_vanished_began_after_its_lease_did(
    pipeline: Pipeline,
) -> None:
    await due(pipeline)
    await pipeline.execute(
        "UPDATE message_logs SET status = 'SENDING', lease_until = now() - interval '1 h'"
    )
    await pipeline.sweep.run_once()
    age = "SELECT now() - ambiguous_since FROM message_logs"
    assert HOUR + 60 * SECOND <= await pipeline.value(age) < HOUR + 70 * SECOND


async def test_what_a_vanished_worker_had_taken_is_due_once(pipeline: Pipeline) -> None:
    await due(pipeline)
    await pipeline.send_due()
    await pipeline.execute(
        "UPDATE message_logs SET status = 'SENDING', lease_until = now() - interval '1 s'"
    )
    await pipeline.sweep.run_once()
    pipeline.clock.advance(10 * SECOND)  # type: ignore[attr-defined] # a FakeClock
    assert await pipeline.send_due() == 1
    of = {"message_type": "BIRTHDAY", "sender": "test"}
    assert pipeline.metrics.registry.get_sample_value("heyday_due_total", of) == 1


async def test_a_worker_that_vanished_twice_leaves_it_unknown_where_keys_are_not_honoured(
    keyless: Pipeline,
) -> None:
    await due(keyless)
    vanish = "UPDATE message_logs SET status = 'SENDING', lease_until = now() - interval '1 s'"
    await keyless.execute(vanish)
    await keyless.recovery.run_once()
    assert await keyless.statuses() == ["RETRYING"]
    await keyless.execute(vanish)
    await keyless.recovery.run_once()
    assert await keyless.statuses() == ["UNKNOWN"]


class FaultySender(RecordingSender):
    """Break down on every call, as no sender may."""

    async def send(self, message: ClaimedMessage) -> Outcome:
        await super().send(message)
        raise KeyError("secret@example.com")


async def test_a_sender_that_breaks_down_made_an_unclear_attempt(
    database_url: str, clock: FakeClock
) -> None:
    async with open_pipeline(database_url, clock=clock, sender=FaultySender()) as pipeline:
        await due(pipeline, 3)
        assert await pipeline.send_due() == 3
        for row in await pipeline.messages():
            assert (row["status"], row["ambiguous_count"]) == ("RETRYING", 1)
            assert row["error_message"] == "KeyError in the sender"


# --- Claims, leases, epochs -------------------------------------------------------------------


async def test_nothing_is_claimed_before_its_instant(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await due(pipeline)
    clock.set(NINE - 60 * SECOND)
    await pipeline.minute.run_once()
    clock.set(NINE - timedelta(microseconds=1))
    batch = await take_batch(pipeline)
    assert await pipeline.sending.deliver(batch) == 0
    assert await pipeline.statuses() == ["QUEUED"]
    clock.set(NINE)
    assert await pipeline.sending.deliver(batch) == 1
    assert len(sender.sent) == 1


async def test_getting_ready_is_a_claim_of_nothing(
    pipeline: Pipeline,
    clock: FakeClock,
    sender: RecordingSender,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await due(pipeline, 3)
    await pipeline.minute.run_once()
    batch = await take_batch(pipeline)
    clock.set(NINE - 2 * SECOND)
    whole = pipeline.database.in_transaction
    claims: list[Claim] = []

    async def watch(work: Any) -> object:
        result: object = await whole(work)
        claims.extend([result] if isinstance(result, Claim) else [])
        return result

    monkeypatch.setattr(pipeline.database, "in_transaction", watch)
    await pipeline.sending.make_ready(batch)
    assert [(claim.messages, claim.not_sent) for claim in claims] == [((), {})]
    assert await pipeline.statuses() == ["QUEUED"] * 3
    assert (sender.expected, sender.sent) == ([3], [])


async def test_getting_ready_reads_what_the_claim_will(
    pipeline: Pipeline, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await due(pipeline, 3)
    await pipeline.minute.run_once()
    batch = await take_batch(pipeline)
    clock.set(NINE - 2 * SECOND)
    read_ahead = MessageLogRepository.read_ahead
    read: list[Batch] = []

    async def watch(messages: MessageLogRepository, batch: Batch) -> None:
        await read_ahead(messages, batch)
        read.append(batch)

    monkeypatch.setattr(MessageLogRepository, "read_ahead", watch)
    await pipeline.sending.make_ready(batch)
    assert read == [batch]
    clock.set(NINE)
    assert await pipeline.sending.deliver(batch) == 3


async def test_what_cannot_be_made_ready_is_tried_all_the_same(
    pipeline: Pipeline, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await due(pipeline)
    await pipeline.minute.run_once()
    batch = await take_batch(pipeline)

    async def fail(_: Any) -> object:
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as away:
        away.setattr(pipeline.database, "in_transaction", fail)
        await pipeline.sending.make_ready(batch)
    clock.set(NINE)
    assert await pipeline.sending.deliver(batch) == 1


async def test_a_second_delivery_of_a_batch_sends_nothing(
    pipeline: Pipeline, sender: RecordingSender
) -> None:
    keys = await due(pipeline, 3)
    await pipeline.minute.run_once()
    batch = await take_batch(pipeline)
    assert [await pipeline.sending.deliver(batch) for _ in range(3)] == [3, 0, 0]
    assert sorted(sender.keys) == sorted(keys)


async def test_a_second_delivery_while_the_calls_are_made_sends_nothing(
    database_url: str, clock: FakeClock
) -> None:
    gate = asyncio.Event()
    sender = RecordingSender(gate=gate)
    async with open_pipeline(database_url, clock=clock, sender=sender) as pipeline:
        await due(pipeline, 3)
        await pipeline.minute.run_once()
        batch = await take_batch(pipeline)
        first = asyncio.create_task(pipeline.sending.deliver(batch))
        await sender.wait_for(3)
        assert await pipeline.sending.deliver(batch) == 0
        gate.set()
        assert await first == 3
        assert await pipeline.statuses() == ["SENT"] * 3


async def test_a_worker_that_lost_its_lease_cannot_write(
    database_url: str, clock: FakeClock
) -> None:
    gate = asyncio.Event()
    sender = RecordingSender(gate=gate)
    async with open_pipeline(database_url, clock=clock, sender=sender) as pipeline:
        await due(pipeline)
        await pipeline.minute.run_once()
        paused = asyncio.create_task(pipeline.sending.deliver(await take_batch(pipeline)))
        await sender.wait_for(1)
        await pipeline.execute("UPDATE message_logs SET lease_until = now() - interval '1 s'")
        assert (await pipeline.recovery.run_once())["expired"] == 1
        before = await pipeline.message()
        gate.set()
        await paused
        assert await pipeline.message() == before
        assert before["status"] == "RETRYING"
        fenced = pipeline.metrics.registry.get_sample_value("heyday_fenced_total")
        assert fenced == 1


async def test_a_worker_that_lost_its_lease_cannot_write_over_the_next_one(
    database_url: str, clock: FakeClock
) -> None:
    gates = [asyncio.Event(), asyncio.Event()]
    senders = [RecordingSender(gate=gate) for gate in gates]
    async with (
        open_pipeline(database_url, clock=clock, sender=senders[0]) as paused,
        open_pipeline(database_url, clock=clock, sender=senders[1]) as next_one,
    ):
        (key,) = await due(paused)
        senders[0].script(key, REFUSED)
        first = asyncio.create_task(paused.send_due())
        await senders[0].wait_for(1)
        await next_one.execute("UPDATE message_logs SET lease_until = now() - interval '1 s'")
        await next_one.recovery.run_once()
        clock.advance(2 * SECOND)
        second = asyncio.create_task(next_one.send_due())
        await senders[1].wait_for(1)
        gates[0].set()
        await first
        assert await next_one.statuses() == ["SENDING"]
        gates[1].set()
        await second
        assert await next_one.statuses() == ["SENT"]
        # What the first worker saw is noted all the same.
        outcomes = [outcome for _, outcome, _ in await attempts(next_one)]
        assert outcomes == ["ambiguous", "refused", "accepted"]


async def test_a_lease_too_short_for_one_more_call_is_not_used(
    database_url: str, clock: FakeClock
) -> None:
    sending = SendingConfig(concurrency=1, lease=LeaseConfig(20 * SECOND, call_timeout=10 * SECOND))

    class SlowSender(RecordingSender):
        async def send(self, message: ClaimedMessage) -> Outcome:
            clock.advance(5 * SECOND)
            return await super().send(message)

    sender, config = SlowSender(), PipelineConfig(sending=sending)
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await due(pipeline, 5)
        await pipeline.send_due()
        # 20 s of lease, less 10 s for a call and 2 s to record: two calls may begin.
        assert len(sender.sent) == 2
        assert sorted(await pipeline.statuses()) == ["RETRYING"] * 3 + ["SENT"] * 2
        for row in await pipeline.rows("SELECT * FROM message_logs WHERE status = 'RETRYING'"):
            assert (row["retry_count"], row["ambiguous_count"]) == (0, 0)
            assert row["next_attempt_at"] == clock.now()
        assert await attempts(pipeline) == [(1, "not_tried", "RETRYING")] * 3
        await pipeline.send_due()
        assert len(sender.sent) == len(set(sender.keys)) == 4


async def test_the_lease_is_counted_by_the_database_and_not_by_the_worker(
    database_url: str, clock: FakeClock
) -> None:
    gate = asyncio.Event()
    sender = RecordingSender(gate=gate)
    async with open_pipeline(database_url, clock=clock, sender=sender) as pipeline:
        await due(pipeline)
        await pipeline.minute.run_once()
        delivering = asyncio.create_task(pipeline.sending.deliver(await take_batch(pipeline)))
        await sender.wait_for(1)
        left = await pipeline.value("SELECT lease_until - now() FROM message_logs")
        assert 50 * SECOND < left <= 60 * SECOND
        gate.set()
        await delivering


async def test_a_worker_that_lives_keeps_its_lease(database_url: str, clock: FakeClock) -> None:
    sending = SendingConfig(
        concurrency=1,
        lease=LeaseConfig(20 * SECOND, call_timeout=2 * SECOND),
        flush_every=timedelta(milliseconds=1),
    )
    begun, kept = asyncio.Semaphore(0), asyncio.Semaphore(0)

    class SlowSender(RecordingSender):
        async def send(self, message: ClaimedMessage) -> Outcome:
            begun.release()
            await kept.acquire()
            return await super().send(message)

    sender, config = SlowSender(), PipelineConfig(sending=sending)
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await due(pipeline, 6)
        delivering = asyncio.create_task(pipeline.send_due())
        left = "SELECT min(lease_until - now()) FROM message_logs WHERE status = 'SENDING'"
        for _ in range(6):  # 42 s of calls in a lease of 20 s
            await begun.acquire()
            await pipeline.execute("UPDATE message_logs SET lease_until = now() + interval '1 s'")
            clock.advance(7 * SECOND)
            async with asyncio.timeout(10):
                while await pipeline.value(left) < 15 * SECOND:
                    pass
            kept.release()
        await delivering
        assert await pipeline.statuses() == ["SENT"] * 6
        assert await attempts(pipeline) == []


async def test_a_heartbeat_does_not_take_back_what_another_has_taken_over(
    database_url: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, beaten = asyncio.Event(), asyncio.Event()
    beat = Lease.beat

    async def noted(lease: Lease) -> None:
        is_time = clock.now() > NINE
        await beat(lease)
        if is_time:
            beaten.set()

    monkeypatch.setattr(Lease, "beat", noted)
    sending = SendingConfig(
        concurrency=1,
        lease=LeaseConfig(20 * SECOND, call_timeout=2 * SECOND),
        flush_every=timedelta(milliseconds=1),
    )
    sender, config = RecordingSender(gate=gate), PipelineConfig(sending=sending)
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await due(pipeline, 3)
        delivering = asyncio.create_task(pipeline.send_due())
        await sender.wait_for(1)
        await pipeline.execute("UPDATE message_logs SET lease_until = now() - interval '1 s'")
        assert (await pipeline.sweep.run_once())["expired"] == 3
        taken_over = await pipeline.messages()
        clock.advance(10 * SECOND)
        await beaten.wait()
        gate.set()
        await delivering
        assert len(sender.sent) == 1
        assert await pipeline.messages() == taken_over
        assert pipeline.metrics.registry.get_sample_value("heyday_fenced_total") == 3


async def test_a_heartbeat_does_not_take_back_what_another_holds(
    pipeline: Pipeline,
) -> None:
    await due(pipeline)
    await pipeline.minute.run_once()
    batch, rules = await take_batch(pipeline), pipeline.planner.claim_rules(NINE)
    lease = 60 * SECOND
    claim = await pipeline.database.in_transaction(
        lambda s: s.messages.claim(batch, NINE, rules, lease)
    )
    await pipeline.execute("UPDATE message_logs SET lease_until = now() - interval '1 s'")
    await pipeline.database.in_transaction(lambda s: s.messages.claim_expired(10 * SECOND, 10))
    kept = await pipeline.database.in_transaction(
        lambda s: s.messages.prolong(claim.messages, lease)
    )
    left = await pipeline.value("SELECT lease_until - now() FROM message_logs")
    assert (kept, left <= 10 * SECOND) == (set(), True)


async def test_a_worker_that_slept_through_its_lease_starts_no_call(
    database_url: str, clock: FakeClock
) -> None:
    gate = asyncio.Event()
    sender = RecordingSender(gate=gate)
    config = PipelineConfig(sending=SendingConfig(concurrency=1))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await due(pipeline, 3)
        delivering = asyncio.create_task(pipeline.send_due())
        await sender.wait_for(1)
        clock.advance(61 * SECOND)
        gate.set()
        await delivering
        assert len(sender.sent) == 1


async def test_no_more_calls_than_allowed_are_in_flight(
    database_url: str, clock: FakeClock
) -> None:
    gate = asyncio.Event()
    sender = RecordingSender(gate=gate)
    config = PipelineConfig(sending=SendingConfig(concurrency=3))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await due(pipeline, 8)
        delivering = asyncio.create_task(pipeline.send_due())
        await sender.wait_for(3)
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(sender.sent) == 3
        gate.set()
        assert await delivering == 8


async def test_outcomes_are_recorded_while_other_calls_still_last(
    database_url: str, clock: FakeClock
) -> None:
    class OneHangs(RecordingSender):
        hang = asyncio.Event()

        async def send(self, message: ClaimedMessage) -> Outcome:
            outcome = await super().send(message)
            if len(self.sent) == 1:
                await self.hang.wait()
            return outcome

    sender = OneHangs()
    config = PipelineConfig(sending=SendingConfig(flush_every=timedelta(milliseconds=1)))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await due(pipeline, 4)
        delivering = asyncio.create_task(pipeline.send_due())
        sent = "SELECT count(*) FROM message_logs WHERE status = 'SENT'"
        async with asyncio.timeout(10):
            while await pipeline.value(sent) < 3:
                pass
        assert not delivering.done()
        sender.hang.set()
        await delivering
        assert await pipeline.statuses() == ["SENT"] * 4


async def test_stopping_starts_no_further_call_and_gives_the_rest_back(
    database_url: str, clock: FakeClock
) -> None:
    gate = asyncio.Event()
    sender = RecordingSender(gate=gate)
    config = PipelineConfig(sending=SendingConfig(concurrency=2))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await due(pipeline, 5)
        delivering = asyncio.create_task(pipeline.send_due())
        await sender.wait_for(2)
        pipeline.sending.stop()
        gate.set()
        await delivering
        assert len(sender.sent) == 2
        assert sorted(await pipeline.statuses()) == ["RETRYING"] * 3 + ["SENT"] * 2
    async with open_pipeline(database_url, clock=clock, sender=RecordingSender()) as restarted:
        assert await restarted.send_due() == 3
        assert await restarted.statuses() == ["SENT"] * 5


# --- A database that fails --------------------------------------------------------------------


async def test_outcomes_wait_for_a_database_that_is_away_for_a_moment(
    pipeline: Pipeline, sender: RecordingSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    await due(pipeline, 2)
    whole = pipeline.database.in_transaction
    faults = [DatabaseUnavailable("away")] * 2

    async def flaky(work: Any) -> object:
        if sender.sent and faults:
            raise faults.pop()
        return await whole(work)

    monkeypatch.setattr(pipeline.database, "in_transaction", flaky)
    assert await pipeline.send_due() == 2
    assert await pipeline.statuses() == ["SENT", "SENT"]


async def test_a_commit_whose_answer_was_lost_is_noted_once(
    pipeline: Pipeline, sender: RecordingSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    (key,) = await due(pipeline)
    sender.script(key, REFUSED)
    whole = pipeline.database.in_transaction
    faults = [DatabaseUnavailable("the connection broke during COMMIT")]

    async def lose_answer(work: Any) -> object:
        result: object = await whole(work)
        if sender.sent and faults:
            raise faults.pop()
        return result

    monkeypatch.setattr(pipeline.database, "in_transaction", lose_answer)
    await pipeline.send_due()
    assert await pipeline.statuses() == ["FAILED"]
    assert await attempts(pipeline) == [(1, "refused", "FAILED")]
    assert pipeline.metrics.registry.get_sample_value("heyday_fenced_total") == 0


async def test_a_claim_whose_answer_was_lost_is_sent_at_once(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    await due(pipeline, 2)
    whole = pipeline.database.in_transaction
    faults = [DatabaseUnavailable("the connection broke during COMMIT")]

    async def lose_answer(work: Any) -> object:
        result: object = await whole(work)
        if isinstance(result, Claim) and faults:
            raise faults.pop()
        return result

    monkeypatch.setattr(pipeline.database, "in_transaction", lose_answer)
    assert await pipeline.send_due() == 2
    assert not faults
    assert await pipeline.statuses() == ["SENT", "SENT"]
    assert await attempts(pipeline) == []


async def test_a_claim_that_was_undone_is_not_sent_by_what_it_brought(
    pipeline: Pipeline, sender: RecordingSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    await due(pipeline, 2)
    await pipeline.minute.run_once()
    batch = await take_batch(pipeline)
    whole = pipeline.database.in_transaction

    async def undo(work: Any) -> object:
        async def undone(session: Any) -> None:
            if isinstance(await work(session), Claim):
                raise DatabaseUnavailable("the connection broke before COMMIT")

        return await whole(undone)

    with monkeypatch.context() as broken:
        broken.setattr(pipeline.database, "in_transaction", undo)
        with pytest.raises(DatabaseUnavailable):
            await pipeline.sending.deliver(batch)
    assert not sender.sent
    assert await pipeline.statuses() == ["QUEUED", "QUEUED"]
    assert await pipeline.sending.deliver(batch) == 2


async def test_a_claim_of_the_same_rows_by_another_is_not_taken_for_ours(
    pipeline: Pipeline,
    clock: FakeClock,
    sender: RecordingSender,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ours is undone, and the other's gives the rows the epoch that ours would have given."""
    await due(pipeline)
    await pipeline.minute.run_once()
    batch = await take_batch(pipeline)
    rules = pipeline.planner.claim_rules(clock.now())
    whole = pipeline.database.in_transaction

    async def undo(work: Any) -> object:
        async def undone(session: Any) -> None:
            if isinstance(await work(session), Claim):
                raise DatabaseUnavailable("the connection broke before COMMIT")

        try:
            return await whole(undone)
        except DatabaseUnavailable:
            await whole(lambda s: s.messages.claim(batch, clock.now(), rules, timedelta(minutes=1)))
            raise

    with monkeypatch.context() as broken:
        broken.setattr(pipeline.database, "in_transaction", undo)
        with pytest.raises(DatabaseUnavailable):
            await pipeline.sending.deliver(batch)
    assert not sender.sent
    assert await pipeline.statuses() == ["SENDING"]


async def test_a_commit_whose_answer_was_lost_leaves_alone_what_came_after(
    pipeline: Pipeline, sender: RecordingSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    (key,) = await due(pipeline)
    sender.script(key, NOT_ACCEPTED)
    await pipeline.minute.run_once()
    batch = await take_batch(pipeline)
    whole = pipeline.database.in_transaction
    faults = [DatabaseUnavailable("the connection broke during COMMIT")]

    async def lose_answer(work: Any) -> object:
        result: object = await whole(work)
        if sender.sent and faults:
            fault = faults.pop()
            await pipeline.minute.run_once()  # the retry is queued before the worker asks again
            raise fault
        return result

    monkeypatch.setattr(pipeline.database, "in_transaction", lose_answer)
    await pipeline.sending.deliver(batch)
    assert await pipeline.statuses() == ["QUEUED"]


async def test_a_database_that_stays_away_does_not_cut_calls_off(
    database_url: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OneIsSlow(RecordingSender):
        finished = 0
        is_lost = asyncio.Event()

        async def send(self, message: ClaimedMessage) -> Outcome:
            outcome = await super().send(message)
            if len(self.sent) == 1:
                await self.is_lost.wait()
                await asyncio.sleep(0)
            self.finished += 1
            return outcome

    sender = OneIsSlow()
    config = PipelineConfig(sending=SendingConfig(flush_every=timedelta(milliseconds=1)))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await due(pipeline, 3)

        async def lost(*_: object) -> None:
            sender.is_lost.set()
            raise DatabaseUnavailable("away until the lease is over")

        monkeypatch.setattr(pipeline.sending, "_record", lost)
        with pytest.raises(DatabaseUnavailable):
            await pipeline.send_due()
        assert sender.finished == 3
        assert await pipeline.statuses() == ["SENDING"] * 3


# --- What is measured -------------------------------------------------------------------------


async def test_lateness_is_measured_from_the_instant_to_the_first_attempt(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    (key,) = await due(pipeline)
    sender.script(key, NOT_ACCEPTED)
    clock.advance(3 * SECOND)
    await exhaust(pipeline, clock)
    sample = pipeline.metrics.registry.get_sample_value
    labels = {"message_type": "BIRTHDAY"}
    assert sample("heyday_lateness_seconds_count", labels) == 1
    assert sample("heyday_lateness_seconds_sum", labels) == 3
    for outcome, count in (("not_accepted", 1), ("accepted", 1)):
        assert sample("heyday_attempts_total", labels | {"outcome": outcome}) == count


async def test_what_became_of_greetings_is_counted(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    first, second = await due(pipeline, 2)
    sender.script(first, NOT_ACCEPTED)
    sender.script(second, REFUSED)
    await pipeline.send_due()
    clock.advance(10 * SECOND)
    await pipeline.send_due()
    sample = pipeline.metrics.registry.get_sample_value
    of = {"message_type": "BIRTHDAY", "sender": "test"}
    assert sample("heyday_due_total", of) == 2
    for status in ("SENT", "RETRYING", "FAILED"):
        assert sample("heyday_greetings_total", of | {"status": status}) == 1, status
    assert sample("heyday_provider_calls_total", {"sender": "test"}) == 3
    assert sample("heyday_batch_seconds_count") == 2


async def test_what_is_taken_and_not_sent_is_counted(pipeline: Pipeline, clock: FakeClock) -> None:
    await due(pipeline)
    await pipeline.minute.run_once()
    await pipeline.execute("UPDATE users SET deleted_at = now()")
    await pipeline.deliver_all()
    cancelled = {"message_type": "BIRTHDAY", "status": "CANCELLED"}
    value = pipeline.metrics.registry.get_sample_value("heyday_not_sent_total", cancelled)
    assert value == 1
    assert clock.now() >= (await pipeline.message())["scheduled_send_time"]


async def test_another_policy_of_retries_is_obeyed(database_url: str, clock: FakeClock) -> None:
    sender, config = RecordingSender(), PipelineConfig(retry=RetryPolicy(max_retries=0))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        (key,) = await due(pipeline)
        sender.script(key, NOT_ACCEPTED)
        await pipeline.send_due()
        row = await pipeline.message()
        assert (row["status"], row["retry_count"]) == ("FAILED", 0)
