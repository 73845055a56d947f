"""A day of the calendar reads the people and the rows of that day, not everybody's."""

import json
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from heyday.db import calendar
from heyday.db.types import AnyConnection
from heyday.domain.calendar_day import DayFilter, day_window
from heyday.domain.message_types import ANNIVERSARY, BIRTHDAY, MessageType
from heyday.domain.timezone import TimezoneService
from heyday.domain.tzdb import PINNED
from tests.integration.db.test_query_plans import (
    JANUARY,
    MANY_PEOPLE,
    MESSAGES,
    PEOPLE,
    SCAN_OF_A_MONTH,
    SCAN_OF_USERS,
    explain,
    months_read,
    rows_touched,
)

NOW = datetime(2027, 1, 15, tzinfo=UTC)
ON = date(2027, 1, 20)
FIRST, LAST = UUID(int=0), UUID(int=1 << 127)


@pytest.fixture
async def many(connection: AnyConnection) -> AnyConnection:
    """A connection to a database with 100,000 people, in four zones."""
    await connection.execute(MANY_PEOPLE)
    await connection.execute("VACUUM ANALYZE users")
    return connection


@pytest.fixture
async def populated(connection: AnyConnection) -> AnyConnection:
    """A connection to a database with 12,000 greetings, spread over three months."""
    for statement in (PEOPLE, "SET timezone = 'UTC'", MESSAGES, "ANALYZE users, message_logs"):
        await connection.execute(statement)
    return connection


@pytest.mark.parametrize("message_type", [BIRTHDAY, ANNIVERSARY])
async def test_people_of_a_day_are_counted_without_those_of_other_days(
    many: AnyConnection, message_type: MessageType
) -> None:
    days = list(TimezoneService().days_on(PINNED.served, ON, NOW))
    count = calendar.statement("count_people", message_type)
    zones = [day.month_day for day in days], [day.timezone for day in days]
    plan = await explain(many, count, *zones)
    assert not SCAN_OF_USERS.search(plan), plan
    # About 270 of 100,000 have the day.
    assert rows_touched(json.loads(plan)) < 1_000, plan
    young = calendar.statement("count_young", message_type)
    plan = await explain(many, young, [date(year, 1, 20) for year in range(2027, 2127)])
    assert not SCAN_OF_USERS.search(plan)
    assert rows_touched(json.loads(plan)) < 500, plan


@pytest.mark.parametrize("message_type", [BIRTHDAY, ANNIVERSARY])
async def test_a_page_of_a_days_people_reads_their_zone_and_day(
    many: AnyConnection, message_type: MessageType
) -> None:
    people = calendar.statement("list_people", message_type)
    for zones, most in ((["Asia/Tokyo"], 20), (["UTC"], 200), (["UTC", "Europe/London"], 400)):
        for after in (None, FIRST, LAST):
            plan = await explain(many, people, [120] * len(zones), zones, 2027, after, 51)
            assert not SCAN_OF_USERS.search(plan), plan
            assert rows_touched(json.loads(plan)) <= most, plan


@pytest.mark.parametrize(
    "wanted",
    [
        DayFilter(),
        DayFilter(frozenset({"Asia/Tokyo"})),
        DayFilter(message_type="BIRTHDAY"),
        DayFilter(frozenset({"Asia/Tokyo", "UTC"}), "BIRTHDAY"),
    ],
)
async def test_rows_of_a_day_are_found_in_its_month_by_their_instant(
    populated: AnyConnection, wanted: DayFilter
) -> None:
    window = day_window(ON)
    sql, values = calendar.list_statement(wanted)
    plan = await explain(populated, sql, ON, window.start_at, window.end_at, FIRST, 51, *values)
    assert months_read(plan) == JANUARY
    assert not SCAN_OF_A_MONTH.search(plan)
    assert not SCAN_OF_USERS.search(plan)
    # About 130 lie on each day, and the window has a part of the days beside it.
    assert rows_touched(json.loads(plan)) <= 700, plan
    noon = datetime(2027, 1, 20, 9, tzinfo=UTC)
    narrow = noon, noon + timedelta(microseconds=1)
    plan = await explain(populated, sql, ON, *narrow, FIRST, 51, *values)
    assert rows_touched(json.loads(plan)) <= 300, plan


async def test_rows_of_a_day_are_counted_without_those_of_other_days(
    populated: AnyConnection,
) -> None:
    window = day_window(ON)
    count = calendar.counting()
    plan = await explain(populated, count, ON, window.start_at, window.end_at)
    assert months_read(plan) == JANUARY
    assert not SCAN_OF_A_MONTH.search(plan)
    assert rows_touched(json.loads(plan)) <= 700, plan
