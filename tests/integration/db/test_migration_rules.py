"""What every migration is held to, so that the release before works on beside it.

docs/upgrade.md has the rules for people.
"""

import pytest
from alembic import command
from sqlalchemy import Connection, text

from heyday.db import alembic_runner
from heyday.db.migration import Migration
from tests.integration.db.migration_measure import Effect, Schema, measure

# Before this, processes were stopped for an upgrade.
FIRST = "0016"
# These have a row for each import, key, day or provider. Whatever is not named here may have one
# for each person or greeting, and is not to be locked while all of it is read.
SMALL = {"api_keys", "import_jobs", "kept_days", "provider_days", "provider_pace", "secrets"}


def faults(migration: Migration, effect: Effect) -> list[str]:
    """Return which rules are broken."""
    found = [f"takes away {each}" for each in effect.takes_away if not migration.serves_from]
    found += [f"demands {each} of whoever writes" for each in effect.demands]
    if migration.is_transaction:
        found += [f"reads or writes all of {each}" for each in set(effect.whole) - SMALL]
    return sorted(found)


async def test_every_migration_does_what_it_says_and_breaks_no_rule(
    empty_database_url: str,
) -> None:
    _, migrations = await alembic_runner.read_schema(empty_database_url)
    assert migrations[0].revision == "0001"
    for migration in migrations:
        effect = await run(empty_database_url, migration)
        if migration.is_transaction:
            said = migration.locks, sorted(migration.whole)
            assert said == (effect.locks, effect.whole), migration.revision
        assert migration.title.endswith("."), migration.revision
        if migration.revision >= FIRST:
            assert not faults(migration, effect), migration.revision


async def run(url: str, migration: Migration) -> Effect:
    """Run a migration alone; return what it did."""

    def go(connection: Connection) -> Effect:
        before = Schema.read(connection)
        command.upgrade(alembic_runner.config_for(connection), migration.revision)
        return measure(connection, before)

    is_transaction = migration.is_transaction
    return await alembic_runner.with_connection(url, go, is_transaction=is_transaction)


ADD = "ALTER TABLE users ADD COLUMN"
BREACHES = {
    "ALTER TABLE users DROP COLUMN location_city": ["takes away users.location_city"],
    "ALTER TABLE users RENAME COLUMN location_city TO city": ["takes away users.location_city"],
    "DROP TABLE kept_days": ["takes away kept_days"],
    "ALTER TABLE kept_days RENAME TO days": ["takes away kept_days"],
    "ALTER TABLE kept_days ALTER COLUMN open TYPE bigint": ["takes away kept_days.open"],
    f"{ADD} title text NOT NULL": ["demands users.title of whoever writes"],
    "ALTER TABLE users ALTER COLUMN location_city SET NOT NULL": [
        "demands users.location_city of whoever writes"
    ],
    f"{ADD} lot double precision DEFAULT random()": ["reads or writes all of users"],
    "CREATE INDEX idx_users_city ON users (location_city)": ["reads or writes all of users"],
    "ALTER TABLE users ADD CONSTRAINT ck_city CHECK (location_city <> '')": [
        "reads or writes all of users"
    ],
    "ALTER TABLE message_logs ALTER COLUMN error_message TYPE varchar(4000)": [
        "reads or writes all of message_logs",
        "takes away message_logs.error_message",
    ],
    # What is as it should be.
    f"{ADD} title text": [],
    f"{ADD} title text NOT NULL DEFAULT ''": [],
    "ALTER TABLE users ALTER COLUMN location_city TYPE varchar(2000)": [],
    "ALTER TABLE users ADD CONSTRAINT ck_city CHECK (location_city <> '') NOT VALID": [],
    "CREATE TABLE titles (id uuid PRIMARY KEY REFERENCES users)": [],
    "DROP INDEX idx_users_locale": [],
}


@pytest.mark.parametrize("statement", BREACHES)
async def test_what_would_break_the_release_before_is_seen(
    database_url: str, statement: str
) -> None:
    def go(connection: Connection) -> Effect:
        before = Schema.read(connection)
        connection.execute(text(statement))
        return measure(connection, before)

    effect = await alembic_runner.with_connection(database_url, go)
    assert effect.locks or "CREATE TABLE titles" not in statement
    bare = Migration("9999", "A test.", {}, (), serves_from=None, is_transaction=True)
    assert faults(bare, effect) == BREACHES[statement]


def test_what_is_taken_away_names_the_programs_that_it_serves() -> None:
    effect = Effect({}, (), ("users.location_city",), ())
    told = Migration("9999", "A test.", {}, (), serves_from="0022", is_transaction=True)
    assert not faults(told, effect)
