"""Limits of recipients' domains on the whole way of a greeting."""

from collections import Counter
from datetime import timedelta
from typing import cast

from heyday.domain.domain_limits import DomainLimit
from heyday.domain.models import ClaimedMessage
from heyday.domain.pace import PacePolicy
from heyday.services.domain_limits import DomainLimitedSender, DomainQuota
from heyday.telemetry import Metrics
from tests.factories import open_pipeline
from tests.fakes import START_AT, FakeClock, RecordingSender
from tests.shares import MemoryPace

SECOND = timedelta(seconds=1)
NINE = START_AT + timedelta(hours=9)


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
    quota = DomainQuota(
        provider="test", limit=limit, pace=pace.seat(), clock=clock, metrics=Metrics()
    )
    limited = DomainLimitedSender(inner, {"gmail.com": quota})
    sender = cast("RecordingSender", limited)
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
    await limited.close()
