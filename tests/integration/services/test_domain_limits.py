"""Limits of recipients' domains: one bucket in PostgreSQL, and the whole way of a greeting."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

from heyday.clock import SystemClock
from heyday.db.connection import Database, PoolConfig
from heyday.db.pacing import PostgresPace
from heyday.domain.domain_limits import DomainLimit
from heyday.domain.models import ClaimedMessage
from heyday.domain.pace import PacePolicy
from heyday.domain.ports import Clock
from heyday.services.domain_limits import DomainLimitedSender, DomainQuota, pace_name
from heyday.telemetry import Metrics
from tests.factories import open_pipeline
from tests.fakes import MESSAGE, START_AT, FakeClock, RecordingSender
from tests.shares import MemoryPace

SECOND = timedelta(seconds=1)
NINE = START_AT + timedelta(hours=9)
CLOCK = SystemClock()


def limited(
    inner: RecordingSender, limit: DomainLimit, pace: PostgresPace | MemoryPace, clock: Clock
) -> DomainLimitedSender:
    """Return the sender of one process."""
    shared = pace.seat() if isinstance(pace, MemoryPace) else pace
    quota = DomainQuota(provider="test", limit=limit, pace=shared, clock=clock, metrics=Metrics())
    return DomainLimitedSender(inner, dict.fromkeys(limit.domains, quota))


async def test_several_workers_keep_one_rate_between_them(database_url: str) -> None:
    limit, inner = DomainLimit(("gmail.com",), 100), RecordingSender()
    policy = PacePolicy(limit.rate, slice=SECOND)
    batch = [replace(MESSAGE, email="p@gmail.com")] * 20
    until = CLOCK.monotonic() + 2

    async def work(sender: DomainLimitedSender) -> None:
        while CLOCK.monotonic() < until:
            await sender.send_many(batch)
            await asyncio.sleep(0)

    async with AsyncExitStack() as stack:
        senders = []
        for _ in range(4):
            database = Database(PoolConfig(database_url, min_size=1, max_size=3))
            await database.open()
            stack.push_async_callback(database.close)
            pace = PostgresPace(database, asyncio.Event(), pace_name("test", limit), policy)
            senders.append(limited(inner, limit, pace, CLOCK))
            stack.push_async_callback(senders[-1].close)
        began = CLOCK.monotonic()
        await asyncio.gather(*(work(sender) for sender in senders for _ in range(3)))
        passed = CLOCK.monotonic() - began
    assert len(inner.sent) <= limit.rate * (passed + 1.25) + 1
    assert len(inner.sent) >= limit.rate * 2 * 0.7, "most of the rate is used"


class TimedSender(RecordingSender):
    """Note the second in which each letter left, and the domain that it went to."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.at: Counter[tuple[float, str]] = Counter()
        self._clock = clock

    async def send(self, message: ClaimedMessage):
        second = (self._clock.now() - NINE).total_seconds()
        self.at[second, message.email.partition("@")[2]] += 1
        return await super().send(message)


async def test_others_leave_at_nine_and_all_of_a_limited_domain_a_little_later(
    database_url: str, clock: FakeClock
) -> None:
    limit, inner = DomainLimit(("gmail.com",), 5), TimedSender(clock)
    pace = MemoryPace(clock, PacePolicy(limit.rate, slice=SECOND))
    sender = limited(inner, limit, pace, clock)
    async with open_pipeline(database_url, clock=clock, sender=sender) as pipeline:
        for n in range(40):
            domain = "gmail.com" if n < 30 else "example.org"
            email = f"p{n}@{domain}"
            await pipeline.insert(timezone="UTC", birthday_date="1990-01-14", email=email)
        await pipeline.daily.run_once()
        clock.set(NINE)
        await pipeline.send_due()
        assert inner.at == {(0, "gmail.com"): 5, (0, "example.org"): 10}
        for _ in range(15):
            clock.advance(SECOND)
            await pipeline.send_due()
        assert max(inner.at.values()) == 10
        assert max(n for (_, domain), n in inner.at.items() if domain == "gmail.com") <= 5
        rows = await pipeline.messages()
        assert {(row["status"], row["retry_count"]) for row in rows} == {("SENT", 0)}
        seen = pipeline.metrics.registry.get_sample_value
        label = {"message_type": "BIRTHDAY"}
        assert seen("heyday_lateness_seconds_count", label) == 40, "once for each greeting"
        told = "SELECT count(*) FROM message_attempts WHERE error_message LIKE '%gmail%'"
        assert await pipeline.value(told) == 0
    await sender.close()
