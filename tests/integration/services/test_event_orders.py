"""Laws of events: whatever their order and however often each comes, they lead to the same end."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heyday.domain.events import EventKind, ProviderEvent, Received
from heyday.services.events import EventService
from tests.factories import Pipeline, open_pipeline
from tests.fakes import FakeClock, RecordingSender
from tests.integration.services.doubt import NINE, unknown

MINUTE = timedelta(minutes=1)
CLEAN = """
    DELETE FROM users; DELETE FROM idempotency_keys; DELETE FROM suppressions;
    DELETE FROM message_events; DELETE FROM message_attempts
"""
# Each example lives through the events twice, with a sweep after each step.
few = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Case:
    """Kinds of events, and the requests by which their numbers come: each at least once."""

    kinds: Sequence[EventKind]
    requests: Sequence[Sequence[int]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    kinds = draw(st.lists(st.sampled_from(EventKind), min_size=1, max_size=5))
    numbers = st.integers(0, len(kinds) - 1)
    coming = draw(st.permutations([*range(len(kinds)), *draw(st.lists(numbers, max_size=4))]))
    requests: list[list[int]] = [[]]
    for number in coming:
        if draw(st.booleans()):
            requests.append([])
        requests[-1].append(number)
    return Case(kinds, requests)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all examples of a test."""
    with asyncio.Runner() as runner:
        yield runner


async def lived(
    pipeline: Pipeline, clock: FakeClock, case: Case, requests: Sequence[Sequence[int]]
) -> object:
    """Live through the requests within an hour, and two hours more; return what is then."""
    await pipeline.execute(CLEAN)
    await unknown(pipeline, clock)
    row = await pipeline.message()
    await pipeline.execute("UPDATE users SET email = 'ada@example.com'")
    events = EventService(pipeline.database, pipeline.planner, clock, pipeline.metrics)
    them = [
        ProviderEvent(UUID(int=number + 1), kind, row["idempotency_key"], NINE, "Ada@example.com")
        for number, kind in enumerate(case.kinds)
    ]
    for request in requests:
        await events.receive("ses", Received([them[number] for number in request]))
        await events.settle()
        clock.advance(MINUTE)
    clock.advance(timedelta(hours=2))
    await events.settle()
    return [
        [tuple(found) for found in await pipeline.rows(query)]
        for query in (
            "SELECT status, epoch, actual_send_time FROM message_logs",
            "SELECT outcome, status, epoch FROM message_attempts ORDER BY id",
            "SELECT unsubscribed_at IS NULL, birthday_unsubscribed_at IS NULL FROM users",
            "SELECT address_hmac, message_type, reason FROM suppressions ORDER BY 2",
            "SELECT event_id, kind, happened_at FROM message_events ORDER BY 1",
        )
    ]


@few
@given(case=cases())
def test_any_order_and_repetition_leads_to_the_same_end(
    database_url: str, runner: asyncio.Runner, case: Case
) -> None:
    async def check() -> None:
        clock = FakeClock()
        async with open_pipeline(database_url, clock=clock, sender=RecordingSender()) as pipeline:
            at_once = await lived(pipeline, clock, case, [range(len(case.kinds))])
            assert await lived(pipeline, clock, case, case.requests) == at_once

    runner.run(check())
