"""Migrating: from nothing to the schema of this version, by however many processes at once."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection

from heyday.db import alembic_runner, migrate
from heyday.db.types import AnyConnection
from heyday.domain.errors import DatabaseError

NOW = datetime(2027, 1, 31, 12, tzinfo=UTC)


async def test_upgrades_at_once_leave_one_schema(empty_database_url: str) -> None:
    assert not await migrate.is_current(empty_database_url)
    made = await asyncio.gather(*(migrate.upgrade(empty_database_url, NOW) for _ in range(3)))
    assert sorted(made) == [0, 0, 4 * 14]
    assert await migrate.is_current(empty_database_url)
    assert await alembic_runner.find_drift(empty_database_url) == []


async def test_an_upgrade_keeps_what_is_there(database_url: str, connection: AnyConnection) -> None:
    await connection.execute(
        "INSERT INTO users (first_name, last_name, email, timezone) "
        "VALUES ('Ada', 'Lovelace', 'ada@example.com', 'UTC')"
    )
    assert await migrate.upgrade(database_url, NOW) == 0
    assert await connection.fetchval("SELECT count(*) FROM users") == 1


async def test_a_database_of_an_older_version_is_not_current(
    database_url: str, connection: AnyConnection
) -> None:
    assert await migrate.is_current(database_url)
    await connection.execute("UPDATE alembic_version SET version_num = '0000'")
    assert not await migrate.is_current(database_url)


async def test_a_database_that_a_newer_release_has_migrated_serves_and_stays_as_it_is(
    database_url: str, connection: AnyConnection
) -> None:
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert await migrate.is_current(database_url)
    assert await migrate.upgrade(database_url, NOW) == 0
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == "9999"
    plan = await migrate.plan(database_url)
    assert (plan.revision, plan.steps, plan.is_safe) == ("9999", [], True)


async def test_a_revision_that_no_release_has_is_told_of(
    database_url: str, connection: AnyConnection
) -> None:
    await connection.execute("UPDATE alembic_version SET version_num = '0017b'")
    with pytest.raises(DatabaseError, match="'0017b', which no release of Heyday has"):
        await migrate.upgrade(database_url, NOW)


async def test_reset_throws_everything_away_and_starts_anew(
    database_url: str, connection: AnyConnection
) -> None:
    await connection.execute("CREATE TABLE stray (id integer)")
    await migrate.reset(database_url, NOW)
    assert await connection.fetchval("SELECT to_regclass('stray')") is None
    assert await migrate.is_current(database_url)
    assert await alembic_runner.find_drift(database_url) == []


async def test_generate_writes_what_separates_the_database_from_the_schema(
    database_url: str,
    connection: AnyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await connection.execute("ALTER TABLE users DROP COLUMN location_city")
    scripts = tmp_path / "migrations"
    original = alembic_runner.MIGRATIONS
    (scripts / "versions").mkdir(parents=True)
    for path in [*original.glob("*.*"), *original.glob("versions/*.py")]:
        (scripts / path.relative_to(original)).write_text(path.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(alembic_runner, "MIGRATIONS", scripts)
    await migrate.generate(database_url, "add the city")
    (written,) = (scripts / "versions").glob("*add_the_city.py")
    text = written.read_text("utf-8")
    assert 'op.add_column("users"' in text.replace("'", '"')
    assert "location_city" in text
    assert "_y2027m" not in text  # partitions are no business of migrations


async def test_downgrading_to_nothing_leaves_nothing(
    database_url: str, connection: AnyConnection
) -> None:
    def run(sync_connection: Connection) -> None:
        command.downgrade(alembic_runner.config_for(sync_connection), "base")

    await alembic_runner.with_connection(database_url, run)
    left = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relkind IN ('r', 'p') UNION ALL "
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    )
    assert [row["relname"] for row in left] == ["alembic_version"]


async def test_events_get_the_months_that_the_ledger_has_and_reasons_survive_going_back(
    database_url: str, connection: AnyConnection
) -> None:
    def back(sync_connection: Connection) -> None:
        command.downgrade(alembic_runner.config_for(sync_connection), "0014-1")

    def forth(sync_connection: Connection) -> None:
        command.upgrade(alembic_runner.config_for(sync_connection), "0014")

    await connection.execute(
        "INSERT INTO suppressions (address_hmac, reason, created_at) "
        "SELECT sha256(reason::bytea), reason, now() "
        "FROM unnest(ARRAY['unsubscribed', 'bounced', 'complained', 'erased']) AS reason"
    )
    await alembic_runner.with_connection(database_url, back)
    reasons = await connection.fetch("SELECT reason FROM suppressions ORDER BY id")
    assert [row["reason"] for row in reasons] == ["unsubscribed"] * 3 + ["erased"]
    await alembic_runner.with_connection(database_url, forth)
    names = await connection.fetch(
        "SELECT right(c.relname, 8) AS month, pg_get_expr(c.relpartbound, c.oid) AS bounds, "
        "i.inhparent::regclass::text AS of FROM pg_inherits i JOIN pg_class c ON c.oid = inhrelid "
        "WHERE inhparent = ANY (ARRAY['idempotency_keys', 'message_events']::regclass[])"
    )
    months = {
        table: sorted((row["month"], row["bounds"]) for row in names if row["of"] == table)
        for table in ("idempotency_keys", "message_events")
    }
    assert len(months["message_events"]) == 14
    assert months["message_events"] == months["idempotency_keys"]
