"""Keys by the API: made, shown once, listed, revoked."""

from datetime import timedelta

import httpx

from tests.factories import Pipeline, person
from tests.keys import Doors, bearer

KEYS = "/api/v1/keys"


async def test_a_key_is_shown_once_and_works_until_it_is_revoked(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    asked = {"name": "payroll", "scopes": ["users:write", "users:read"]}
    reply = await client.post(KEYS, json=asked)
    made = reply.json()
    assert reply.status_code == 201
    assert reply.headers["cache-control"] == "no-store"
    assert made["scopes"] == ["users:read", "users:write"]
    assert (made["expires_at"], made["revoked_at"], made["last_used_at"]) == (None, None, None)
    assert made["key"].startswith(f"hd_{made['prefix']}_")
    headers = bearer(made["key"])
    assert (await client.post("/user", json=person(), headers=headers)).status_code == 201
    assert (await client.get(KEYS, headers=headers)).status_code == 403

    listed = await client.get(KEYS)
    secret = made.pop("key").rpartition("_")[2]
    assert secret not in listed.text
    assert made in listed.json()["items"]
    rows = await pipeline.rows("SELECT api_keys::text FROM api_keys")
    assert rows
    assert secret not in str(rows)

    assert (await client.delete(f"{KEYS}/{made['prefix']}")).status_code == 204
    assert (await client.delete(f"{KEYS}/{made['prefix']}")).status_code == 204
    assert (await client.get("/user", headers=headers)).status_code == 405
    refused = await client.get("/api/v1/users", headers=headers)
    assert refused.status_code == 401


async def test_a_long_reply_that_holds_a_key_is_not_compressed(client: httpx.AsyncClient) -> None:
    asked = {"name": "\u00e9" * 100, "scopes": ["admin"] * 300}
    reply = await client.post(KEYS, json=asked, headers={"Accept-Encoding": "gzip"})
    assert reply.status_code == 201
    assert "content-encoding" not in reply.headers


async def test_every_wrong_field_is_named(client: httpx.AsyncClient) -> None:
    reply = await client.post(KEYS, json={"name": "", "scopes": ["root"], "expires_at": "soon"})
    assert reply.status_code == 422
    assert {error["pointer"] for error in reply.json()["errors"]} == {
        "/name",
        "/scopes",
        "/expires_at",
    }


async def test_a_key_that_is_not_there_cannot_be_revoked(client: httpx.AsyncClient) -> None:
    for prefix in ("ffffffff", "nothing", "%00"):
        reply = await client.delete(f"{KEYS}/{prefix}")
        assert (reply.status_code, reply.json()["type"]) == (404, "/problems/no-such-key"), prefix


async def test_the_last_use_is_shown(
    client: httpx.AsyncClient, doors: Doors, pipeline: Pipeline
) -> None:
    pipeline.clock.advance(timedelta(minutes=5))  # type: ignore[attr-defined] # a FakeClock
    await client.get(KEYS)
    await doors.access.ring.flush()
    (key,) = (await client.get(KEYS)).json()["items"]
    assert key["last_used_at"] == "2027-01-14T00:05:00Z"
