"""Edits over HTTP that name the state they were made on, and reads that name the one they hold."""

import asyncio

import httpx
import pytest

from heyday.api.users import PEOPLE, SHORT
from tests.factories import Pipeline, person

FORMS = pytest.mark.parametrize("path", [PEOPLE, SHORT])


async def add(client: httpx.AsyncClient, path: str = PEOPLE) -> tuple[str, str]:
    """Return the path of a new person and their tag."""
    reply = await client.post(path, json=person())
    return f"{path}/{reply.json()['id']}", reply.headers["etag"]


@FORMS
async def test_each_reply_carries_the_tag_of_what_it_shows(
    client: httpx.AsyncClient, path: str
) -> None:
    item, tag = await add(client, path)
    assert (await client.get(item)).headers["etag"] == tag
    put = await client.put(item, json=person(), headers={"If-Match": tag})
    assert (put.status_code, (await client.get(item)).headers["etag"]) == (200, put.headers["etag"])
    assert put.headers["etag"] != tag
    assert not put.headers["etag"].startswith("W/")
    late = await client.delete(item, headers={"If-Match": tag})
    assert (late.status_code, late.json()["type"]) == (412, "/problems/changed")
    assert "etag" not in late.headers
    assert (await client.get(item)).json() == put.json()
    in_time = await client.delete(item, headers={"If-Match": f"{tag}, {put.headers['etag']}"})
    assert in_time.status_code == 204


async def test_the_tag_goes_round_through_every_edit(client: httpx.AsyncClient) -> None:
    item, tag = await add(client)
    for method, path, body in (
        ("PATCH", item, {"location_city": "Rome"}),
        ("POST", f"{item}/unsubscribe", None),
        ("POST", f"{item}/resubscribe", None),
        ("POST", f"{item}/undelete", None),
        ("PUT", item, person()),
    ):
        reply = await client.request(method, path, headers={"If-Match": tag}, json=body)
        assert reply.status_code == 200, path
        tag = reply.headers["etag"]
        assert (await client.get(item, headers={"If-None-Match": tag})).status_code == 304
    assert (await client.delete(item, headers={"If-Match": "*"})).status_code == 204


@pytest.mark.parametrize("wrong", ["W/{tag}", "{bare}", "", '"x"', '"x", W/{tag}'])
async def test_what_does_not_name_the_state_strongly_lets_nothing_through(
    client: httpx.AsyncClient, wrong: str
) -> None:
    item, tag = await add(client)
    given = wrong.format(tag=tag, bare=tag.strip('"'))
    reply = await client.patch(item, json={"location_city": "Rome"}, headers={"If-Match": given})
    assert reply.status_code == 412
    assert (await client.get(item)).headers["etag"] == tag


async def test_who_is_gone_is_not_found_whatever_is_expected(client: httpx.AsyncClient) -> None:
    item, tag = await add(client)
    await client.delete(item)
    for given in (tag, "*", '"x"'):
        reply = await client.put(item, json=person(), headers={"If-Match": given})
        assert reply.status_code == 404
        assert (await client.get(item, headers={"If-None-Match": given})).status_code == 404


async def test_of_many_edits_at_once_on_one_state_exactly_one_wins(
    client: httpx.AsyncClient,
) -> None:
    item, tag = await add(client)
    replies = await asyncio.gather(
        *(
            client.patch(item, json={"location_city": str(city)}, headers={"If-Match": tag})
            for city in range(8)
        )
    )
    assert sorted(reply.status_code for reply in replies) == [200, *[412] * 7]
    (winner,) = (reply for reply in replies if reply.status_code == 200)
    stored = await client.get(item)
    assert (stored.json(), stored.headers["etag"]) == (winner.json(), winner.headers["etag"])


async def test_who_holds_the_state_is_spared_it_until_sql_changes_it(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    item, tag = await add(client)
    spared = await client.get(item, headers={"If-None-Match": tag})
    assert (spared.status_code, spared.content, spared.headers["etag"]) == (304, b"", tag)
    await pipeline.execute("UPDATE users SET first_name = 'Augusta', updated_at = updated_at")
    assert (await client.get(item, headers={"If-None-Match": tag})).status_code == 200


async def test_a_tag_is_an_instant_and_a_number_and_holds_nothing_of_the_person(
    client: httpx.AsyncClient,
) -> None:
    item, tag = await add(client)
    instant, number = tag.strip('"').split("-")
    shown = (await client.get(item)).json()["updated_at"]
    assert shown == "2027-01-14T00:00:00Z"
    assert int(instant, 16) == 1_799_884_800_000_000
    assert number.isdecimal()
