"""A forecast counts people from the indexes alone, whatever they are."""

import json
from datetime import date

import pytest

from heyday.db import forecasts
from heyday.db.connection import Database, PoolConfig
from heyday.db.types import AnyConnection
from heyday.domain.message_types import ANNIVERSARY, BIRTHDAY, MESSAGE_TYPES, MessageType

# So many that an index is worth it; some unsubscribed, and the first works only since 2026.
PEOPLE = """
INSERT INTO users (
    first_name, last_name, email, timezone, birthday_date, anniversary_date, unsubscribed_at)
SELECT 'Ada', 'Lovelace', 'ada.' || n || '@example.com',
       (ARRAY['Europe/London', 'Asia/Tokyo', 'America/New_York', 'UTC'])[n % 4 + 1],
       date '1950-01-01' + n % 20000, date '2010-01-01' + n % 6000,
       CASE WHEN n % 10 = 0 THEN now() END
FROM generate_series(1, 12000) n
"""


# Of both types somebody has left; some of those whole days, some who left all besides.
LEFT = """
UPDATE users SET birthday_unsubscribed_at = CASE WHEN id::text < '2' THEN now() END,
                 anniversary_unsubscribed_at = CASE WHEN id::text > 'e' THEN now() END
"""
WANTED = "deleted_at IS NULL AND unsubscribed_at IS NULL"

Scan = tuple[object, object, object]


def nodes(plan: dict[str, object]) -> list[dict[str, object]]:
    children = plan.get("Plans", [])
    assert isinstance(children, list)
    return [plan, *(node for child in children for node in nodes(child))]


async def scans(connection: AnyConnection, statement: str, *values: object) -> list[Scan]:
    """Run a statement; return how it read the people: the kind of scan, the index, and the rows
    that it had to fetch from the table.
    """
    explained = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
    (document,) = json.loads(await connection.fetchval(explained, *values))
    return [
        (node["Node Type"], node.get("Index Name"), node.get("Heap Fetches"))
        for node in nodes(document["Plan"])
        if node.get("Relation Name") == "users"
    ]


@pytest.fixture
async def crowded(connection: AnyConnection) -> AnyConnection:
    """A connection to a database with 12,000 people, vacuumed as PostgreSQL does by itself."""
    # What is committed but not yet on the disk, VACUUM leaves for the next time.
    await connection.execute("SET synchronous_commit = on")
    await connection.execute(PEOPLE)
    await connection.execute("VACUUM ANALYZE users")
    return connection


@pytest.mark.parametrize(
    ("message_type", "index"),
    [
        (BIRTHDAY, "idx_users_birthday_timezone"),
        (ANNIVERSARY, "idx_users_anniversary_timezone"),
    ],
)
async def test_everybody_is_counted_without_reading_the_table(
    crowded: AnyConnection, message_type: MessageType, index: str
) -> None:
    whole, left = await scans(crowded, forecasts.statement("count_by_day", message_type))
    assert whole == ("Index Only Scan", index, 0)
    assert left[1] == f"idx_users_{message_type.name.lower()}_unsubscribed"


async def test_the_recent_are_counted_without_reading_the_table(crowded: AnyConnection) -> None:
    statement = forecasts.statement("count_recent", ANNIVERSARY)
    since = await crowded.fetchval("SELECT max(anniversary_date) - 200 FROM users")
    whole, left = await scans(crowded, statement, since)
    assert whole == ("Index Only Scan", "idx_users_anniversary_date", 0)
    assert left[0] != "Seq Scan"


async def test_nobody_is_born_too_recently_and_an_index_says_so(crowded: AnyConnection) -> None:
    statement = forecasts.statement("count_recent", BIRTHDAY)
    since = await crowded.fetchval("SELECT max(birthday_date) + 1 FROM users")
    (_, index, _), (left, *_) = await scans(crowded, statement, since)
    assert index == "idx_users_birthday_date"
    assert left != "Seq Scan"


async def test_the_counts_are_those_of_live_and_subscribed_people(
    crowded: AnyConnection, database_url: str
) -> None:
    await crowded.execute("UPDATE users SET deleted_at = now() WHERE timezone = 'UTC'")
    await crowded.execute(LEFT)
    database = Database(PoolConfig(database_url, min_size=1, max_size=1))
    await database.open()
    try:
        for message_type in MESSAGE_TYPES:
            since, left_at = date(2026, 1, 1), message_type.unsubscribed_column
            people = await forecasts.ForecastRepository(database).count_people(message_type, since)
            wanted = await crowded.fetchval(
                f"SELECT count(*) FROM users WHERE {WANTED} AND {left_at} IS NULL"  # noqa: S608
            )
            assert sum(sum(days.values()) for days in people.counts.values()) == wanted
            assert set(people.counts) == {"Europe/London", "Asia/Tokyo", "America/New_York"}
            found = [pair for days in people.recent.values() for p in days.values() for pair in p]
            rows = await crowded.fetch(
                f"SELECT * FROM users WHERE {WANTED} AND {left_at} IS NULL"  # noqa: S608
            )
            recent = sum(row[message_type.date_column] >= since for row in rows)
            assert sum(n for _, n in found) == recent
    finally:
        await database.close()
