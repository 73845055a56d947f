"""Export and erasure by the API, and leaving one kind of greeting."""

from uuid import uuid4

import httpx
import pytest

from tests.factories import Pipeline

PEOPLE = "/api/v1/users"


async def test_a_person_leaves_one_type_by_the_api_and_comes_back(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await pipeline.create(birthday_date="1990-01-15")
    path = f"{PEOPLE}/{user.id}"
    left = await client.post(f"{path}/unsubscribe?message_type=BIRTHDAY")
    assert (left.json()["unsubscribed_types"], left.json()["unsubscribed_at"]) == (
        ["BIRTHDAY"],
        None,
    )
    back = await client.post(f"{path}/resubscribe?message_type=BIRTHDAY")
    assert back.json()["unsubscribed_types"] == []


@pytest.mark.parametrize("action", ["unsubscribe", "resubscribe"])
async def test_an_unknown_type_is_refused(
    client: httpx.AsyncClient, pipeline: Pipeline, action: str
) -> None:
    user = await pipeline.create()
    reply = await client.post(f"{PEOPLE}/{user.id}/{action}?message_type=NAME_DAY")
    assert (reply.status_code, reply.json()["type"]) == (422, "/problems/invalid-input")
    assert reply.json()["errors"][0]["parameter"] == "message_type"


async def test_an_export_is_json_of_everything(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await pipeline.create(birthday_date="1990-01-15", email="ada@example.com")
    reply = await client.get(f"{PEOPLE}/{user.id}/export")
    assert reply.status_code == 200
    assert reply.json()["person"][0]["email"] == "ada@example.com"
    assert reply.json()["greetings"][0]["status"] == "SCHEDULED"


async def test_an_erased_person_is_gone_for_every_door(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await pipeline.create(birthday_date="1990-01-15")
    path = f"{PEOPLE}/{user.id}"
    assert [(await client.post(f"{path}/erase")).status_code for _ in range(2)] == [204, 204]
    replies = [await client.get(path), await client.post(f"{path}/undelete")]
    assert {reply.status_code for reply in replies} == {404}
    shown = (await client.get(f"{path}/export")).json()["person"][0]
    assert (shown["first_name"], shown["birthday_date"]) == ("erased", None)


@pytest.mark.parametrize(("method", "action"), [("GET", "export"), ("POST", "erase")])
async def test_nobody_is_not_found(client: httpx.AsyncClient, method: str, action: str) -> None:
    reply = await client.request(method, f"{PEOPLE}/{uuid4()}/{action}")
    assert (reply.status_code, reply.json()["type"]) == (404, "/problems/not-found")
