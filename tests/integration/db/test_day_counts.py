"""One count of a day for all workers, in a row of PostgreSQL."""

import asyncio
from datetime import date, timedelta

import pytest

from heyday.db.connection import Database, PoolConfig
from heyday.db.day_counts import PostgresDays
from heyday.db.types import AnyConnection
from heyday.domain.day_cap import DayCap, DayUse, Draw, WarmUp
from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.errors import DatabaseUnavailable
from heyday.services.gate import ProviderGate
from heyday.telemetry import Metrics
from tests.factories import gate_of
from tests.fakes import START_AT, FakeClock

TODAY = date(2027, 1, 14)
DAY = timedelta(days=1)


async def use_up(gate: ProviderGate) -> int:
    """Return how many calls are made until the gate lets none through."""
    made = 0
    while await gate.admit(timedelta(seconds=1)) == 1:
        gate.note([Outcome(OutcomeKind.ACCEPTED)])
        made += 1
    return made


def days_of(database: Database, cap: int, provider: str = "smtp") -> PostgresDays:
    return PostgresDays(database, provider, DayCap(cap))


async def test_all_who_draw_at_once_get_the_cap_between_them(databases: list[Database]) -> None:
    shared = [days_of(database, 100) for database in databases]
    draws = await asyncio.gather(*(one.draw(TODAY, 3, 0) for one in shared for _ in range(30)))
    assert sum(draw.granted for draw in draws) == 100
    assert min(draw.left for draw in draws) == 0
    assert await shared[0].find_use(TODAY) == DayUse("smtp", TODAY, 100, 100)


async def test_days_and_providers_count_by_themselves(databases: list[Database]) -> None:
    smtp, http = days_of(databases[0], 10), days_of(databases[1], 10, "http")
    assert await smtp.draw(TODAY, 10, 0) == Draw(10, 0, 10)
    assert await smtp.draw(TODAY, 1, 0) == Draw(0, 0, 10)
    assert (await http.draw(TODAY, 1, 0)).granted == 1
    assert (await smtp.draw(TODAY + DAY, 1, 0)).granted == 1


async def test_what_is_given_back_may_be_drawn_again(databases: list[Database]) -> None:
    first, second = days_of(databases[0], 10), days_of(databases[1], 10)
    await first.draw(TODAY, 10, 0)
    await first.give_back(TODAY, 4)
    assert (await second.draw(TODAY, 10, 0)).granted == 4
    await first.give_back(TODAY, 100)
    assert (await second.find_use(TODAY)).used == 0


async def test_a_cap_that_was_lowered_lets_nothing_more_out(databases: list[Database]) -> None:
    await days_of(databases[0], 10).draw(TODAY, 8, 0)
    assert await days_of(databases[1], 5).draw(TODAY, 1, 0) == Draw(0, 0, 5)


async def test_old_days_are_let_go(databases: list[Database], connection: AnyConnection) -> None:
    shared = days_of(databases[0], 10)
    await shared.draw(TODAY - 91 * DAY, 1, 0)
    await shared.draw(TODAY - 90 * DAY, 1, 0)
    await shared.draw(TODAY, 1, 0)
    rows = await connection.fetch("SELECT day FROM provider_days ORDER BY day")
    assert [row["day"] for row in rows] == [TODAY - 90 * DAY, TODAY]


async def test_a_database_that_is_away_is_an_error_not_a_permission(database_url: str) -> None:
    patience = timedelta(seconds=0.1)
    away = Database(PoolConfig(database_url, min_size=1, patience=patience))
    with pytest.raises(DatabaseUnavailable):
        await days_of(away, 10).draw(TODAY, 1, 0)


async def test_a_new_sender_gets_more_every_day_from_all_workers_together(
    databases: list[Database],
) -> None:
    clock = FakeClock(START_AT + timedelta(hours=9))
    cap = DayCap(100, WarmUp(TODAY, 10, times=2))
    gates = [gate_of(database, clock, Metrics(), cap=cap) for database in databases]
    made = []
    for _ in range(5):
        counts = await asyncio.gather(*(use_up(gate) for gate in gates for _ in range(5)))
        made.append(sum(counts))
        clock.advance(DAY)
    assert made == [10, 20, 40, 80, 100]
    for gate in gates:
        await gate.close()
