"""One pace for all workers: in a row of PostgreSQL, by its clock."""

import asyncio
import math
from datetime import timedelta

import pytest

from heyday.clock import SystemClock
from heyday.db.connection import Database, PoolConfig
from heyday.db.notifications import PACE, Notifications
from heyday.db.pacing import PostgresPace
from heyday.db.types import AnyConnection
from heyday.domain.breaker import Breaker, BreakerConfig
from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.errors import DatabaseUnavailable
from heyday.domain.pace import Grant, PacePolicy
from heyday.services.gate import ProviderGate
from heyday.telemetry import Metrics

SECOND = timedelta(seconds=1)
FREE = PacePolicy()
CLOCK = SystemClock()


def pace(database: Database, policy: PacePolicy = FREE, news: asyncio.Event | None = None):
    return PostgresPace(database, news or asyncio.Event(), "http", policy)


async def rate(connection: AnyConnection) -> float | None:
    found: float | None = await connection.fetchval("SELECT rate FROM provider_pace")
    return found


async def rows(connection: AnyConnection) -> int:
    found: int = await connection.fetchval("SELECT count(*) FROM provider_pace")
    return found


# --- Tokens ----------------------------------------------------------------------------------


async def test_a_provider_that_nobody_limits_has_no_row(
    databases: list[Database], connection: AnyConnection
) -> None:
    assert await pace(databases[0]).take(500) == Grant(500, timedelta(), None)
    assert await rows(connection) == 0


async def test_takers_at_once_share_what_there_is(
    databases: list[Database], connection: AnyConnection
) -> None:
    # A rate at which nothing to speak of is added while they ask.
    policy = PacePolicy(limit=0.001)
    asked = [pace(database, policy).take(1) for database in databases for _ in range(5)]
    grants = await asyncio.gather(*asked)
    assert sum(grant.calls for grant in grants) == 1
    assert await rows(connection) == 1


async def test_the_total_of_all_takers_stays_within_the_limit(databases: list[Database]) -> None:
    limit, total = 400, 0
    until = CLOCK.monotonic() + 2

    async def taker(shared: PostgresPace) -> None:
        nonlocal total
        while (left := until - CLOCK.monotonic()) > 0:
            grant = await shared.take(10)
            total += grant.calls
            if grant.calls == 0:
                await CLOCK.sleep_until(CLOCK.now() + min(grant.wait, left * SECOND))

    began = CLOCK.monotonic()
    takers = [pace(database, PacePolicy(limit)) for database in databases for _ in range(2)]
    await asyncio.gather(*(taker(shared) for shared in takers))
    passed = CLOCK.monotonic() - began
    assert total <= limit * passed + limit / 4 + 1
    assert total >= limit * 2 * 0.5, "most of the limit is used"


class CountingPace(PostgresPace):
    """Count how often it is asked."""

    asked = 0

    async def take(self, wanted: int) -> Grant:
        self.asked += 1
        return await super().take(wanted)


async def test_gates_of_several_processes_keep_the_limit_with_few_statements(
    databases: list[Database],
) -> None:
    limit, made = 400, 0
    began = CLOCK.monotonic()

    async def caller(gate: ProviderGate) -> None:
        nonlocal made
        while (left := began + 2 - CLOCK.monotonic()) > 0:
            if await gate.admit(left * SECOND) == 1:
                made += 1
                await asyncio.sleep(0)
                gate.note([Outcome(OutcomeKind.ACCEPTED)])

    shared = [CountingPace(db, asyncio.Event(), "http", PacePolicy(limit)) for db in databases]
    gates = [gate(one) for one in shared]
    await asyncio.gather(*(caller(gate) for gate in gates for _ in range(16)))
    passed = CLOCK.monotonic() - began
    # What was taken may be used a quarter of a second later.
    assert made <= limit * passed + limit / 2 + 1
    assert made >= limit * 2 * 0.5
    for one in gates:
        await one.close()
    asked = sum(one.asked for one in shared)
    assert asked <= made / 5, "a statement for each call would be too much"


def gate(shared: PostgresPace) -> ProviderGate:
    breaker = Breaker(BreakerConfig())
    return ProviderGate(
        provider="http", breaker=breaker, pace=shared, clock=CLOCK, metrics=Metrics()
    )


async def test_the_row_may_be_emptied_at_any_time(
    databases: list[Database], connection: AnyConnection
) -> None:
    shared = pace(databases[0], PacePolicy(limit=100))
    await shared.take(1)
    await connection.execute("DELETE FROM provider_pace")
    assert (await shared.take(25)).calls == 25
    assert await rows(connection) == 1


async def test_numbers_that_are_none_do_no_harm(
    databases: list[Database], connection: AnyConnection
) -> None:
    await connection.execute(
        "INSERT INTO provider_pace VALUES ('http', 'Infinity', 'NaN', now() + '1 year', "
        "now() + '1 year', now() + '1 year')"
    )
    grant = await pace(databases[0]).take(1)
    assert grant.wait <= timedelta(minutes=1)
    assert math.isfinite(await rate(connection) or 0)


# --- Slowing down ----------------------------------------------------------------------------


async def test_a_429_reported_by_one_slows_all(
    databases: list[Database], connection: AnyConnection
) -> None:
    shared = [pace(database) for database in databases]
    assert (await shared[0].slow_down(200, None)).rate == 100
    rates = [(await one.take(1)).rate for one in shared]
    assert all(100 <= (rate or 0) < 105 for rate in rates)
    assert await rows(connection) == 1


async def test_at_most_one_halving_a_second_whoever_reports(
    databases: list[Database], connection: AnyConnection
) -> None:
    policy = PacePolicy(limit=800, slows_every=timedelta(minutes=1))
    shared = [pace(database, policy) for database in databases]
    await asyncio.gather(*(one.slow_down(800, None) for one in shared for _ in range(10)))
    assert await rate(connection) == pytest.approx(400, rel=0.05)


async def test_retry_after_stops_all(databases: list[Database]) -> None:
    shared = [pace(database) for database in databases]
    await shared[0].slow_down(200, 30 * SECOND)
    grants = [await one.take(10) for one in shared]
    assert {(grant.calls, grant.is_blocked) for grant in grants} == {(0, True)}
    assert all(29 * SECOND < grant.wait <= 30 * SECOND for grant in grants)


async def test_all_hear_of_a_429_without_asking(
    databases: list[Database], database_url: str
) -> None:
    notifications = Notifications(database_url)
    listening = asyncio.create_task(notifications.run())
    news = notifications.event(PACE)
    async with asyncio.timeout(10):
        await news.wait()  # set once when listening begins
        listener, other = pace(databases[0], news=news), pace(databases[1])
        assert (await listener.take(1)).rate is None
        assert not listener.has_news()
        await other.slow_down(200, None)
        await news.wait()
    assert listener.has_news()
    assert (await listener.take(1)).rate is not None
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_a_429_is_announced_only_where_it_changes_something(
    databases: list[Database], connection: AnyConnection
) -> None:
    heard: list[object] = []
    await connection.add_listener(PACE, lambda *args: heard.append(args))
    shared = pace(databases[0], PacePolicy(slows_every=timedelta(minutes=1)))
    for _ in range(5):
        await shared.slow_down(200, None)
    await connection.execute("SELECT 1")
    assert len(heard) == 1


async def test_a_gate_slows_down_when_another_one_got_a_429(databases: list[Database]) -> None:
    news = asyncio.Event()
    first, second = gate(pace(databases[0])), gate(pace(databases[1], news=news))
    for one in (first, second):
        assert await one.admit(5 * SECOND) == 1
    too_many = Outcome(OutcomeKind.NOT_ACCEPTED, retry_after=30 * SECOND, trouble=Trouble.PACE)
    first.note([too_many])
    held = await first.admit(5 * SECOND)
    news.set()
    also_held = await second.admit(5 * SECOND)
    for outcome in (held, also_held):
        assert isinstance(outcome, Outcome)
        assert outcome.kind is OutcomeKind.NOT_TRIED
        assert timedelta(seconds=20) < (outcome.retry_after or SECOND) <= 30 * SECOND
    for one in (first, second):
        await one.close()


# --- Without the database --------------------------------------------------------------------


async def test_a_database_that_is_away_is_an_error_not_a_permission(database_url: str) -> None:
    away = Database(PoolConfig(database_url, min_size=1, patience=0.1 * SECOND))
    shared = pace(away, PacePolicy(limit=100))
    with pytest.raises(DatabaseUnavailable):
        await shared.take(1)
    with pytest.raises(DatabaseUnavailable):
        await shared.slow_down(1, None)


async def test_a_gate_outlives_a_connection_that_breaks(
    databases: list[Database], connection: AnyConnection
) -> None:
    one = gate(pace(databases[0], PacePolicy(limit=100)))
    assert await one.admit(5 * SECOND) == 1
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert await one.admit(10 * SECOND) == 1
    await one.close()
