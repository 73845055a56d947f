"""What a plain UPDATE by a person with psql does to the instants that users hold."""

from datetime import UTC, datetime

import asyncpg
import pytest

from heyday.db.types import AnyConnection

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def ada(connection: AnyConnection) -> AnyConnection:
    """A connection to a database with one person, untouched since long ago."""
    await connection.execute(
        "INSERT INTO users (first_name, last_name, email, timezone, birthday_date, "
        "anniversary_date, created_at, updated_at, eligible_since) VALUES "
        "('Ada', 'Lovelace', 'ada@example.com', 'UTC', '1990-01-15', '2020-03-01', $1, $1, $1)",
        LONG_AGO,
    )
    return connection


async def times(connection: AnyConnection) -> asyncpg.Record:
    row = await connection.fetchrow(
        "SELECT updated_at, eligible_since, dates_changed_at FROM users"
    )
    assert row is not None
    return row


@pytest.mark.parametrize(
    "change",
    [
        "birthday_date = '1990-01-16'",
        "birthday_date = '1990-02-15'",
        "birthday_date = NULL",
        "anniversary_date = '2020-03-02'",
        "deleted_at = now()",
        "unsubscribed_at = now()",
        # A careful person sets updated_at too; the change is no less new.
        "birthday_date = '1990-01-16', updated_at = now()",
        "unsubscribed_at = now(), updated_at = '2021-01-01'",
    ],
)
async def test_a_change_that_moves_greetings_counts_from_now(
    ada: AnyConnection, change: str
) -> None:
    now = await ada.fetchval("SELECT now()")
    await ada.execute(f"UPDATE users SET {change}")  # noqa: S608
    assert (await times(ada))["eligible_since"] >= now
    assert (await times(ada))["updated_at"] > LONG_AGO


@pytest.mark.parametrize(
    "change",
    [
        "first_name = 'Augusta'",
        "location_city = 'London'",
        # The same day was theirs before.
        "timezone = 'Asia/Tokyo'",
        "birthday_date = '1991-01-15'",
        "anniversary_date = '2021-03-01'",
    ],
)
async def test_a_change_that_moves_nothing_leaves_eligibility_alone(
    ada: AnyConnection, change: str
) -> None:
    now = await ada.fetchval("SELECT now()")
    await ada.execute(f"UPDATE users SET {change}")  # noqa: S608
    assert (await times(ada))["eligible_since"] == LONG_AGO
    assert (await times(ada))["updated_at"] >= now


async def test_instants_that_heyday_sets_are_kept(ada: AnyConnection) -> None:
    chosen = datetime(2026, 5, 5, tzinfo=UTC)
    await ada.execute(
        "UPDATE users SET timezone = 'Asia/Tokyo', updated_at = $1, eligible_since = $1", chosen
    )
    row = await times(ada)
    assert (row["updated_at"], row["eligible_since"]) == (chosen, chosen)


@pytest.mark.parametrize(
    ("change", "is_noted"),
    [
        ("birthday_date = '1990-01-16'", True),
        ("birthday_date = NULL", True),
        ("anniversary_date = '2020-04-01'", True),
        ("birthday_date = '1991-01-15'", False),
        ("timezone = 'Asia/Tokyo'", False),
        ("deleted_at = now()", False),
    ],
)
async def test_a_date_on_another_day_is_noted_for_the_claim(
    ada: AnyConnection, change: str, *, is_noted: bool
) -> None:
    now = await ada.fetchval("SELECT now()")
    await ada.execute(f"UPDATE users SET {change}")  # noqa: S608
    noted_at = (await times(ada))["dates_changed_at"]
    assert noted_at >= now if is_noted else noted_at is None


async def test_a_first_date_corrects_none_and_one_that_comes_back_is_remembered(
    ada: AnyConnection,
) -> None:
    await ada.execute("UPDATE users SET birthday_date = NULL")
    noted_at = (await times(ada))["dates_changed_at"]
    await ada.execute("UPDATE users SET birthday_date = '1990-02-15'")
    assert (await times(ada))["dates_changed_at"] == noted_at
    await ada.execute("UPDATE users SET dates_changed_at = NULL, anniversary_date = NULL")
    await ada.execute("UPDATE users SET dates_changed_at = NULL")
    await ada.execute("UPDATE users SET anniversary_date = '2020-03-01'")
    assert (await times(ada))["dates_changed_at"] is None
