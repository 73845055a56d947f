"""While a provider is down, nothing is claimed and no retries are spent; a 429 slows all."""

import asyncio
from datetime import UTC, datetime, timedelta

from heyday.domain.breaker import BreakerConfig
from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.models import ClaimedMessage
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import FakeClock, RecordingSender

SECOND = timedelta(seconds=1)
NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
REFUSED_CONNECTION = Outcome(
    OutcomeKind.NOT_ACCEPTED, error="no connection to the provider", trouble=Trouble.PROVIDER
)
NO_ANSWER = Outcome(OutcomeKind.AMBIGUOUS, error="timeout", trouble=Trouble.PROVIDER)
WRONG_API_KEY = Outcome(OutcomeKind.REFUSED, code=401, trouble=Trouble.ACCOUNT)


class FailingSender(RecordingSender):
    """Answer everything alike, until it is well."""

    def __init__(self, answer: Outcome) -> None:
        super().__init__()
        self.answer = answer
        self.is_well = False

    async def send(self, message: ClaimedMessage) -> Outcome:
        accepted = await super().send(message)
        return accepted if self.is_well else self.answer


async def due(pipeline: Pipeline, clock: FakeClock, count: int) -> None:
    for _ in range(count):
        await pipeline.insert(timezone="UTC", birthday_date="1990-01-15")
    await pipeline.daily.run_once()
    clock.set(NINE)
    await pipeline.minute.run_once()


async def live_on(clock: FakeClock, pipeline: Pipeline, seconds: int) -> None:
    """Let time pass second by second, with a minute scheduler and a worker."""
    for _ in range(seconds):
        clock.advance(SECOND)
        await pipeline.send_due()


async def test_a_provider_that_is_down_costs_a_few_calls_and_no_greeting_its_retries(
    database_url: str, clock: FakeClock
) -> None:
    sender = FailingSender(REFUSED_CONNECTION)
    config = PipelineConfig(breaker=BreakerConfig(failures=5))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await due(pipeline, clock, 40)
        working = asyncio.create_task(pipeline.worker.run())
        await sender.wait_for(5)
        for _ in range(600):  # ten minutes, of which a retry budget would last one
            await clock.wait_for_sleepers()
            clock.advance(SECOND)
            await pipeline.minute.run_once()
        assert len(sender.sent) < 5 + 15
        rows = await pipeline.messages()
        assert {row["status"] for row in rows} <= {"QUEUED", "RETRYING", "SENDING"}
        assert max(row["retry_count"] for row in rows) <= 3
        sender.is_well = True
        async with asyncio.timeout(30):
            while set(await pipeline.statuses()) != {"SENT"}:
                await clock.wait_for_sleepers()
                clock.advance(SECOND)
                await pipeline.minute.run_once()
        pipeline.worker.stop()
        await working


async def test_each_greeting_is_late_once_however_often_it_is_a_probe(
    database_url: str, clock: FakeClock
) -> None:
    sender = FailingSender(NO_ANSWER)
    config = PipelineConfig(breaker=BreakerConfig(failures=1))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await due(pipeline, clock, 2)
        await pipeline.deliver_all()
        await live_on(clock, pipeline, 40)
        probes = "SELECT count(*) FROM message_attempts WHERE outcome = 'ambiguous'"
        assert await pipeline.value(probes) > 3
        late = pipeline.metrics.registry.get_sample_value(
            "heyday_lateness_seconds_count", {"message_type": "BIRTHDAY"}
        )
        assert late == 2


async def test_a_wrong_api_key_fails_a_few_greetings_and_not_the_day(
    database_url: str, clock: FakeClock
) -> None:
    sender = FailingSender(WRONG_API_KEY)
    config = PipelineConfig(breaker=BreakerConfig(failures=3))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await due(pipeline, clock, 40)
        await pipeline.deliver_all()
        statuses = await pipeline.statuses()
        assert (statuses.count("FAILED"), statuses.count("RETRYING")) == (3, 37)
        sender.is_well = True
        await live_on(clock, pipeline, 20)
        statuses = await pipeline.statuses()
        assert (statuses.count("FAILED"), statuses.count("SENT")) == (3, 37)
        spent = "SELECT sum(retry_count) FROM message_logs WHERE status = 'SENT'"
        assert await pipeline.value(spent) == 0


async def test_stopping_does_not_wait_for_a_turn_at_the_provider(
    database_url: str, clock: FakeClock
) -> None:
    sender = RecordingSender()
    config = PipelineConfig(rate_limit=1.0)
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await due(pipeline, clock, 10)
        delivering = asyncio.create_task(pipeline.deliver_all())
        await clock.wait_for_sleepers()
        pipeline.sending.stop()
        async with asyncio.timeout(10):
            await delivering
        statuses = await pipeline.statuses()
        assert len(sender.sent) == statuses.count("SENT") < 10
        assert statuses.count("RETRYING") == 10 - len(sender.sent)
