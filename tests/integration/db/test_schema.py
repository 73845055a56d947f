"""db/schema.py and the migrations say the same; PostgreSQL refuses what must not be stored."""

from collections.abc import Mapping
from uuid import uuid4

import asyncpg
import pytest

from heyday.db import alembic_runner, migrate
from heyday.db.types import AnyConnection

USERS = "INSERT INTO users (first_name, last_name, email, timezone) VALUES ($1, $2, $3, $4)"
PERSON = {"first": "Ada", "last": "Lovelace", "email": "ada@example.com", "zone": "Europe/London"}
MESSAGE = {
    "user_id": "user",
    "message_type": "'BIRTHDAY'",
    "delivery_date": "'2027-01-15'",
    "scheduled_send_time": "'2027-01-15 09:00+00'",
    "idempotency_key": "'key'",
    "message_content": "'Hey'",
    "occasion_date": "'1990-01-15'",
    "timezone": "'Europe/London'",
    "tzdb_version": "'2026f'",
}

# What Alembic's comparison passes over: CHECKs, and what indexes and foreign keys say exactly.
# Partitions have copies of all of these and are left out.
CATALOG = """
SELECT t.relname || ' ' || c.conname AS name, pg_get_constraintdef(c.oid) AS definition
FROM pg_constraint c
JOIN pg_class t ON t.oid = c.conrelid
WHERE t.relnamespace = 'public'::regnamespace AND NOT t.relispartition
UNION ALL
SELECT t.relname || ' ' || i.relname, pg_get_indexdef(i.oid)
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class t ON t.oid = x.indrelid
WHERE t.relnamespace = 'public'::regnamespace AND NOT t.relispartition
UNION ALL
SELECT t.relname || ' ' || a.attname,
       format_type(a.atttypid, a.atttypmod) || a.attnotnull || a.attidentity::text
       || a.attgenerated::text || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_attribute a
JOIN pg_class t ON t.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition
  AND a.attnum > 0
UNION ALL
SELECT t.relname, pg_get_partkeydef(t.oid)
FROM pg_class t
WHERE t.relnamespace = 'public'::regnamespace AND t.relkind = 'p'
"""
NAMED_INDEXES = {
    "idx_users_birthday_date",
    "idx_users_anniversary_date",
    "idx_users_birthday_timezone",
    "idx_users_email_unique",
    "idx_message_logs_user_id",
    "idx_message_logs_status",
    "idx_message_logs_scheduled_time",
    "idx_message_logs_scheduler",
    "idx_message_logs_recovery",
    "idx_message_logs_idempotency",
}


async def catalog(url: str) -> dict[str, str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(CATALOG)
    finally:
        await connection.close()
    return {r["name"]: r["definition"] for r in rows if not r["name"].startswith("alembic")}


async def add_person(connection: AnyConnection, **changed: str) -> None:
    await connection.execute(USERS, *(PERSON | changed).values())


async def add_message(connection: AnyConnection, columns: Mapping[str, str]) -> None:
    row = MESSAGE | dict(columns)
    row["user_id"] = (
        "(SELECT id FROM users LIMIT 1)" if row["user_id"] == "user" else row["user_id"]
    )
    names, values = ", ".join(row), ", ".join(row.values())
    await connection.execute(f"INSERT INTO message_logs ({names}) VALUES ({values})")  # noqa: S608


async def test_alembic_sees_no_drift(database_url: str) -> None:
    assert await alembic_runner.find_drift(database_url) == []


async def test_alembic_would_see_drift(database_url: str, connection: AnyConnection) -> None:
    await connection.execute("ALTER TABLE users ADD COLUMN shoe_size integer")
    await connection.execute("DROP INDEX idx_users_birthday_date")
    drift = str(await alembic_runner.find_drift(database_url))
    assert "shoe_size" in drift
    assert "idx_users_birthday_date" in drift


async def test_migrations_and_schema_make_the_same_catalog(
    database_url: str, empty_database_url: str
) -> None:
    await migrate.push(empty_database_url)
    migrated, declared = await catalog(database_url), await catalog(empty_database_url)
    assert migrated == declared
    assert len(declared) > 100  # it compares something


async def test_the_indexes_that_were_asked_for_are_there(connection: AnyConnection) -> None:
    rows = await connection.fetch("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
    assert {row["indexname"] for row in rows} >= NAMED_INDEXES


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ({"zone": "Mars/Phobos!"}, "ck_users_timezone"),
        ({"zone": ""}, "ck_users_timezone"),
        ({"zone": "Europe//London"}, "ck_users_timezone"),
        ({"zone": "Europe/London\n"}, "ck_users_timezone"),
        ({"zone": "'; DROP TABLE users"}, "ck_users_timezone"),
        ({"first": ""}, "ck_users_names"),
        ({"last": ""}, "ck_users_names"),
        ({"email": "nobody"}, "ck_users_email"),
        ({"email": "@example.com"}, "ck_users_email"),
    ],
)
async def test_a_person_who_cannot_be_is_refused(
    connection: AnyConnection, changed: Mapping[str, str], constraint: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await add_person(connection, **changed)
    assert caught.value.constraint_name == constraint


@pytest.mark.parametrize(
    "zone", ["America/Argentina/Buenos_Aires", "America/Port-au-Prince", "Etc/GMT+5", "UTC"]
)
async def test_every_shape_of_zone_name_is_taken(connection: AnyConnection, zone: str) -> None:
    await add_person(connection, zone=zone)
    assert await connection.fetchval("SELECT timezone FROM users") == zone


async def test_an_address_is_unique_whatever_its_case_until_its_owner_is_deleted(
    connection: AnyConnection,
) -> None:
    await add_person(connection)
    with pytest.raises(asyncpg.UniqueViolationError):
        await add_person(connection, email="ADA@Example.com")
    await connection.execute("UPDATE users SET deleted_at = now()")
    await add_person(connection, email="ADA@Example.com")
    assert await connection.fetchval("SELECT count(*) FROM users") == 2


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ({"status": "'POSTED'"}, "ck_message_logs_status"),
        ({"message_type": "'EASTER'"}, "ck_message_logs_message_type"),
        ({"retry_count": "-1"}, "ck_message_logs_retry_count"),
        ({"ambiguous_count": "-1"}, "ck_message_logs_retry_count"),
        ({"status": "'SENDING'"}, "ck_message_logs_lease"),
        ({"scheduled_send_time": "'1999-01-01 09:00+00'"}, None),
    ],
)
async def test_a_greeting_that_cannot_be_is_refused(
    connection: AnyConnection, columns: Mapping[str, str], constraint: str | None
) -> None:
    await add_person(connection)
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await add_message(connection, columns)
    assert caught.value.constraint_name == constraint


async def test_a_greeting_needs_a_person_and_goes_with_them(connection: AnyConnection) -> None:
    await add_person(connection)
    await add_message(connection, {})
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await add_message(connection, {"user_id": f"'{uuid4()}'", "idempotency_key": "'other'"})
    await connection.execute("DELETE FROM users")
    assert await connection.fetchval("SELECT count(*) FROM message_logs") == 0


async def test_postgresql_refuses_a_second_row_for_a_key(connection: AnyConnection) -> None:
    await add_person(connection)
    await add_message(connection, {})
    with pytest.raises(asyncpg.UniqueViolationError) as caught:
        await add_message(connection, {})
    assert "idempotency_key" in str(caught.value.constraint_name)
    key = f"'2027-01-15', '{uuid4()}', 'BIRTHDAY'"
    await connection.execute(f"INSERT INTO idempotency_keys VALUES ({key})")  # noqa: S608
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute(f"INSERT INTO idempotency_keys VALUES ({key})")  # noqa: S608


async def test_tables_that_hold_nothing_useful_are_refused(connection: AnyConnection) -> None:
    batch = "INSERT INTO queue_batches (id, due_at, first_at, last_at, visible_at, message_ids)"
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(
            f"{batch} VALUES (gen_random_uuid(), now(), now(), now(), now(), '{{}}')"
        )
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(
            "INSERT INTO job_runs (name, started_at, window_start, window_end) "
            "VALUES ('daily', now(), now(), now() - interval '1 s')"
        )
