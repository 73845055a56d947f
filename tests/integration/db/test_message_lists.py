"""Looking through greetings reads no more than is said, whatever is looked for."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from heyday.db import message_lists, partitions, resolutions
from heyday.db.message_lists import MessageListRepository
from heyday.db.types import AnyConnection
from heyday.domain.message_filters import MessageFilter, Place
from heyday.domain.message_lists import ListedGreeting, Look, Order
from heyday.domain.timezone import Window
from heyday.domain.transitions import Status
from tests.factories import Pipeline

NOW = datetime(2027, 1, 15, 9, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
PEOPLE = """
INSERT INTO users (first_name, last_name, email, timezone, birthday_date)
SELECT 'Ada', 'Lovelace', 'ada.' || n || '@example.com', 'UTC', '1990-01-15'
FROM generate_series(1, 9000) n
"""
# Of three months, every hundredth of each: FAILED, UNKNOWN, RETRYING, QUEUED. Others lie as ever.
MESSAGES = """
INSERT INTO message_logs (
    user_id, message_type, delivery_date, scheduled_send_time, actual_send_time, status, queued_at,
    idempotency_key, message_content, occasion_date, timezone, tzdb_version, sender)
SELECT id, CASE n % 3 WHEN 0 THEN 'ANNIVERSARY' ELSE 'BIRTHDAY' END, at::date, at,
       CASE WHEN at < $1 THEN at + CASE n % 50 WHEN 7 THEN interval '1 h' ELSE interval '1 s' END
       END,
       CASE n % 100 WHEN 1 THEN 'FAILED' WHEN 2 THEN 'UNKNOWN' WHEN 3 THEN 'RETRYING'
                    WHEN 4 THEN 'QUEUED' WHEN 5 THEN 'CANCELLED' WHEN 6 THEN 'SKIPPED'
            ELSE CASE WHEN at < $1 THEN 'SENT' ELSE 'SCHEDULED' END END,
       at, id || ':' || n, 'Hey', '1990-01-15',
       CASE n % 20 WHEN 0 THEN 'Asia/Tokyo' ELSE 'UTC' END, '2026f',
       CASE n % 2 WHEN 0 THEN 'ses' ELSE 'smtp' END
FROM (SELECT id, n, $1::timestamptz - interval '45 days' + n * interval '864 s' AS at
      FROM (SELECT id, row_number() OVER (ORDER BY id)::int AS n FROM users) AS numbered) AS timed
"""


@pytest.fixture
async def populated(pipeline: Pipeline) -> MessageListRepository:
    async with pipeline.database.connection() as connection:
        await partitions.ensure(connection, Window(NOW - 60 * DAY, NOW + 60 * DAY))
        await connection.execute(PEOPLE)
        await connection.execute(MESSAGES, NOW)
        await connection.execute("ANALYZE message_logs")
    return MessageListRepository(pipeline.database)


async def walk(
    lists: MessageListRepository, look: Look, limit: int, most: int
) -> list[ListedGreeting]:
    """Return all that a look finds, page by page."""
    found: list[ListedGreeting] = []
    while True:
        page = await lists.look(look, limit, most)
        found += page
        end: Place | None
        if len(page) == limit:
            end = Place(page[-1].row.scheduled_send_at, page[-1].row.id)
        else:
            end = await lists.find_end(look, most)
        if end is None:
            return found
        look = Look(look.wanted, look.order, end)


FILTERS = {
    "all": (MessageFilter(), "true"),
    "of a status": (MessageFilter(status=Status.FAILED), "status = 'FAILED'"),
    "sent": (MessageFilter(status=Status.SENT), "status = 'SENT'"),
    "retrying": (MessageFilter(status=Status.RETRYING), "status = 'RETRYING'"),
    "of a type": (MessageFilter(message_type="ANNIVERSARY"), "message_type = 'ANNIVERSARY'"),
    "of a zone": (MessageFilter(timezone="Asia/Tokyo"), "timezone = 'Asia/Tokyo'"),
    "of a sender": (
        MessageFilter(sender="smtp", status=Status.FAILED),
        "sender = 'smtp' AND status = 'FAILED'",
    ),
    "late": (
        MessageFilter(late_at=NOW),
        (
            "CASE status WHEN 'SENT' THEN actual_send_time > scheduled_send_time + interval '1 min'"
            " WHEN 'RETRYING' THEN scheduled_send_time < '2027-01-15 08:59Z'"
            " WHEN 'QUEUED' THEN scheduled_send_time < '2027-01-15 08:59Z' END"
        ),
    ),
    "of days": (
        MessageFilter(scheduled_from=NOW - 2 * DAY, scheduled_until=NOW + DAY),
        "scheduled_send_time >= '2027-01-13 09:00Z' AND scheduled_send_time < '2027-01-16 09:00Z'",
    ),
}


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("name", FILTERS)
async def test_page_by_page_all_that_fit_are_found_once_and_in_order(
    pipeline: Pipeline, populated: MessageListRepository, name: str, order: Order
) -> None:
    wanted, condition = FILTERS[name]
    direction = "ASC" if order is Order.EARLIEST else "DESC"
    rows = await pipeline.rows(
        f"SELECT id FROM message_logs WHERE {condition} "  # noqa: S608
        f"ORDER BY scheduled_send_time {direction}, id {direction}"
    )
    assert rows
    found = await walk(populated, Look(wanted, order), 40, 700)
    assert [each.row.id for each in found] == [row["id"] for row in rows]
    counted = await populated.count(Look(wanted, order), 100_000)
    assert counted[0] == len(rows)


async def test_of_one_instant_none_is_left_out_between_pages(
    pipeline: Pipeline, populated: MessageListRepository
) -> None:
    await pipeline.execute(
        "UPDATE message_logs SET scheduled_send_time = $1 "
        "WHERE scheduled_send_time BETWEEN $1 AND $1 + interval '5 days'",
        NOW,
    )
    wanted = MessageFilter(scheduled_from=NOW, scheduled_until=NOW + MINUTE)
    for order in Order:
        found = await walk(populated, Look(wanted, order), 7, 50)
        assert len({each.row.id for each in found}) == len(found) == 501


async def test_one_persons_are_found(pipeline: Pipeline, populated: MessageListRepository) -> None:
    row = (await pipeline.rows("SELECT user_id, id FROM message_logs LIMIT 1"))[0]
    for order in Order:
        look = Look(MessageFilter(user_id=row["user_id"]), order)
        assert [each.row.id for each in await populated.look(look, 10, 100)] == [row["id"]]
        assert await populated.find_end(look, 100) is None
        assert await populated.count(look, 100) == (1, 1)


# --- Plans -------------------------------------------------------------------------------------


async def explain(connection: AnyConnection, statement: str, *values: object) -> str:
    query = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
    return str(await connection.fetchval(query, *values))


def nodes(plan: Any) -> Iterator[dict[str, Any]]:
    if isinstance(plan, list):
        for each in plan:
            yield from nodes(each)
        return
    node = plan.get("Plan", plan)
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def rows_read(plan: str) -> int:
    """Return how many rows were read from tables, those that were thrown away as well."""
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes(json.loads(plan))
        if "Relation Name" in node
    )


def rows_scanned(plan: str) -> int:
    """Return how many rows were read otherwise than by an index: months may be empty."""
    return sum(
        node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        for node in nodes(json.loads(plan))
        if node["Node Type"] == "Seq Scan"
    )


NOTHING: dict[str, MessageFilter] = {
    "type": MessageFilter(message_type="NONE"),
    "zone": MessageFilter(timezone="Pacific/Apia"),
    "sender": MessageFilter(sender="nobody"),
    "late": MessageFilter(late_at=NOW - 400 * DAY, message_type="NONE"),
    "doubt": MessageFilter(is_ambiguous=True),
    "sent": MessageFilter(status=Status.SENT, timezone="Pacific/Apia"),
    "scheduled": MessageFilter(status=Status.SCHEDULED, timezone="Pacific/Apia"),
    "retrying": MessageFilter(status=Status.RETRYING, sender="nobody"),
    "sending": MessageFilter(status=Status.SENDING),
    "days": MessageFilter(
        delivered_from=NOW.date(), delivered_to=NOW.date(), timezone="Pacific/Apia"
    ),
}
MOST = 500


@pytest.mark.usefixtures("populated")
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("name", NOTHING)
async def test_what_nothing_fits_reads_no_more_than_a_look(
    pipeline: Pipeline,
    name: str,
    order: Order,
    mode: str,
) -> None:
    look = Look(NOTHING[name], order)
    values = resolutions.values_of(look.wanted)
    bounds = message_lists._bounds(look)  # noqa: SLF001
    async with pipeline.database.connection() as connection, connection.transaction():
        await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        for statement, most in (("look", (MOST, 51)), ("count", (MOST,))):
            query = message_lists.statement(statement, look, list(values))
            plan = await explain(connection, query, *bounds, *most, *values.values())
            assert rows_read(plan) <= MOST
            # The few of an index of few may be sorted; where there are many, their order is read.
            assert look.stage == "LEAVING" or '"Sort"' not in plan
            assert rows_scanned(plan) == 0
        query = message_lists.statement("find_end", look)
        assert rows_read(await explain(connection, query, *bounds, MOST)) <= MOST


@pytest.mark.usefixtures("populated")
@pytest.mark.parametrize("status", [Status.FAILED, Status.UNKNOWN, Status.RETRYING, Status.QUEUED])
async def test_few_of_a_status_are_found_among_very_many(
    pipeline: Pipeline, status: Status
) -> None:
    look = Look(MessageFilter(status=status, scheduled_until=NOW), Order.LATEST)
    values = resolutions.values_of(look.wanted)
    async with pipeline.database.connection() as connection:
        query = message_lists.statement("look", look, list(values))
        bounds = message_lists._bounds(look)  # noqa: SLF001
        plan = await explain(connection, query, *bounds, 10_000, 1000, *values.values())
    # A hundredth of 4,500 each; the other stages of an index are few as well.
    assert rows_read(plan) <= 50


@pytest.mark.usefixtures("populated")
async def test_one_person_leads_to_their_rows(pipeline: Pipeline) -> None:
    look = Look(MessageFilter(user_id=UUID(int=5)), Order.LATEST)
    async with pipeline.database.connection() as connection:
        query = message_lists.statement("look", look)
        bounds = message_lists._bounds(look)  # noqa: SLF001
        plan = await explain(connection, query, *bounds, 10_000, 51, UUID(int=5))
    assert rows_read(plan) == 0
    assert "user_id_idx" in plan


async def test_what_lies_before_the_bounds_is_no_place(populated: MessageListRepository) -> None:
    """A place that somebody made up does not lead beyond what is asked for."""
    wanted = MessageFilter(scheduled_from=NOW, scheduled_until=NOW + DAY)
    for order, place in (
        (Order.EARLIEST, Place(NOW - DAY, UUID(int=0))),
        (Order.LATEST, Place(NOW + 9 * DAY, UUID(int=0))),
    ):
        found = await populated.look(Look(wanted, order, place), 1000, 1000)
        assert len(found) == 100
