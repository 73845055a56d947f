"""Webhooks as a provider meets them: a process that was set up, and one that was set up wrong."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from heyday.domain.event_ports import Posted
from tests.acceptance.processes import heyday, run
from tests.webhooks import SECRET, Telling

# A greeting of which nobody can say whether it left.
DOUBTFUL = """
WITH person AS (
    INSERT INTO users (first_name, last_name, email, timezone)
    VALUES ('Ada', 'Lovelace', 'ada@example.com', 'UTC') RETURNING id
), key AS (
    INSERT INTO idempotency_keys (delivery_date, user_id, message_type)
    SELECT '2027-01-15', id, 'BIRTHDAY' FROM person
)
INSERT INTO message_logs (
    user_id, message_type, delivery_date, scheduled_send_time, status, ambiguous_count,
    idempotency_key, message_content, occasion_date, timezone, tzdb_version)
SELECT id, 'BIRTHDAY', '2027-01-15', '2027-01-15 09:00Z', 'UNKNOWN', 1,
       id || ':BIRTHDAY:2027-01-15', 'Hey', '1990-01-15', 'UTC', '1'
FROM person
RETURNING id, idempotency_key
"""


async def post(url: str, posted: Posted) -> tuple[int, bytes]:
    async with (
        aiohttp.ClientSession(headers=dict(posted.headers)) as session,
        session.post(url, data=posted.body) as reply,
    ):
        return reply.status, await reply.read()


async def shown(message_id: object, cwd: Path, **settings: str) -> Any:
    words = ("messages", "show", str(message_id), "--json")
    return (await asyncio.to_thread(run, *words, cwd=cwd, **settings)).json


async def test_what_a_relay_signs_settles_a_greeting_and_no_other_provider_is_there(
    database_url: str, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(database_url)
    row = await connection.fetchrow(DOUBTFUL)
    await connection.close()
    assert row
    settings = {"DATABASE_URL": database_url, "HEYDAY_EVENTS_WEBHOOK_SECRET": SECRET}
    async with heyday("api", cwd=tmp_path, PORT="0", **settings) as api:
        url = f"http://127.0.0.1:{(await api.said(r'started +port=([0-9]+)'))[1]}/webhooks"
        telling = Telling("webhook", "bounced", row["idempotency_key"])
        signed = telling.posted(datetime.now(UTC))  # noqa: TID251 - as a relay would
        assert await post(f"{url}/webhook", Posted({}, signed.body)) == (401, b"")
        assert await post(f"{url}/webhook", signed) == (200, b"")
        assert await post(f"{url}/webhook", signed) == (200, b"")
        assert (await post(f"{url}/resend", signed))[0] == 404
        assert await api.stop(10) == 0
        assert SECRET not in api.text
        assert "ada@" not in api.text
    told = await shown(row["id"], tmp_path, **settings)
    assert told["status"] == "SENT"
    assert [(e["provider"], e["kind"], e["code"]) for e in told["events"]] == [
        ("webhook", "bounced", "5.1.1")
    ]


def test_a_key_that_cannot_be_read_ends_the_process_and_is_not_repeated(
    database_url: str, tmp_path: Path
) -> None:
    settings = {"DATABASE_URL": database_url, "PORT": "0"}
    done = run("api", cwd=tmp_path, HEYDAY_EVENTS_RESEND_SECRET="whsec_short", **settings)
    assert done.status != 0
    assert "whsec_ and 24 bytes or more" in done.err
    assert "short" not in done.err
