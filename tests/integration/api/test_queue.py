"""The queue over HTTP: how much is on its way, and what was set aside."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.factories import Pipeline
from tests.fakes import FakeClock

QUEUE = "/api/v1/queue"
DEAD = f"{QUEUE}/dead-letters"
SET_ASIDE = """
    INSERT INTO queue_batches (
        id, due_at, first_at, last_at, message_ids, delivery_count, visible_at)
    VALUES ($1, $2, $2, $2, ARRAY[gen_random_uuid(), gen_random_uuid()], 20, $2)
"""


@pytest.fixture
async def dead(pipeline: Pipeline, clock: FakeClock) -> list[str]:
    """The ids of three batches that were set aside, the oldest first."""
    ids = [str(uuid4()) for _ in range(3)]
    for age, batch_id in zip((3, 2, 1), ids, strict=True):
        await pipeline.execute(SET_ASIDE, batch_id, clock.now() - timedelta(hours=age))
    return ids


async def look(client: httpx.AsyncClient) -> Any:
    reply = await client.get(QUEUE)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def listed(client: httpx.AsyncClient) -> list[str]:
    return [each["id"] for each in (await client.get(DEAD)).json()["items"]]


async def test_an_empty_queue_is_shown(client: httpx.AsyncClient) -> None:
    ages = [{"due_for_seconds": age, "messages": 0} for age in (0, 60, 600, 3600)]
    assert await look(client) == {
        "transport": "postgresql",
        "waiting_batches": 0,
        "workers": None,
        "dead_letters": 0,
        "coming": 0,
        "queued": ages,
        "sending": 0,
        "oldest_due_at": None,
        "days": [],
    }


@pytest.mark.usefixtures("dead")
async def test_what_is_on_its_way_is_counted_by_age(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    for _ in range(6):
        await pipeline.create(timezone="UTC", birthday_date="1990-01-14")
    nine = datetime.fromisoformat("2027-01-14T09:00:00Z")
    clock.set(nine - timedelta(minutes=1))
    await pipeline.minute.run_once()
    told = await look(client)
    assert (told["waiting_batches"], told["coming"], told["dead_letters"]) == (0, 6, 3)
    assert told["oldest_due_at"] == "2027-01-14T09:00:00Z"
    clock.set(nine)
    ids = [row["id"] for row in await pipeline.messages()]
    for message_id, minutes in zip(ids, (0, 2, 20, 120), strict=False):
        await pipeline.execute(
            "UPDATE message_logs SET scheduled_send_time = $2 WHERE id = $1",
            message_id,
            nine - timedelta(minutes=minutes),
        )
    await pipeline.execute(
        "UPDATE message_logs SET next_attempt_at = $2 WHERE id = $1",
        ids[4],
        nine + timedelta(minutes=5),
    )
    await pipeline.execute(
        "UPDATE message_logs SET status = 'SENDING', lease_until = now() WHERE id = $1", ids[5]
    )
    told = await look(client)
    assert told["waiting_batches"] == 1
    assert [age["messages"] for age in told["queued"]] == [1, 1, 1, 1]
    assert (told["coming"], told["sending"]) == (1, 1)
    assert told["oldest_due_at"] == "2027-01-14T07:00:00Z"


async def test_what_was_set_aside_is_listed_the_oldest_first(
    client: httpx.AsyncClient, dead: list[str]
) -> None:
    shown = (await client.get(DEAD)).json()
    assert ([each["id"] for each in shown["items"]], shown["is_more"]) == (dead, False)
    first = shown["items"][0]
    assert (first["reason"], first["batch_id"]) == ("delivered 20 times", dead[0])
    assert (len(first["message_ids"]), first["due_at"]) == (2, "2027-01-13T21:00:00Z")
    page = (await client.get(DEAD, params={"limit": 2})).json()
    assert ([each["id"] for each in page["items"]], page["is_more"]) == (dead[:2], True)


async def test_one_is_delivered_again_and_one_is_deleted(
    client: httpx.AsyncClient, dead: list[str]
) -> None:
    reply = await client.post(f"{DEAD}/{dead[0]}/requeue")
    assert (reply.status_code, reply.content) == (204, b"")
    assert await listed(client) == dead[1:]
    assert (await look(client))["waiting_batches"] == 1
    reply = await client.delete(f"{DEAD}/{dead[1]}")
    assert (reply.status_code, reply.content) == (204, b"")
    assert await listed(client) == dead[2:]
    for reply in (
        await client.post(f"{DEAD}/{dead[0]}/requeue"),
        await client.delete(f"{DEAD}/{dead[1]}"),
        await client.delete(f"{DEAD}/SECRET"),
    ):
        assert (reply.status_code, reply.json()["type"]) == (404, "/problems/no-such-dead-letter")
        assert "SECRET" not in reply.text


async def test_wrong_limits_are_named(client: httpx.AsyncClient) -> None:
    for limit in ("0", "1001", "SECRET"):
        reply = await client.get(DEAD, params={"limit": limit})
        assert (reply.status_code, reply.json()["errors"][0]["parameter"]) == (422, "limit")
