"""The months of the audit log: made ahead, dropped when they are old, and never in the way."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from heyday.db import migrate, queries
from heyday.db.audit import AuditRepository
from heyday.db.days import DayRepository
from heyday.db.replies import ReplyRepository
from heyday.db.web_sessions import WebSessionRepository
from heyday.domain.audit import DEED, Actor, ActorKind, AuditFilter, AuditUpkeep, Deed, doing
from heyday.services.day_keeping import DayKeepingService
from heyday.services.events import EventService
from heyday.services.replies import ReplyService
from heyday.services.upkeep import UpkeepService
from tests.factories import Pipeline
from tests.fakes import FakeClock
from tests.greetings import Greetings

MONTHS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'audit_log'::regclass ORDER BY 1
"""
LINE = "INSERT INTO audit_log (at, actor_kind, actor_name, sql_role, action, subject_ids) "
ANYBODY = Actor(ActorKind.ANYBODY, "anybody")


async def months(pipeline: Pipeline) -> list[str]:
    return [row[0].removeprefix("audit_log_") for row in await pipeline.rows(MONTHS)]


async def add(pipeline: Pipeline, at: datetime) -> None:
    await pipeline.execute(LINE + "VALUES ($1, 'sql', 'x', 'x', 'x', '{}')", at)


async def where(pipeline: Pipeline) -> list[str]:
    rows = await pipeline.rows("SELECT tableoid::regclass::text FROM audit_log ORDER BY at")
    return [row[0].removeprefix("audit_log_") for row in rows]


@pytest.fixture
async def bare(pipeline: Pipeline) -> Pipeline:
    """A pipeline whose audit log has no month at all."""
    for month in await months(pipeline):
        if month != "default":
            await pipeline.execute(f"DROP TABLE audit_log_{month}")
    return pipeline


async def test_migrating_makes_the_months_of_a_year(pipeline: Pipeline) -> None:
    expected = ["y2026m12", *(f"y2027m{month:02}" for month in range(1, 13)), "y2028m01"]
    assert await months(pipeline) == ["default", *expected]


async def test_no_write_waits_for_a_month(bare: Pipeline) -> None:
    await bare.insert()
    assert await where(bare) == ["default"]


async def test_what_came_before_its_month_moves_into_it(bare: Pipeline) -> None:
    store = AuditRepository(bare.database)
    now = datetime(2027, 3, 31, 23, 59, tzinfo=UTC)
    for at in (now, now + timedelta(minutes=1), now - timedelta(days=31)):
        await add(bare, at)
    assert await store.keep(now, 0) == AuditUpkeep(created=2, dropped=0)
    assert await store.keep(now, 0) == AuditUpkeep(created=0, dropped=0)
    assert await where(bare) == ["default", "y2027m03", "y2027m04"]
    assert len(await store.list_page(AuditFilter(), None, 10)) == 3


async def test_writers_go_on_while_a_month_is_made(bare: Pipeline) -> None:
    store, at = AuditRepository(bare.database), datetime(2027, 3, 5, tzinfo=UTC)
    await asyncio.gather(
        *(add(bare, at) for _ in range(20)),
        *(store.keep(at, 0) for _ in range(3)),
        *(add(bare, at) for _ in range(20)),
    )
    assert len(await where(bare)) == 40
    assert (await months(bare)).count("y2027m03") == 1


async def test_a_writer_who_takes_long_holds_up_nobody_else(bare: Pipeline) -> None:
    store, at = AuditRepository(bare.database), datetime(2027, 3, 5, tzinfo=UTC)
    async with bare.database.connection() as slow:
        async with slow.transaction():
            await slow.execute(LINE + "VALUES ($1, 'sql', 'x', 'x', 'x', '{}')", at)
            assert await store.keep(at, 0) == AuditUpkeep(created=0, dropped=0)
            await add(bare, at)
        assert await store.keep(at, 0) == AuditUpkeep(created=2, dropped=0)
    assert len(await where(bare)) == 2


@pytest.mark.parametrize(
    ("keep", "left"), [(0, 5), (1, 2), (2, 3), (24, 5)], ids=["for ever", "1", "2", "24"]
)
async def test_months_go_once_all_of_them_is_old_enough(
    bare: Pipeline, keep: int, left: int
) -> None:
    now, store = datetime(2027, 5, 1, tzinfo=UTC), AuditRepository(bare.database)
    ages = [datetime(2027, month, 28, tzinfo=UTC) for month in (1, 2, 3, 4)]
    for at in ages[1:]:
        await store.keep(at, 0)
    await add(bare, now)
    for at in ages:
        await add(bare, at)
    await store.keep(now, keep)
    assert len(await where(bare)) == left


async def test_dropping_greetings_leaves_the_log_alone(pipeline: Pipeline) -> None:
    before = await months(pipeline)
    await migrate.drop_partitions(pipeline.url, datetime(2028, 7, 1, tzinfo=UTC), 1)
    assert await months(pipeline) == before


async def test_a_month_has_the_indexes_of_its_table(pipeline: Pipeline) -> None:
    count = "SELECT count(*) FROM pg_indexes WHERE tablename = $1"
    counts = [
        await pipeline.value(count, name)
        for name in ("audit_log", "audit_log_y2027m01", "audit_log_default")
    ]
    assert counts == [4, 4, 4]


async def test_upkeep_tells_what_it_did_and_nothing_else(bare: Pipeline, clock: FakeClock) -> None:
    audit, replies = AuditRepository(bare.database), ReplyRepository(bare.database)
    events = EventService(bare.database, bare.planner, clock, bare.metrics)
    sessions = WebSessionRepository(bare.database)
    days = DayKeepingService(DayRepository(bare.database), clock, timedelta(hours=24))
    kept = ReplyService(replies, clock)
    upkeep = UpkeepService(kept, audit, events, clock, 1, sessions, days)
    await bare.execute(
        "INSERT INTO api_replies (key_id, idempotency_key, fingerprint, created_at) "
        "SELECT gen_random_uuid(), 'x', '', $1 FROM generate_series(1, 2500)",
        clock.now() - timedelta(hours=49),
    )
    await Greetings(clock.now() - timedelta(days=1)).write(bare)
    assert await upkeep.run() == {
        "audit_months_created": 2,
        "forgotten_replies": 2500,
        "days_kept": 1,
    }
    assert await upkeep.run() == {}
    clock.advance(timedelta(days=90))
    counts = await upkeep.run()
    assert counts == {"audit_months_created": 2, "audit_months_dropped": 2, "days_kept": 2}


async def test_the_lines_of_a_person_are_found_by_their_indexes(pipeline: Pipeline) -> None:
    await pipeline.execute(
        "INSERT INTO audit_log (at, actor_kind, actor_name, sql_role, action, subject_ids) "
        "SELECT '2027-01-14', 'sql', 'x', 'x', 'x', ARRAY[gen_random_uuid()] "
        "FROM generate_series(1, 30000)"
    )
    await pipeline.execute(
        "INSERT INTO audit_log (at, actor_kind, actor_name, sql_role, action, subject_ids) "
        "SELECT '2027-01-14', 'sql', 'x', 'x', 'x', "
        "ARRAY(SELECT gen_random_uuid() FROM generate_series(1, 1000 + 0 * n)) "
        "FROM generate_series(1, 20) n"
    )
    await pipeline.execute("VACUUM ANALYZE audit_log")
    ids = await pipeline.rows(
        "(SELECT subject_ids[1] FROM audit_log WHERE cardinality(subject_ids) = 1 LIMIT 1) "
        "UNION ALL "
        "(SELECT subject_ids[7] FROM audit_log WHERE cardinality(subject_ids) > 1 LIMIT 1)"
    )
    statement = queries.load("audit")["list_page"].text
    for (person_id,) in ids:
        values = (None, person_id, None, None, None, None, None, 50)
        assert len(await pipeline.rows(statement, *values)) == 1
        plan = "\n".join(row[0] for row in await pipeline.rows(f"EXPLAIN {statement}", *values))
        assert "subject_ids_idx" in plan
        assert "Seq Scan on audit_log_y2027m01" not in plan


# --- The deed of a transaction ---------------------------------------------------------------


async def test_a_deed_ends_with_its_transaction(pipeline: Pipeline) -> None:
    async with pipeline.database.connection() as connection:
        with doing(Deed(ANYBODY, "x.y", is_write=True)) as deed:
            async with connection.transaction():
                await connection.execute("SELECT 1")
            assert deed.is_noted
        assert DEED.get() is None
        assert not await connection.fetchval("SELECT current_setting('heyday.deed', true)")
        assert not await connection.fetchval("SELECT current_setting('heyday.is_noted', true)")
    assert [row["action"] for row in await pipeline.rows("SELECT action FROM audit_log")] == ["x.y"]


async def test_what_is_undone_is_not_noted(pipeline: Pipeline) -> None:
    async def fail(_: Any) -> None:
        raise RuntimeError

    with doing(Deed(ANYBODY, "x.y", is_write=True)) as deed:
        with pytest.raises(RuntimeError):
            await pipeline.database.in_transaction(fail)
        assert not deed.is_noted
    assert await where(pipeline) == []


async def test_a_line_undone_by_a_savepoint_is_written_at_the_end(pipeline: Pipeline) -> None:
    with doing(Deed(ANYBODY, "x.y", is_write=True)):
        async with pipeline.database.connection() as connection, connection.transaction():
            await connection.execute("SAVEPOINT before")
            await connection.execute(
                "INSERT INTO users (first_name, last_name, email, timezone) "
                "VALUES ('A', 'B', 'a@example.com', 'UTC')"
            )
            await connection.execute("ROLLBACK TO before")
    rows = await pipeline.rows("SELECT action, subject_ids FROM audit_log")
    assert [(row["action"], row["subject_ids"]) for row in rows] == [("x.y", [])]


@pytest.mark.parametrize(
    ("isolation", "readonly", "lines"), [("repeatable_read", True, 0), ("serializable", False, 1)]
)
async def test_a_transaction_that_may_only_read_is_left_alone(
    pipeline: Pipeline,
    isolation: Literal["repeatable_read", "serializable"],
    readonly: bool,  # noqa: FBT001 - as asyncpg has it
    lines: int,
) -> None:
    with doing(Deed(ANYBODY, "x.y", is_write=True)) as deed:
        async with (
            pipeline.database.connection() as connection,
            connection.transaction(isolation=isolation, readonly=readonly),
        ):
            await connection.execute("SELECT 1")
        assert deed.is_noted == bool(lines)
    assert len(await where(pipeline)) == lines
