"""One rate for a recipient's domain, whoever sends: in a row of PostgreSQL, by its clock."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from heyday.clock import SystemClock
from heyday.db.connection import Database
from heyday.db.pacing import PostgresPace
from heyday.db.types import AnyConnection
from heyday.domain.domain_limits import DomainLimit
from heyday.domain.pace import PacePolicy
from heyday.services.domain_limits import DomainLimitedSender, DomainQuota, pace_name
from heyday.telemetry import Metrics
from tests.fakes import MESSAGE, RecordingSender

SECONDS = 2
LIMIT = DomainLimit(("gmail.com",), 100)
CLOCK = SystemClock()


def sender_of(database: Database, inner: RecordingSender) -> DomainLimitedSender:
    """Return the sender of one worker."""
    policy = PacePolicy(LIMIT.rate, slice=timedelta(seconds=1))
    pace = PostgresPace(database, asyncio.Event(), pace_name("test", LIMIT), policy)
    quota = DomainQuota(provider="test", limit=LIMIT, pace=pace, clock=CLOCK, metrics=Metrics())
    return DomainLimitedSender(inner, {"gmail.com": quota})


async def test_several_workers_keep_one_rate_between_them(
    databases: list[Database], connection: AnyConnection
) -> None:
    inner = RecordingSender()
    batch = [replace(MESSAGE, email="p@gmail.com")] * 20
    began = CLOCK.monotonic()

    async def work(sender: DomainLimitedSender) -> None:
        while CLOCK.monotonic() < began + SECONDS:
            await sender.send_many(batch)
            await asyncio.sleep(0)

    senders = [sender_of(database, inner) for database in databases]
    await asyncio.gather(*(work(sender) for sender in senders for _ in range(3)))
    passed = CLOCK.monotonic() - began
    for sender in senders:
        await sender.close()
    assert len(inner.sent) <= LIMIT.rate * (passed + 1.25) + 1
    assert len(inner.sent) >= LIMIT.rate * SECONDS * 0.7, "most of the rate is used"
    names = await connection.fetch("SELECT provider FROM provider_pace")
    assert [row["provider"] for row in names] == ["test to gmail.com"]
