"""The witness's triggers and queries see what they are there to see, in a real PostgreSQL."""

import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from heyday.db.types import AnyConnection
from tests.chaos.witness import TRIGGERS, Witness, open_witness
from tests.postgres import MIGRATED_AT

ADA, ROW = UUID(int=1), UUID(int=2)
PEOPLE = """
INSERT INTO users (id, first_name, last_name, email, timezone, birthday_date)
VALUES ($1, 'Ada', 'Lovelace', 'ada@example.com', 'Europe/London', '1990-01-15')
"""
LETTER = """
INSERT INTO message_logs (
    id, user_id, message_type, delivery_date, scheduled_send_time, status, idempotency_key,
    message_content, occasion_date, timezone, tzdb_version)
VALUES ($1, $2, 'BIRTHDAY', '2027-01-15', $3, 'QUEUED', 'key', 'Hey', '1990-01-15',
        'Europe/London', '1')
"""
CLAIM = "UPDATE message_logs SET status = 'SENDING', epoch = epoch + 1, lease_until = now()"
TAKE_OVER = "UPDATE message_logs SET epoch = epoch + 1, lease_until = now()"
RECORD = "UPDATE message_logs SET status = 'SENT', lease_until = NULL"


@contextlib.asynccontextmanager
async def process(url: str, name: str) -> AsyncIterator[AnyConnection]:
    """Lend a connection as a process of that name has it."""
    connection = await asyncpg.connect(f"{url}?chaos.process={name}")
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def ada(database_url: str) -> AsyncIterator[AnyConnection]:
    async with process(database_url, "ada") as connection:
        if await connection.fetchval("SHOW track_commit_timestamp") != "on":
            pytest.skip("this server does not keep the order of commits")
        await connection.execute(TRIGGERS)
        await connection.execute(PEOPLE, ADA)
        await connection.execute(LETTER, ROW, ADA, MIGRATED_AT)
        yield connection


@pytest.fixture
async def bob(database_url: str) -> AsyncIterator[AnyConnection]:
    async with process(database_url, "bob") as connection:
        yield connection


@pytest.fixture
async def witness(database_url: str) -> AsyncIterator[Witness]:
    async with open_witness(database_url) as witness:
        yield witness


async def test_who_claims_may_record(ada: AnyConnection, bob: AnyConnection, witness: Witness):
    await ada.execute(CLAIM)
    assert await witness.list_held("ada") == {ROW: 1}
    assert await witness.list_held("bob") == {}
    await bob.execute(TAKE_OVER)
    assert await witness.list_held("ada") == {}
    assert await witness.list_held("bob") == {ROW: 2}
    assert not await witness.is_any_held({ROW: 1})
    assert await witness.is_any_held({ROW: 2})
    assert await witness.is_any_sent_by_others({ROW: 1})
    assert not await witness.is_any_sent_by_others({ROW: 2})
    await bob.execute(RECORD)
    assert list(await witness.list_writes_of_the_woken()) == []


async def test_a_write_by_a_process_that_was_shut_out_is_seen(
    ada: AnyConnection, bob: AnyConnection, witness: Witness
):
    await ada.execute(CLAIM)
    await bob.execute(TAKE_OVER)
    await ada.execute(RECORD)
    (found,) = await witness.list_writes_of_the_woken()
    assert (found["writer"], found["holder"], found["epoch"]) == ("ada", "bob", 2)


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE users SET deleted_at = now()",
        "UPDATE users SET unsubscribed_at = now()",
        "UPDATE users SET timezone = 'Asia/Tokyo'",
        "UPDATE users SET birthday_date = '1990-02-15'",
    ],
)
async def test_a_claim_after_an_edit_is_seen_and_one_before_is_not(
    ada: AnyConnection, bob: AnyConnection, witness: Witness, edit: str
):
    # By the order of commits, not of the statements.
    late = bob.transaction()
    await late.start()
    await bob.execute(edit)
    await ada.execute(CLAIM)
    await late.commit()
    assert list(await witness.list_claims_after_edits()) == []

    await ada.execute("UPDATE message_logs SET status = 'RETRYING', lease_until = NULL")
    await ada.execute(CLAIM)
    (found,) = await witness.list_claims_after_edits()
    assert (found["user_id"], found["process"]) == (ADA, "ada")


async def test_a_claim_that_fits_the_edit_is_right(
    ada: AnyConnection, bob: AnyConnection, witness: Witness
):
    await bob.execute("UPDATE users SET timezone = 'Asia/Tokyo'")
    await ada.execute("UPDATE message_logs SET timezone = 'Asia/Tokyo'")
    await ada.execute(CLAIM)
    assert list(await witness.list_claims_after_edits()) == []


async def test_edits_are_counted_by_the_moment_at_which_they_met_the_greeting(
    ada: AnyConnection, witness: Witness
):
    await ada.execute("UPDATE users SET timezone = 'Asia/Tokyo'")
    assert await witness.count_edits() == {"edited before the claim": 1}
    await ada.execute(CLAIM)
    await ada.execute("UPDATE users SET timezone = 'Asia/Seoul'")
    await ada.execute(RECORD)
    await ada.execute("UPDATE users SET deleted_at = now()")
    assert await witness.count_edits() == {
        "edited before the claim": 1,
        "edited while being sent": 1,
        "edited after the end": 1,
    }


async def test_to_come_are_greetings_without_a_row_and_due_rows_that_have_not_ended(
    ada: AnyConnection, witness: Witness
):
    assert await witness.count_to_come(1) == 0  # an edit has moved it to later
    assert await witness.count_to_come(3) == 2
    await ada.execute(
        "CREATE TABLE past PARTITION OF message_logs"
        " FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')"
    )
    await ada.execute("UPDATE message_logs SET scheduled_send_time = '2020-06-01'")
    assert await witness.count_to_come(1) == 1
    await ada.execute("UPDATE message_logs SET status = 'SENT'")
    assert await witness.count_to_come(1) == 0
