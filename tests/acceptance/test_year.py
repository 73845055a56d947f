"""A year of daily runs on 537 real people, against a second computation of what is due."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from heyday.bootstrap import open_app
from heyday.settings import Settings
from tests.acceptance import oracle
from tests.acceptance.processes import run

PEOPLE = Path(__file__).parents[2] / "data" / "people-us-congress.csv"
YEAR = range(2027, 2028)
FIRST, LAST = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
# The days that go through the command line: the ends of the year, of February, of summer time.
BY_COMMAND = {date(2027, 1, 1), date(2027, 2, 27), date(2027, 3, 14), date(2027, 12, 31)}
LEAP_DAY_PERSON = "c001118@congress.example"

NONE = timedelta()

Row = tuple[str, str, date, datetime, str, str]


def midnights(first: datetime, last: datetime) -> list[datetime]:
    return [first + timedelta(days=n) for n in range((last - first).days)]


@pytest.fixture(autouse=True)
def _no_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


async def plan_days(url: str, days: Iterable[datetime], spread: timedelta = NONE) -> int:
    """Run the daily job as if at each of these moments; return how many rows it wrote."""
    planned = 0
    async with open_app(Settings(DATABASE_URL=url, HEYDAY_SPREAD=spread)) as app:
        for at in days:
            planned += (await app.daily.run_once(at))["planned"]
    return planned


async def rows_between(url: str, start: datetime, end: datetime) -> list[Row]:
    """Return the rows of a span of time, each with the key that its person should have."""
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetch(
            "SELECT u.email, m.message_type, m.delivery_date, m.scheduled_send_time, "
            "m.message_content, replace(m.idempotency_key, m.user_id::text, '') AS rest_of_key "
            "FROM message_logs m JOIN users u ON u.id = m.user_id "
            "WHERE scheduled_send_time >= $1 AND scheduled_send_time < $2 "
            "AND status = 'SCHEDULED' AND retry_count = 0",
            start,
            end,
        )
        return [tuple(row) for row in found]
    finally:
        await connection.close()


async def ids(url: str) -> dict[str, str]:
    """Return the ids of people by their addresses."""
    connection = await asyncpg.connect(url)
    try:
        return {row["email"]: str(row["id"]) for row in await connection.fetch("TABLE users")}
    finally:
        await connection.close()


def every_greeting(start: datetime, end: datetime) -> Iterator[oracle.Greeting]:
    return oracle.greetings(PEOPLE, range(start.year - 1, end.year + 2))


def expected_between(start: datetime, end: datetime) -> list[Row]:
    return [
        (g.email, g.message_type, g.delivery_on, g.send_at, g.text, key_without_person(g))
        for g in every_greeting(start, end)
        if start <= g.send_at < end
    ]


def key_without_person(greeting: oracle.Greeting) -> str:
    return f":{greeting.message_type}:{greeting.delivery_on}"


def assert_same(rows: list[Row], expected: list[Row]) -> None:
    """Assert that none is missing, none is extra, and none is there twice."""
    missing, extra = Counter(expected) - Counter(rows), Counter(rows) - Counter(expected)
    assert (sorted(missing), sorted(extra)) == ([], [])


async def test_a_year_of_daily_runs_plans_each_person_once_for_each_day_of_theirs(
    database_url: str, tmp_path: Path
) -> None:
    settings = {"DATABASE_URL": database_url}
    counts = run("users", "import", str(PEOPLE), "--json", cwd=tmp_path, **settings).json
    assert (counts["imported"], counts["updated"], counts["rejected"]) == (537, 0, 0)

    # An import plans the coming two days, which may lie in that year when this runs.
    planned, in_process = len(await rows_between(database_url, FIRST, LAST)), []
    for at in midnights(FIRST, LAST):
        if at.date() not in BY_COMMAND:
            in_process.append(at)
            continue
        planned += await plan_days(database_url, in_process)
        in_process.clear()
        words = ("jobs", "run", "daily", "--at", f"{at:%Y-%m-%dT%H:%M:%SZ}", "--json")
        planned += run(*words, cwd=tmp_path, **settings).json["planned"]
    planned += await plan_days(database_url, in_process)

    rows = await rows_between(database_url, FIRST, LAST)
    expected = expected_between(FIRST, LAST)
    assert len(expected) == 2 * 537
    assert_same(rows, expected)
    # The last day's run reaches a day into the next year, and nothing was planned besides.
    beyond = await rows_between(database_url, LAST, LAST + timedelta(days=2))
    assert_same(beyond, expected_between(LAST, LAST + timedelta(days=1)))
    assert planned == len(rows) + len(beyond)


async def test_with_a_spread_each_is_planned_for_the_second_of_their_key(
    database_url: str, tmp_path: Path
) -> None:
    """A month, with the night on which American clocks change."""
    first, last = datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)
    run("users", "import", str(PEOPLE), cwd=tmp_path, DATABASE_URL=database_url)
    planned = await plan_days(database_url, midnights(first, last), timedelta(hours=2))

    people = await ids(database_url)
    second = {g: oracle.own_second(g, people[g.email], 7200) for g in every_greeting(first, last)}
    until = last + timedelta(days=1)
    expected = [
        (g.email, g.message_type, g.delivery_on, at, g.text, key_without_person(g))
        for g, at in second.items()
        if first <= at < until
    ]
    assert_same(await rows_between(database_url, first, until), expected)
    assert planned == len(expected) > 50
    assert sum(at == g.send_at for g, at in second.items()) < 3


async def test_the_person_of_29_february_is_greeted_on_it_in_a_leap_year(
    database_url: str, tmp_path: Path
) -> None:
    run("users", "import", str(PEOPLE), cwd=tmp_path, DATABASE_URL=database_url)
    february, march = datetime(2028, 2, 26, tzinfo=UTC), datetime(2028, 3, 3, tzinfo=UTC)
    await plan_days(database_url, midnights(february, march))

    rows = await rows_between(database_url, february, march)
    assert_same(rows, expected_between(february, march))
    (his,) = [row for row in rows if row[:2] == (LEAP_DAY_PERSON, "BIRTHDAY")]
    assert (his[2], his[3]) == (date(2028, 2, 29), datetime(2028, 2, 29, 14, tzinfo=UTC))
