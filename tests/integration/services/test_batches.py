"""Many greetings by one call: what comes of it holds for each as if it had been called alone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web

from heyday.domain.breaker import BreakerConfig
from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.models import ClaimedMessage
from heyday.senders.calls import HttpConfig
from heyday.senders.http_batch import HttpBatchSender
from heyday.services.leases import LeaseConfig
from heyday.services.sending import SendingConfig
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import FakeClock, RecordingSender, Relay
from tests.integration.services.stages import HOUR, NINE, NOON_BEFORE, SECOND, people
from tests.provider import Act, Behaviour, Provider, Received, always

REFUSED = Outcome(OutcomeKind.REFUSED, code=422)
NOT_ACCEPTED = Outcome(OutcomeKind.NOT_ACCEPTED, error="success false")
AMBIGUOUS = Outcome(OutcomeKind.AMBIGUOUS, error="timeout")
# So that a batch that fails is not one failure too many.
PATIENT = BreakerConfig(failures=10_000)


async def due(pipeline: Pipeline, clock: FakeClock, count: int) -> list[str]:
    """Plan greetings and move to their instant; return their keys in the order of the calls."""
    clock.set(NOON_BEFORE)
    await people(pipeline, count)
    clock.set(NINE)
    return [row["idempotency_key"] for row in await pipeline.messages()]


@contextlib.asynccontextmanager
async def batching(
    url: str, clock: FakeClock, sender: RecordingSender, **sending: object
) -> AsyncIterator[Pipeline]:
    """Lend a pipeline with one call under way at a time."""
    config = PipelineConfig(
        sending=replace(SendingConfig(concurrency=1), **sending),  # type: ignore[arg-type]
        breaker=PATIENT,
    )
    async with open_pipeline(url, clock=clock, sender=sender, config=config) as pipeline:
        yield pipeline


async def outcomes_of(pipeline: Pipeline) -> dict[str, list[str]]:
    """Return what is on record of the attempts at each greeting, by its key."""
    rows = await pipeline.rows(
        "SELECT idempotency_key, array_agg(outcome ORDER BY a.id) AS outcomes "
        "FROM message_attempts a JOIN message_logs m ON m.id = a.message_id GROUP BY 1"
    )
    return {row["idempotency_key"]: row["outcomes"] for row in rows}


async def by_key(pipeline: Pipeline) -> dict[str, str]:
    return {row["idempotency_key"]: row["status"] for row in await pipeline.messages()}


# --- Calls ------------------------------------------------------------------------------------


async def test_a_claimed_batch_goes_out_in_as_few_calls_as_possible(
    database_url: str, clock: FakeClock
) -> None:
    sender = RecordingSender(batch_size=3)
    async with batching(database_url, clock, sender) as pipeline:
        keys = await due(pipeline, clock, 7)
        assert await pipeline.send_due() == 7
        assert sender.calls == [3, 3, 1]
        assert sorted(sender.keys) == sorted(keys)
        assert await pipeline.statuses() == ["SENT"] * 7
        assert await outcomes_of(pipeline) == {}
        sample = pipeline.metrics.registry.get_sample_value
        labels = {"message_type": "BIRTHDAY"}
        assert sample("heyday_lateness_seconds_count", labels) == 7
        assert sample("heyday_attempts_total", labels | {"outcome": "accepted"}) == 7


async def test_each_is_recorded_by_its_own_outcome_and_what_is_left_goes_out_together(
    database_url: str, clock: FakeClock
) -> None:
    sender = RecordingSender(batch_size=10)
    async with batching(database_url, clock, sender) as pipeline:
        accepted, refused, busy, unclear = await due(pipeline, clock, 4)
        sender.script(refused, REFUSED)
        sender.script(busy, NOT_ACCEPTED)
        sender.script(unclear, AMBIGUOUS)
        await pipeline.send_due()
        assert await by_key(pipeline) == {
            accepted: "SENT",
            refused: "FAILED",
            busy: "RETRYING",
            unclear: "RETRYING",
        }
        clock.advance(3 * SECOND)
        await pipeline.send_due()
        assert sender.calls == [4, 2]
        assert sorted(sender.keys[4:]) == sorted([busy, unclear])
        assert await outcomes_of(pipeline) == {
            refused: ["refused"],
            busy: ["not_accepted", "accepted"],
            unclear: ["ambiguous", "accepted"],
        }


async def test_a_call_that_breaks_down_was_unclear_for_all_in_it(
    database_url: str, clock: FakeClock
) -> None:
    class Broken(RecordingSender):
        async def send_many(self, messages: Sequence[ClaimedMessage]) -> Sequence[Outcome]:
            if await super().send_many(messages) and len(self.calls) == 1:
                raise ValueError("a fault of its own")
            return [Outcome(OutcomeKind.ACCEPTED)] * len(messages)

    sender = Broken(batch_size=3)
    async with batching(database_url, clock, sender) as pipeline:
        await due(pipeline, clock, 4)
        await pipeline.send_due()
        assert sorted(await pipeline.statuses()) == ["RETRYING"] * 3 + ["SENT"]
        assert list((await outcomes_of(pipeline)).values()) == [["ambiguous"]] * 3


async def test_what_the_provider_has_forgotten_stays_out_of_the_call(
    database_url: str, clock: FakeClock
) -> None:
    sender = RecordingSender(batch_size=10)
    async with batching(database_url, clock, sender) as pipeline:
        keys = await due(pipeline, clock, 3)
        await pipeline.execute(
            "UPDATE message_logs SET ambiguous_count = 2, ambiguous_since = $2 "
            "WHERE idempotency_key = $1",
            keys[0],
            NINE - 24 * HOUR,
        )
        await pipeline.send_due()
        assert await by_key(pipeline) == {keys[0]: "UNKNOWN", keys[1]: "SENT", keys[2]: "SENT"}
        assert sorted(sender.keys) == sorted(keys[1:])


async def test_stopping_starts_no_further_batch(database_url: str, clock: FakeClock) -> None:
    gate = asyncio.Event()
    sender = RecordingSender(batch_size=2, gate=gate)
    async with batching(database_url, clock, sender) as pipeline:
        await due(pipeline, clock, 5)
        delivering = asyncio.create_task(pipeline.send_due())
        await sender.wait_for(2)
        pipeline.sending.stop()
        gate.set()
        await delivering
        assert sender.calls == [2]
        assert sorted(await pipeline.statuses()) == ["RETRYING"] * 3 + ["SENT"] * 2


async def test_a_lease_too_short_for_one_more_batch_is_not_used(
    database_url: str, clock: FakeClock
) -> None:
    class Slow(RecordingSender):
        async def send_many(self, messages: Sequence[ClaimedMessage]) -> Sequence[Outcome]:
            outcomes = await super().send_many(messages)
            clock.advance(25 * SECOND)
            return outcomes

    sender = Slow(batch_size=2)
    lease = LeaseConfig(30 * SECOND, 10 * SECOND)
    async with batching(database_url, clock, sender, lease=lease) as pipeline:
        await due(pipeline, clock, 5)
        await pipeline.send_due()
        assert sender.calls == [2]
        assert sorted(await pipeline.statuses()) == ["RETRYING"] * 3 + ["SENT"] * 2
        assert set(map(tuple, (await outcomes_of(pipeline)).values())) == {("not_tried",)}


async def test_who_vanished_with_a_batch_leaves_every_greeting_in_it_unclear(
    database_url: str, clock: FakeClock
) -> None:
    """The rows that were claimed are the list of who was in the call: nothing else need be kept."""
    sender = RecordingSender(batch_size=3, gate=asyncio.Event())
    async with batching(database_url, clock, sender) as pipeline:
        await due(pipeline, clock, 3)
        delivering = asyncio.create_task(pipeline.send_due())
        await sender.wait_for(3)
        delivering.cancel()
        await asyncio.gather(delivering, return_exceptions=True)
        assert await pipeline.statuses() == ["SENDING"] * 3
        await pipeline.execute("UPDATE message_logs SET lease_until = now() - interval '1 s'")
        assert await pipeline.sending.resolve_expired() == 3
        assert list((await outcomes_of(pipeline)).values()) == [["ambiguous"]] * 3
        assert await pipeline.statuses() == ["RETRYING"] * 3


# --- A batch that is refused as a whole -------------------------------------------------------


class Particular(RecordingSender):
    """Refuse every batch in which there is one that it would refuse."""

    def __init__(self, batch_size: int) -> None:
        super().__init__(batch_size=batch_size)
        self.bad: set[str] = set()

    async def send_many(self, messages: Sequence[ClaimedMessage]) -> Sequence[Outcome]:
        if not self.bad.intersection(message.idempotency_key for message in messages):
            return await super().send_many(messages)
        self.calls.append(len(messages))
        return [replace(REFUSED, is_of_batch=len(messages) > 1)] * len(messages)


@pytest.mark.parametrize("place", [0, 7, 15])
async def test_one_that_is_refused_costs_the_others_nothing(
    database_url: str, clock: FakeClock, place: int
) -> None:
    sender = Particular(16)
    async with batching(database_url, clock, sender) as pipeline:
        keys = await due(pipeline, clock, 16)
        sender.bad = {keys[place]}
        await pipeline.send_due()
        statuses = await by_key(pipeline)
        assert statuses.pop(keys[place]) == "FAILED"
        assert set(statuses.values()) == {"SENT"}
        assert sorted(sender.keys) == sorted(statuses)
        assert await outcomes_of(pipeline) == {keys[place]: ["refused"]}
        assert sorted(sender.calls) == [1, 1, 2, 2, 4, 4, 8, 8, 16]
        sample = pipeline.metrics.registry.get_sample_value
        assert sample("heyday_lateness_seconds_count", {"message_type": "BIRTHDAY"}) == 16


async def test_all_that_are_refused_come_to_an_end(database_url: str, clock: FakeClock) -> None:
    sender = Particular(8)
    async with batching(database_url, clock, sender) as pipeline:
        sender.bad = set(await due(pipeline, clock, 8))
        await pipeline.send_due()
        assert await pipeline.statuses() == ["FAILED"] * 8


# --- A provider that misbehaves ---------------------------------------------------------------


@contextlib.asynccontextmanager
async def provided(
    url: str, clock: FakeClock, provider: Provider, *, honours_keys: bool = True
) -> AsyncIterator[Pipeline]:
    lifetime = 24 * HOUR if honours_keys else None
    within = timedelta(milliseconds=500)
    config = HttpConfig(provider.url, within, key_lifetime=lifetime)
    async with (
        HttpBatchSender(config, 10, clock) as sender,
        batching(url, clock, Relay(sender)) as pipeline,
    ):
        yield pipeline


def at_first(act: "Act | web.Response") -> Behaviour:
    """Do this with what comes for the first time."""
    return lambda request: Act.OK if request.earlier else act


@pytest.mark.parametrize(
    "act",
    [
        *(Act.HANG, Act.HANG_ACCEPTED, Act.RESET_ACCEPTED, Act.HANG_UP_ACCEPTED, Act.ERROR),
        *(Act.ERROR_ACCEPTED, Act.UNAVAILABLE, Act.SLOW_BODY_ACCEPTED, Act.TRUNCATED_ACCEPTED),
        *(Act.GARBAGE_ACCEPTED, Act.HTML_ACCEPTED),
    ],
)
async def test_a_fault_of_the_call_is_unclear_for_all_and_with_keys_nobody_gets_two(
    database_url: str, clock: FakeClock, act: Act
) -> None:
    async with (
        Provider(at_first(act)) as provider,
        provided(database_url, clock, provider) as pipeline,
    ):
        await due(pipeline, clock, 10)
        await pipeline.send_due()
        assert await pipeline.statuses() == ["RETRYING"] * 10
        clock.advance(3 * SECOND)
        await pipeline.send_due()
        assert await pipeline.statuses() == ["SENT"] * 10
        assert set(map(tuple, (await outcomes_of(pipeline)).values())) == {
            ("ambiguous", "accepted")
        }
        assert provider.batches == [10, 10]
        assert (len(provider.accepted), provider.extra) == (10, 0)


async def test_results_of_a_wrong_length_are_unclear_for_all(
    database_url: str, clock: FakeClock
) -> None:
    short = web.json_response({"results": [{"success": True}] * 9})
    async with (
        Provider(at_first(short)) as provider,
        provided(database_url, clock, provider) as pipeline,
    ):
        await due(pipeline, clock, 10)
        await pipeline.send_due()
        assert await pipeline.statuses() == ["RETRYING"] * 10
        assert list((await outcomes_of(pipeline)).values()) == [["ambiguous"]] * 10


async def test_without_keys_a_second_unclear_batch_waits_for_a_person(
    database_url: str, clock: FakeClock
) -> None:
    async with (
        Provider(always(Act.RESET_ACCEPTED), honours_keys=False) as provider,
        provided(database_url, clock, provider, honours_keys=False) as pipeline,
    ):
        await due(pipeline, clock, 10)
        await pipeline.send_due()
        clock.advance(3 * SECOND)
        await pipeline.send_due()
        assert await pipeline.statuses() == ["UNKNOWN"] * 10
        assert provider.extra == 10
        unclear = await pipeline.value(
            "SELECT count(*) FROM message_attempts WHERE outcome = 'ambiguous'"
        )
        assert unclear == 20


async def test_a_provider_that_refuses_a_batch_for_one_address_gets_the_others(
    database_url: str, clock: FakeClock
) -> None:
    bad: list[str] = []

    async with Provider() as provider, provided(database_url, clock, provider) as pipeline:
        keys = await due(pipeline, clock, 10)
        bad.append(keys[0])

        def behave(request: Received) -> Act:
            return Act.REFUSE if request.key in bad else Act.OK

        provider.behave = behave
        await pipeline.send_due()
        assert sorted(await pipeline.statuses()) == ["FAILED"] + ["SENT"] * 9
        assert provider.accepted.total() == 9


async def test_a_wrong_key_costs_no_greeting(database_url: str, clock: FakeClock) -> None:
    class Shut(RecordingSender):
        async def send_many(self, messages: Sequence[ClaimedMessage]) -> Sequence[Outcome]:
            self.calls.append(len(messages))
            wrong_key = replace(REFUSED, code=401, trouble=Trouble.ACCOUNT)
            return [replace(wrong_key, is_of_batch=len(messages) > 1)] * len(messages)

    sender = Shut(batch_size=1000)
    config = PipelineConfig(breaker=BreakerConfig(failures=20))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await due(pipeline, clock, 30)
        await pipeline.send_due()
        assert sender.calls == [20], "and not 30, as long as all may fail"
        assert await pipeline.statuses() == ["RETRYING"] * 30
        clock.advance(6 * SECOND)
        await pipeline.send_due()
        assert sender.calls == [20, 1]
        assert await pipeline.statuses() == ["RETRYING"] * 30
