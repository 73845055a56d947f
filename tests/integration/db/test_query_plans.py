"""The hot statements find their rows by the right index, in the right month."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import astuple
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from heyday.db import (
    events,
    message_logs,
    partitions,
    plan_spread,
    plan_texts,
    plans,
    profiles,
    queries,
    resolutions,
    users,
)
from heyday.db.types import AnyConnection, PooledConnection
from heyday.domain.countries import countries
from heyday.domain.dates import YEAR_UNKNOWN
from heyday.domain.day_figures import LATENESS_BOUNDS
from heyday.domain.finding import PeopleFilter
from heyday.domain.message_types import ANNIVERSARY, BIRTHDAY, MessageType
from heyday.domain.models import PlanRules, ZoneInstant
from heyday.domain.people import EARLIEST_ON
from heyday.domain.people_tables import PersonFields
from heyday.domain.policies import TimePolicies
from heyday.domain.text_choice import TextNeeds, choose, usual_years
from heyday.domain.timezone import TimezoneService, Window, ZoneDay
from heyday.domain.tzdb import PINNED
from tests.books import BOOK, COUNTING, DATED, BookOf
from tests.factories import seed_choice

NOW = datetime(2027, 1, 15, 9, tzinfo=UTC)
DAY = timedelta(days=1)
# For each message type: when it is too late, and what is the same occasion.
LATE, SAME = [NOW - DAY] * 2, [180 * DAY] * 2
# Fewer than the rows, of which the others stay as they are.
THROUGH = ["http"] * 50
LEASE = timedelta(minutes=2)
AROUND = [NOW - 7 * DAY, NOW + 7 * DAY]
# What a claim of rows that are due now is given besides their ids.
CLAIMED_NOW: tuple[object, ...] = ([NOW, NOW], AROUND, NOW, LATE, LEASE, SAME, THROUGH, [])
# How many people a search looks at before it knows whether those it is for are many.
LOOKED_AT = 5000
SCAN_OF_USERS = re.compile(r'"Node Type": "Seq Scan"[^{}]*"Relation Name": "users"')
# Of the months that hold greetings here; for one that is empty there is no quicker way.
SCAN_OF_A_MONTH = re.compile(r'"Node Type": "Seq Scan"[^{}]*"message_logs_y202(6m12|7m0[1-3])"')
# The version of ids that begin with the instant (timed_id in db/sql/plans.sql).
TIMED = 8
SCAN_OF_THE_LEDGER = re.compile(r'"Node Type": "Seq Scan"[^{}]*"Relation Name": "idempotency_keys')
JANUARY = {"message_logs_y2027m01"}

# Enough people that an index is worth it, and a month of greetings on each side of NOW.
PEOPLE = """
INSERT INTO users (first_name, last_name, email, timezone, birthday_date, anniversary_date)
SELECT 'Ada', 'Lovelace', 'ada.' || n || '@example.com',
       (ARRAY['Europe/London', 'Asia/Tokyo', 'America/New_York', 'UTC'])[n % 4 + 1],
       date '1950-01-01' + n % 20000, date '2000-01-01' + n % 9000
FROM generate_series(1, 12000) n
"""
MESSAGES = """
INSERT INTO message_logs (
    user_id, message_type, delivery_date, scheduled_send_time, status, idempotency_key,
    message_content, occasion_date, timezone, tzdb_version)
SELECT id, 'BIRTHDAY', d, d + interval '9 h',
       CASE WHEN d > '2027-01-15' THEN 'SCHEDULED' WHEN d = '2027-01-15' THEN 'QUEUED'
            ELSE 'SENT' END,
       id || ':BIRTHDAY:' || d, 'Hey', d - interval '30 years', timezone, '2026f'
FROM (SELECT *, date '2026-12-15' + (row_number() OVER ())::int % 92 AS d FROM users) u
"""

AT_ONE_INSTANT = """
INSERT INTO message_logs (
    user_id, message_type, delivery_date, scheduled_send_time, status, idempotency_key,
    message_content, occasion_date, timezone, tzdb_version)
SELECT id, 'BIRTHDAY', '2027-01-15', $1, 'SCHEDULED', id || ':BIRTHDAY:once', 'Hey, you',
       birthday_date, timezone, '2026f'
FROM users
"""

BIRTHDAYS = """
UPDATE users u SET birthday_date = m.occasion_date
FROM message_logs m WHERE m.user_id = u.id AND m.status = 'QUEUED'
"""


@pytest.fixture
async def populated(connection: AnyConnection) -> AsyncIterator[AnyConnection]:
    """A connection to a database with 12,000 people and as many greetings, in a transaction."""
    await connection.execute(PEOPLE)
    await connection.execute("SET timezone = 'UTC'")
    await connection.execute(MESSAGES)
    await connection.execute(BIRTHDAYS)
    await connection.execute("UPDATE users SET dates_changed_at = NULL")
    await connection.execute("ANALYZE users, message_logs")
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()


async def explain(connection: AnyConnection, statement: str, *values: object) -> str:
    """Run a statement; return its plan without what was never executed."""
    explained = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
    (document,) = json.loads(await connection.fetchval(explained, *values))
    return json.dumps(executed(document["Plan"]))


def executed(node: dict[str, object]) -> dict[str, object]:
    children = node.get("Plans", [])
    assert isinstance(children, list)
    kept = [executed(child) for child in children if child["Actual Loops"]]
    # An UPDATE names every partition as its target before it knows which it will meet.
    return {key: value for key, value in node.items() if key != "Target Tables"} | {"Plans": kept}


def repeated(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what is done for each of many rows."""
    if node["Actual Loops"] > 1:
        yield node
    for child in node["Plans"]:
        yield from repeated(child)


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every step of a plan."""
    yield node
    for child in node["Plans"]:
        yield from nodes(child)


def months_read(plan: str) -> set[str]:
    """Return the partitions whose rows were looked at."""
    return set(re.findall(r"\bmessage_logs_y\d{4}m\d{2}\b(?!_)", plan))


def plan_values(
    message_type: MessageType,
    zone_days: Sequence[ZoneDay],
    rules: PlanRules,
    user_ids: Sequence[UUID] | None = None,
) -> tuple[object, ...]:
    """Return the values of the statement that plans."""
    texts = plan_texts.arrays(seed_choice(message_type, zone_days))
    whom = plans._people_and_texts(message_type, zone_days, texts, user_ids)  # noqa: SLF001
    spread = plan_spread.values(zone_days, rules)
    return *whom, *plans._rest(rules, texts), *spread  # noqa: SLF001


async def queued(connection: AnyConnection) -> list[object]:
    rows = await connection.fetch("SELECT id FROM message_logs WHERE status = 'QUEUED'")
    assert len(rows) > 100
    return [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("message_type", "index"),
    [
        (BIRTHDAY, "idx_users_birthday_timezone"),
        (ANNIVERSARY, "idx_users_anniversary_timezone"),
    ],
)
@pytest.mark.parametrize("spread", [timedelta(), timedelta(hours=2)])
async def test_planning_finds_people_by_month_day_and_zone(
    populated: AnyConnection, message_type: MessageType, index: str, spread: timedelta
) -> None:
    window = Window(NOW + 40 * DAY, NOW + 42 * DAY)
    timezones = TimezoneService(TimePolicies(spread=spread))
    zone_days = list(timezones.zone_days(PINNED.names, window, NOW))
    rules = PlanRules(NOW, NOW - DAY, late_join=True, tzdb_version="2026f", window=window)
    values = plan_values(message_type, zone_days, rules)
    is_spread = bool(spread)
    statement = plans.statement("plan", message_type, is_spread=is_spread)
    plan = await explain(populated, statement, *values)
    assert not SCAN_OF_USERS.search(plan)
    (users_read,) = (n for n in nodes(json.loads(plan)) if n.get("Relation Name") == "users")
    assert users_read["Index Name"] == index
    assert users_read["Actual Loops"] == len(zone_days)
    assert users_read.get("Rows Removed by Filter", 0) == 0
    some = plans.statement("plan", message_type, "some_people", is_spread=is_spread)
    plan = await explain(populated, some, *plan_values(message_type, zone_days, rules, [uuid4()]))
    assert "pk_users" in plan
    assert not SCAN_OF_USERS.search(plan)


async def test_some_people_are_planned_and_cancelled_without_a_look_at_the_others(
    connection: AnyConnection,
) -> None:
    """Also where PostgreSQL has no statistics yet, as in the first minute of an import."""
    await connection.execute(PEOPLE.replace("12000", "50000"))
    await connection.execute("SET timezone = 'UTC'")
    await connection.execute(f"{MESSAGES} LIMIT 500")
    rows = await connection.fetch("SELECT id FROM users ORDER BY id LIMIT 5000")
    chunk = [row["id"] for row in rows]
    some = chunk[:300]
    window = Window(NOW + 40 * DAY, NOW + 42 * DAY)
    zone_days = list(TimezoneService().zone_days(PINNED.names, window, NOW))
    rules = PlanRules(NOW, NOW - DAY, late_join=True, tzdb_version="2026f")
    planned = plan_values(BIRTHDAY, zone_days, rules, some)
    instants = [day.send_at for day in zone_days]
    for name, values, most in (
        ("plan", planned, len(some)),
        ("retime_people", (*planned, min(instants), max(instants)), len(some)),
        # A tenth of all, where to go through everybody once is as good, but not more often.
        ("cancel_unwanted", (chunk, "BIRTHDAY", NOW - DAY), 50_000),
    ):
        query = plans.statement(name, BIRTHDAY, "some_people")
        plan = json.loads(await explain(connection, query, *values))
        for node in (n for n in nodes(plan) if n.get("Relation Name") == "users"):
            assert node["Actual Loops"] == 1, (name, plan)
            assert node["Actual Rows"] + node.get("Rows Removed by Filter", 0) <= most, (name, plan)


async def test_an_address_is_found_by_the_one_index_that_keeps_it_unique(
    populated: AnyConnection,
) -> None:
    by_address = users.statement("find_ids")
    plan = await explain(populated, by_address, ["ADA.17@example.com", "ada.18@example.com"])
    assert "idx_users_email_unique" in plan
    assert not SCAN_OF_USERS.search(plan)
    by_beginning = users.statement("search")
    plan = await explain(populated, by_beginning, None, 51, "ada.1700%", None, None, None)
    assert "idx_users_email_unique" in plan
    assert rows_touched(json.loads(plan)) < LOOKED_AT + 100
    repository = users.UserRepository(cast("PooledConnection", populated))
    people = [PersonFields("Ada", "L", f"Ada.{n}@example.com", "UTC", *[None] * 5) for n in (17, 0)]
    stored = await repository.upsert_many(people, NOW)
    assert (len(stored.new), len(stored.changed_others)) == (1, 1)


async def test_planning_compares_no_rows_with_each_other(connection: AnyConnection) -> None:
    """Also where PostgreSQL expects few, for its statistics are of another time."""
    await connection.execute(PEOPLE)
    await connection.execute("ANALYZE users")
    await connection.execute(
        "UPDATE users SET birthday_date = '1990-03-01', timezone = 'Africa/Accra'"
    )
    window = Window(NOW + 44 * DAY, NOW + 46 * DAY)
    zone_days = list(TimezoneService().zone_days(["Africa/Accra"], window, NOW))
    rules = PlanRules(NOW, NOW - DAY, late_join=True, tzdb_version="2026f")
    repository = plans.PlanRepository(cast("PooledConnection", connection))
    await partitions.ensure(connection, window)
    statement = plans.statement("plan", BIRTHDAY)
    values = plan_values(BIRTHDAY, zone_days, rules)
    await connection.execute("VACUUM idempotency_keys")
    for _ in range(2):
        async with connection.transaction():
            await repository._plan_for_everybody()  # noqa: SLF001
            plan = json.loads(await explain(connection, statement, *values))
        assert await connection.fetchval("SELECT count(*) FROM message_logs") == 12_000
        removed = sum(
            node.get("Rows Removed by Join Filter", 0) * node["Actual Loops"]
            for node in nodes(plan)
        )
        assert removed == 0
        assert not SCAN_OF_THE_LEDGER.search(json.dumps(plan))


LOCALES = ["de", "de-AT", "en-GB", "fr", "pt-BR"]


@pytest.fixture
async def spoken(populated: AnyConnection) -> AnyConnection:
    """A third of the 12,000 people have one of five locales."""
    await populated.execute(
        "UPDATE users SET locale = ($1::varchar[])[1 + abs(hashtext(email)) % 15]",
        LOCALES,
    )
    await populated.execute("ANALYZE users")
    return populated


async def test_locales_in_use_are_found_by_a_step_of_their_index_each(
    spoken: AnyConnection,
) -> None:
    query = queries.load("plans")["list_locales"].text
    assert [row["locale"] for row in await spoken.fetch(query)] == LOCALES
    plan = json.loads(await explain(spoken, query))
    scans = [node for node in nodes(plan) if node.get("Index Name") == "idx_users_locale"]
    assert sum(node["Actual Loops"] for node in scans) == len(LOCALES) + 1
    assert all(node["Actual Rows"] <= 1 for node in scans)
    assert not SCAN_OF_USERS.search(json.dumps(plan))


@pytest.mark.parametrize("message_type", [BIRTHDAY, ANNIVERSARY])
async def test_odd_years_are_found_by_the_index_over_dates(
    spoken: AnyConnection, message_type: MessageType
) -> None:
    await spoken.execute(
        "UPDATE users SET birthday_date = d, anniversary_date = d "
        "FROM unnest(ARRAY[date '1604-01-01', '1700-01-01', '0044-03-15 BC', '-infinity']) "
        "WITH ORDINALITY AS odd (d, number) WHERE email = 'ada.' || number || '@example.com'"
    )
    query = plans.statement("list_odd_years", message_type)
    values = EARLIEST_ON, YEAR_UNKNOWN
    assert sorted(row["year"] for row in await spoken.fetch(query, *values)) == [-44, 1700]
    plan = await explain(spoken, query, *values)
    assert message_type.date_column.removesuffix("_date") in plan
    assert not SCAN_OF_USERS.search(plan)


@pytest.mark.parametrize("is_composed", [False, True])
async def test_planning_in_many_languages_reads_no_more_people(
    spoken: AnyConnection, *, is_composed: bool
) -> None:
    book = BookOf({**BOOK, "pt": DATED, "fr": BOOK["fr"] if is_composed else COUNTING})
    window = Window(NOW + 40 * DAY, NOW + 42 * DAY)
    zone_days = list(TimezoneService().zone_days(PINNED.names, window, NOW))
    rules = PlanRules(NOW, NOW - DAY, late_join=True, tzdb_version="2026f")
    needs = TextNeeds(frozenset({None, *LOCALES}), {"BIRTHDAY": usual_years(2027)})
    choice = choose(book, BIRTHDAY, needs, [day.delivery_on for day in zone_days], print)
    repository = plans.PlanRepository(cast("PooledConnection", spoken))
    texts = plan_texts.arrays(choice)
    whom = plans._people_and_texts(BIRTHDAY, zone_days, texts, None)  # noqa: SLF001
    if is_composed:
        await repository._compose(BIRTHDAY, "everybody", choice, whom)  # noqa: SLF001
    statement = plans.statement("plan", BIRTHDAY, is_composed=is_composed)
    await repository._plan_for_everybody()  # noqa: SLF001
    plan = await explain(spoken, statement, *whom, *plans._rest(rules, texts))  # noqa: SLF001
    found = list(nodes(json.loads(plan)))
    (users_read,) = (node for node in found if node.get("Relation Name") == "users")
    assert users_read["Actual Loops"] == len(zone_days)
    assert not any(node.get("Rows Removed by Join Filter") for node in found)
    languages = await spoken.fetch(
        "SELECT language, count(*) FROM message_logs WHERE message_html IS NOT NULL GROUP BY 1"
    )
    assert {row["language"] for row in languages} == {"de", "fr", "pt"}
    # What is due first is written first, whatever it says: so rows of one instant lie together.
    written = await spoken.fetch("SELECT id FROM message_logs_y2027m02 ORDER BY ctid")
    planned = [row["id"] for row in written if row["id"].version == TIMED]
    assert len(planned) > 50
    # PostgreSQL may put a row back into room that an earlier page has left.
    steps_back = sum(after < before for before, after in pairwise(planned))
    assert is_composed or steps_back <= 1


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
class TestOnTheWay:
    """Statements that run many times a minute, with the values known and with any values."""

    @pytest.fixture(autouse=True)
    async def _with_plans(self, populated: AnyConnection, mode: str) -> None:
        await populated.execute(f"SET LOCAL plan_cache_mode = {mode}")

    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("enqueue_due", (NOW, NOW + 2 * DAY, NOW - DAY, 1000, LATE)),
            ("news", (NOW - DAY, NOW + 2 * DAY, LATE)),
        ],
    )
    async def test_what_is_due_is_read_from_the_scheduler_index_of_one_month(
        self, populated: AnyConnection, name: str, values: tuple[object, ...]
    ) -> None:
        plan = await explain(populated, message_logs.statement(name), *values)
        scheduler = await populated.fetchval(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = 'idx_message_logs_scheduler'::regclass "
            "AND c.relname LIKE '%y2027m01%'"
        )
        assert scheduler in plan
        assert months_read(plan) == JANUARY

    async def test_claiming_reads_one_month(self, populated: AnyConnection) -> None:
        statement = message_logs.statement("claim")
        ids = await queued(populated)
        plan = await explain(populated, statement, ids, *CLAIMED_NOW)
        assert months_read(plan) == JANUARY
        assert "pk_users" in plan

    async def test_recording_reads_one_month(self, populated: AnyConnection) -> None:
        ids = await queued(populated)
        claim = message_logs.statement("claim")
        await populated.fetch(claim, ids, *CLAIMED_NOW)
        same = [NOW, 1, "SENT", 1, "accepted", NOW, 0, 0, None, None, 200, None, None, None, "http"]
        arrays = [[value] * len(ids) for value in same]
        statement = message_logs.statement("record")
        plan = await explain(populated, statement, ids, *arrays, *AROUND)
        assert months_read(plan) == JANUARY
        sent = "SELECT count(*) FROM message_logs WHERE id = ANY ($1) AND status = 'SENT'"
        assert await populated.fetchval(sent, ids) == len(ids)

    async def test_requeueing_reads_one_month(self, populated: AnyConnection) -> None:
        statement = message_logs.statement("enqueue_again")
        await populated.execute("UPDATE message_logs SET queued_at = $1", NOW)
        plan = await explain(populated, statement, NOW, NOW + DAY, NOW - DAY, 1000, LATE, NOW)
        assert months_read(plan) == JANUARY

    async def test_what_is_on_its_way_is_counted_by_an_index(
        self, populated: AnyConnection
    ) -> None:
        statement = message_logs.statement("count_on_the_way")
        plan = await explain(populated, statement, NOW, [0.0, 60.0])
        assert not SCAN_OF_A_MONTH.search(plan)

    @pytest.mark.parametrize("spread", [timedelta(), timedelta(hours=2)])
    async def test_moving_rows_reads_where_they_lie(
        self, populated: AnyConnection, spread: timedelta
    ) -> None:
        """And not all that is planned."""
        planned = ZoneInstant("UTC", NOW.date(), NOW, spread)
        arrays = [[value] for value in ("UTC", NOW.date(), NOW, NOW + DAY)]
        spreads = [[plan_spread.seconds_of(planned.spread)]] * 2
        statement = plans.statement("retime", BIRTHDAY, is_spread=bool(spread))
        at_nine = await populated.fetchval(
            "SELECT count(*) FROM message_logs WHERE scheduled_send_time = $1", NOW
        )
        plan = await explain(populated, statement, "BIRTHDAY", *arrays, "2026f", *spreads)
        assert not SCAN_OF_A_MONTH.search(plan)
        # Found, joined, written: no other row of the month.
        assert rows_touched(json.loads(plan)) <= 4 * at_nine

    async def test_what_is_too_late_is_found_by_its_instant(self, populated: AnyConnection) -> None:
        """And not by a look at all that is planned."""
        plan = await explain(populated, message_logs.statement("skip_late"), LATE, max(LATE))
        assert not SCAN_OF_A_MONTH.search(plan)
        assert rows_touched(json.loads(plan)) < 100

    async def test_who_was_written_is_compared_with_greetings_of_their_own(
        self, populated: AnyConnection
    ) -> None:
        some = [row["id"] for row in await populated.fetch("SELECT id FROM users LIMIT 20")]
        statement = plans.statement("list_changed_user_ids", BIRTHDAY, "some_people")
        plan = await explain(populated, statement, "BIRTHDAY", NOW - 2 * DAY, some)
        assert not SCAN_OF_A_MONTH.search(plan)
        assert not SCAN_OF_USERS.search(plan)
        assert rows_touched(json.loads(plan)) < 400

    async def test_a_list_reads_a_page_of_the_first_month(self, populated: AnyConnection) -> None:
        statement = resolutions.page_statement(())
        whole = (NOW - 45 * DAY, NOW + 400 * DAY, UUID(int=0), 51)
        plan = await explain(populated, statement, *whole)
        assert months_read(plan) == {"message_logs_y2026m12"}
        assert '"Sort"' not in plan
        later = (NOW, NOW + 400 * DAY, UUID(int=0), 51)
        assert months_read(await explain(populated, statement, *later)) == JANUARY

    async def test_a_list_of_some_statuses_and_days_reads_their_months(
        self, populated: AnyConnection
    ) -> None:
        conditions = ("of_status", "of_type", "of_doubt", "delivered_from", "delivered_to")
        statement = resolutions.page_statement(conditions)
        bounds = (NOW - 2 * DAY, NOW + 2 * DAY, UUID(int=0), 51)
        values = ("SCHEDULED", "BIRTHDAY", False, NOW.date(), (NOW + DAY).date())
        plan = await explain(populated, statement, *bounds, *values)
        assert months_read(plan) == JANUARY
        assert "Seq Scan" not in plan

    async def test_taking_a_batch_sorts_none_of_those_that_wait(
        self, populated: AnyConnection
    ) -> None:
        await populated.execute(
            "INSERT INTO queue_batches (id, due_at, first_at, last_at, message_ids, visible_at)"
            " SELECT gen_random_uuid(), d, d, d, ARRAY[gen_random_uuid()], d"
            " FROM (SELECT $1::timestamptz - n * interval '1 s' AS d"
            "       FROM generate_series(1, 5000) n) AS due",
            NOW,
        )
        take = queries.load("transport")["take"].text
        plan = await explain(populated, take, NOW, NOW + LEASE, 20)
        assert "idx_queue_batches_due" in plan
        assert '"Sort"' not in plan


@pytest.mark.parametrize("name", ["claim", "record", "prolong"])
async def test_no_plan_is_made_for_months_that_a_batch_is_not_in(
    populated: AnyConnection, name: str
) -> None:
    """Each of those that are kept would cost every batch something."""
    await populated.execute("SET LOCAL plan_cache_mode = force_custom_plan")
    values = {
        "claim": CLAIMED_NOW,
        "record": (*[[]] * 15, *AROUND),
        "prolong": ([], [], LEASE, *AROUND),
    }[name]
    explained = f"EXPLAIN (FORMAT JSON) {message_logs.statement(name)}"
    plan = await populated.fetchval(explained, [], *values)
    assert months_read(plan) == JANUARY
    assert "Subplans Removed" not in plan


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_greetings_of_a_person_are_found_by_their_index_in_each_month(
    populated: AnyConnection, mode: str
) -> None:
    await populated.execute(f"SET LOCAL plan_cache_mode = {mode}")
    user_id = await populated.fetchval("SELECT user_id FROM message_logs LIMIT 1")
    plan = await explain(populated, profiles.statement("list_greetings"), user_id, None, 21)
    assert "user_id" in plan
    assert not SCAN_OF_A_MONTH.search(plan)
    assert rows_touched(json.loads(plan)) <= 2


@pytest.mark.parametrize(
    ("condition", "value", "index"),
    [("of_person", uuid4(), "user_id"), ("of_status", "UNKNOWN", "stage_scheduled")],
)
async def test_a_list_of_few_is_found_by_their_index(
    populated: AnyConnection, condition: str, value: object, index: str
) -> None:
    await populated.execute("SET LOCAL plan_cache_mode = force_custom_plan")
    statement = resolutions.page_statement((condition,))
    ever = (NOW - 400 * DAY, NOW + 400 * DAY, UUID(int=0), 51)
    plan = await explain(populated, statement, *ever, value)
    assert index in plan
    assert not SCAN_OF_A_MONTH.search(plan)


# 100,000 people over years: a tenth deleted or unsubscribed, a few in Tokyo, a name each.
MANY_PEOPLE = """
INSERT INTO users (first_name, last_name, email, timezone, birthday_date, anniversary_date,
                   created_at, updated_at, deleted_at, unsubscribed_at)
SELECT 'First' || n, 'Last' || n % 50000, 'a' || n || '@example.com',
       CASE WHEN n % 1000 = 0 THEN 'Asia/Tokyo'
            ELSE (ARRAY['Europe/London', 'America/New_York', 'UTC'])[n % 3 + 1] END,
       date '1950-01-01' + n % 20000, date '2000-01-01' + n % 9000,
       timestamptz '2020-01-01 00:00+00' + n * interval '30 min',
       timestamptz '2020-01-01 00:00+00' + n * interval '30 min',
       CASE WHEN n % 20 = 0 THEN timestamptz '2027-01-01 00:00+00' END,
       CASE WHEN n % 20 = 1 THEN timestamptz '2027-01-01 00:00+00' END
FROM generate_series(1, 100000) n
"""
ROWS_READ = {"Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"}


def rows_touched(node: dict[str, Any]) -> int:
    """Return how many rows of tables were looked at, by whatever way."""
    own = 0
    if node.get("Relation Name") and node["Node Type"] != "BitmapAnd":
        own = sum(int(node.get(name, 0)) for name in ROWS_READ) * int(node["Actual Loops"])
    return own + sum(rows_touched(child) for child in node.get("Plans", []))


def most_sorted(node: dict[str, Any]) -> int:
    """Return the most rows that are sorted at once."""
    is_sort = node["Node Type"] in {"Sort", "Incremental Sort"}
    own = max((int(child["Actual Rows"]) for child in node["Plans"]), default=0) if is_sort else 0
    return max([own, *(most_sorted(child) for child in node["Plans"])])


class TestFindingPeople:
    """A page of a list reads the people who fit, not everybody."""

    @pytest.fixture
    async def many(self, connection: AnyConnection) -> AnyConnection:
        await connection.execute(MANY_PEOPLE)
        await connection.execute("VACUUM ANALYZE users")
        return connection

    async def test_a_filter_leads_to_those_who_fit(self, many: AnyConnection) -> None:
        day = date(1985, 6, 1)
        at = datetime(2025, 1, 1, tzinfo=UTC)
        for wanted, most in (
            (PeopleFilter(), 100),
            (PeopleFilter(timezone="Asia/Tokyo"), 100),
            (PeopleFilter(timezone="UTC"), 200),
            (PeopleFilter(birthday=229), 500),
            (PeopleFilter(anniversary=229), 500),
            (PeopleFilter(birthday=601, timezone="UTC"), 500),
            (PeopleFilter(birthday_from=day, birthday_to=day + DAY), 500),
            (PeopleFilter(birthday_from=date(1951, 1, 1)), 500),
            (PeopleFilter(anniversary_from=day, anniversary_to=day + DAY), 500),
            (PeopleFilter(created_from=at, created_to=at + DAY), 3000),
            (PeopleFilter(updated_from=at, updated_to=at + DAY), 3000),
            (PeopleFilter(created_from=at - 2000 * DAY), 500),
            (PeopleFilter(is_deleted=True), 200),
            (PeopleFilter(is_unsubscribed=True), 200),
            (PeopleFilter(is_unsubscribed=False), 200),
        ):
            for after in (None, UUID(int=1 << 127)):
                list_page = users.statement("list_page")
                plan = await explain(many, list_page, after, 51, *astuple(wanted)[:-1])
                assert not SCAN_OF_USERS.search(plan), wanted
                assert rows_touched(json.loads(plan)) <= most, (wanted, plan)
                assert most_sorted(json.loads(plan)) <= most, (wanted, plan)

    async def test_the_zones_of_a_country_bring_a_page_each(self, many: AnyConnection) -> None:
        japan, britain = ("Asia/Tokyo", "Japan"), ("Europe/London", "GB", "Europe/Belfast")
        for wanted, most in (
            (PeopleFilter(zones=japan), 300),
            (PeopleFilter(zones=britain), 300),
            (PeopleFilter(zones=countries()["US"].all_zones), 300),
            (PeopleFilter(zones=britain, is_unsubscribed=False), 400),
            (PeopleFilter(zones=britain, birthday=229), 500),
        ):
            for after in (None, UUID(int=1 << 127)):
                of_zones = users.statement("list_page_of_zones")
                plan = await explain(many, of_zones, after, 51, *astuple(wanted))
                assert not SCAN_OF_USERS.search(plan), wanted
                assert rows_touched(json.loads(plan)) <= most, (wanted, plan)

    async def test_to_tell_about_how_many_there_are_counts_no_more_than_asked(
        self, many: AnyConnection
    ) -> None:
        estimate = profiles.statement("estimate")
        plan = json.loads(await explain(many, estimate, 1000))
        assert rows_touched(plan) < 1500, plan
        row = await many.fetchrow(estimate, 1000)
        assert row
        assert row["counted"] == 1001
        assert 90_000 < row["estimated"] < 100_000

    async def test_a_prefix_leads_to_those_who_begin_so(self, many: AnyConnection) -> None:
        for forms, most in (
            (["first777%"], 700),
            (["first77 last7%"], 500),
            (["last7777%"], 500),
            (["a77777@%"], 500),
            (["éli%", "Éli%"], 500),
            # Everybody: those who come first are the ones.
            (["f%"], 500),
            (["nobody%"], 500),
        ):
            values = [*forms, *[None] * (4 - len(forms))]
            plan = await explain(many, users.statement("search"), None, 51, *values)
            assert rows_touched(json.loads(plan)) <= LOOKED_AT + most, (forms, plan)
            assert most_sorted(json.loads(plan)) <= most, (forms, plan)


@pytest.fixture
async def one_instant(connection: AnyConnection) -> tuple[AnyConnection, list[UUID]]:
    """Hold 12,000 rows queued for one instant, of which no statistics know yet, as at nine."""
    await connection.execute(PEOPLE)
    await connection.execute("UPDATE users SET birthday_date = '1990-01-15'")
    await connection.execute("UPDATE users SET dates_changed_at = NULL")
    await connection.execute("ALTER TABLE message_logs_y2027m01 SET (autovacuum_enabled = off)")
    await connection.execute(AT_ONE_INSTANT, NOW - 3 * DAY)
    await connection.execute("ANALYZE message_logs")
    await connection.execute("DELETE FROM message_logs")
    await connection.execute(AT_ONE_INSTANT, NOW)
    await connection.execute("VACUUM message_logs")
    at_once = "UPDATE message_logs SET status = 'QUEUED' RETURNING id"
    return connection, [row["id"] for row in await connection.fetch(at_once)]


@pytest.mark.parametrize("is_of_one_instant", [True, False])
async def test_nine_o_clock_reads_the_batch_alone(
    one_instant: tuple[AnyConnection, list[UUID]], *, is_of_one_instant: bool
) -> None:
    connection, ids = one_instant
    batch = ids[:100]
    claim = message_logs.statement("claim", is_of_one_instant=is_of_one_instant)
    read = await explain(connection, claim, batch, *CLAIMED_NOW)
    assert rows_touched(json.loads(read)) <= 5 * len(batch), read
    assert not list(pairs_compared(json.loads(read), 5 * len(batch))), read
    same = [NOW, 1, "SENT", 1, "accepted", NOW, 0, 0, None, None, 200, None, None, None, "http"]
    columns = [[value] * len(batch) for value in same]
    record = message_logs.statement("record")
    read = await explain(connection, record, batch, *columns, *AROUND)
    assert rows_touched(json.loads(read)) <= 3 * len(batch), read
    sent = "SELECT count(*) FROM message_logs WHERE id = ANY ($1) AND status = 'SENT'"
    assert await connection.fetchval(sent, batch) == len(batch)


@pytest.mark.parametrize("is_of_one_instant", [True, False])
async def test_what_is_read_ahead_is_the_batch_and_its_people(
    one_instant: tuple[AnyConnection, list[UUID]], *, is_of_one_instant: bool
) -> None:
    connection, ids = one_instant
    batch = ids[:100]
    statement = message_logs.statement("read_ahead", is_of_one_instant=is_of_one_instant)
    assert await connection.fetchval(statement, batch, [NOW, NOW]) == len(batch)
    read = await explain(connection, statement, batch, [NOW, NOW])
    assert months_read(read) == JANUARY
    assert "Index Only" not in read
    assert rows_touched(json.loads(read)) <= 3 * len(batch), read


async def test_hardly_a_claim_writes_into_an_index(
    one_instant: tuple[AnyConnection, list[UUID]],
) -> None:
    connection, ids = one_instant
    claim = message_logs.statement("claim", is_of_one_instant=True)
    written = (
        "SELECT sum(pg_stat_get_xact_tuples_hot_updated(inhrelid)) AS hot, "
        "sum(pg_stat_get_xact_tuples_updated(inhrelid)) AS updated "
        "FROM pg_inherits WHERE inhparent = 'message_logs'::regclass"
    )
    async with connection.transaction():
        before = await connection.fetchrow(written)
        rows = await connection.fetch(claim, ids[:100], *CLAIMED_NOW)
        after = await connection.fetchrow(written)
    assert len(rows) == 100
    assert before
    assert after
    assert after["updated"] - before["updated"] == 100
    assert after["hot"] - before["hot"] >= 90, (before, after)


def pairs_compared(node: dict[str, Any], most: int) -> Iterator[dict[str, Any]]:
    """Yield joins that compare more pairs than they should."""
    if node.get("Rows Removed by Join Filter", 0) * node["Actual Loops"] > most:
        yield node
    for child in node["Plans"]:
        yield from pairs_compared(child, most)


LEDGER = """
INSERT INTO idempotency_keys (delivery_date, user_id, message_type)
SELECT delivery_date, user_id, message_type FROM message_logs
"""


async def test_events_find_their_greetings_by_key_however_many_come(
    populated: AnyConnection,
) -> None:
    await populated.execute(LEDGER)
    await populated.execute("ANALYZE idempotency_keys")
    rows = await populated.fetch(
        "SELECT idempotency_key, delivery_date FROM message_logs "
        "WHERE delivery_date BETWEEN '2027-01-10' AND '2027-01-25'"
    )
    keys, days = [row[0] for row in rows], [row[1] for row in rows]
    at = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days]
    plan = await explain(
        populated,
        events.statement("note"),
        "ses",
        NOW,
        [uuid4() for _ in keys],
        keys,
        days,
        [instant - 2 * DAY for instant in at],
        [instant + 2 * DAY for instant in at],
        ["delivered"] * len(keys),
        [NOW] * len(keys),
        [None] * len(keys),
    )
    assert len(keys) > 1000
    assert months_read(plan) == JANUARY
    assert "idempotency_key" in plan
    assert not SCAN_OF_A_MONTH.search(plan)
    assert not SCAN_OF_USERS.search(plan)
    assert await populated.fetchval("SELECT count(*) FROM message_events") == len(keys)


async def test_a_day_is_counted_by_its_instants_and_no_other_month_is_read(
    populated: AnyConnection,
) -> None:
    count = queries.load("days")["count_slots"].text
    hour = NOW.replace(hour=9)
    for start_at, end_at, most in (
        (hour, hour + timedelta(minutes=15), 200),
        (hour - 9 * timedelta(hours=1), hour + 15 * timedelta(hours=1), 400),
    ):
        bounds, minute = LATENESS_BOUNDS, timedelta(minutes=1)
        plan = await explain(populated, count, start_at, end_at, bounds, minute)
        assert months_read(plan) == JANUARY
        assert "scheduled_send_time_id_idx" in plan
        assert not SCAN_OF_A_MONTH.search(plan)
        assert rows_touched(json.loads(plan)) <= most


async def test_what_waits_for_somebody_is_counted_in_the_indexes_of_what_is_not_at_an_end(
    populated: AnyConnection,
) -> None:
    midnight = NOW.replace(hour=0)
    attention = queries.load("days")["attention"].text
    plan = await explain(populated, attention, midnight, midnight + DAY, NOW, 10_000)
    assert not SCAN_OF_A_MONTH.search(plan)
    # Those before NOW were sent, but for one day's, which are QUEUED.
    assert rows_touched(json.loads(plan)) < 400


async def test_who_is_next_is_found_without_a_look_at_who_is_not(populated: AnyConnection) -> None:
    upcoming = queries.load("days")["list_upcoming"].text
    plan = await explain(populated, upcoming, NOW, 6)
    assert not SCAN_OF_A_MONTH.search(plan)
    assert not SCAN_OF_USERS.search(plan)
    assert rows_touched(json.loads(plan)) < 400


async def test_people_of_each_zone_are_counted_in_an_index_alone(
    connection: AnyConnection,
) -> None:
    await connection.execute("SET synchronous_commit = on")
    await connection.execute(PEOPLE)
    await connection.execute("VACUUM ANALYZE users")
    plan = await explain(connection, queries.load("days")["count_people"].text)
    read = [n for n in nodes(json.loads(plan)) if n.get("Relation Name") == "users"]
    assert [(n["Node Type"], n["Heap Fetches"]) for n in read] == [("Index Only Scan", 0)]


async def test_a_look_at_how_everything_is_reads_no_month(populated: AnyConnection) -> None:
    server = queries.load("condition")["server"].text
    plan = await explain(populated, server, NOW - DAY, 100, LEASE)
    assert not SCAN_OF_A_MONTH.search(plan)
    assert not SCAN_OF_USERS.search(plan)
    # A sample of 100 of the thousands that are planned, and those that are queued.
    assert rows_touched(json.loads(plan)) < 1000


async def test_failures_in_a_row_are_counted_by_the_index_of_runs(
    connection: AnyConnection,
) -> None:
    await connection.execute(
        "INSERT INTO job_runs (name, started_at, finished_at, error, is_manual) "
        "SELECT 'minute', $1::timestamptz + n * interval '1 s', $1, "
        "CASE WHEN n > 19990 THEN 'X' END, false FROM generate_series(1, 20000) n",
        NOW,
    )
    await connection.execute("ANALYZE job_runs")
    count = queries.load("job_runs")["count_failures"].text
    plan = await explain(connection, count, ["daily", "minute"], 1000)
    assert '"Seq Scan"' not in plan
    assert rows_touched(json.loads(plan)) < 200
    counted = await connection.fetch(count, ["daily", "minute"], 1000)
    assert [tuple(row) for row in counted] == [("daily", 0), ("minute", 10)]
