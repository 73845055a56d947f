"""Each status of the API is used as RFC 9110 defines it, and each problem has one stable type."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from heyday.api.problems import MAX_BODY_BYTES
from heyday.api.users import PEOPLE
from tests.factories import person

JSON = {"Content-Type": "application/json"}
NOBODY = f"{PEOPLE}/{UUID(int=1)}"
# method, path, body, headers; status and the last part of the type.
REFUSED: list[tuple[str, str, bytes | None, dict[str, str], int, str]] = [
    ("POST", PEOPLE, b"{", JSON, 400, "malformed-body"),
    ("POST", PEOPLE, b"[]", JSON, 400, "malformed-body"),
    ("POST", PEOPLE, b'{"email": 1, "email": 2}', JSON, 400, "malformed-body"),
    ("POST", PEOPLE, b"{}", JSON | {"Idempotency-Key": ""}, 400, "malformed-idempotency-key"),
    ("GET", PEOPLE, None, {"Authorization": "Bearer x"}, 401, "unauthenticated"),
    ("GET", NOBODY, None, {}, 404, "not-found"),
    ("GET", f"{PEOPLE}/no-uuid", None, {}, 404, "no-such-path"),
    ("GET", "/api/v1/nothing", None, {}, 404, "no-such-path"),
    ("DELETE", PEOPLE, None, {}, 405, "method-not-allowed"),
    ("TRACE", PEOPLE, None, {}, 405, "method-not-allowed"),
    ("POST", PEOPLE, b"x" * (MAX_BODY_BYTES + 1), JSON, 413, "body-too-large"),
    ("POST", PEOPLE, b"{}", {"Content-Type": "text/plain"}, 415, "unsupported-media-type"),
    ("POST", PEOPLE, b"{}", {}, 415, "unsupported-media-type"),
    ("POST", PEOPLE, b"{}", JSON, 422, "invalid-input"),
    ("GET", f"{PEOPLE}?limit=x", None, {}, 422, "invalid-input"),
]


@pytest.mark.parametrize(("method", "path", "body", "headers", "status", "name"), REFUSED)
async def test_a_refusal_has_its_status_and_its_type(  # noqa: PLR0913, PLR0917
    client: httpx.AsyncClient,
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
    status: int,
    name: str,
) -> None:
    reply = await client.request(method, path, content=body, headers=headers)
    problem = reply.json()
    assert (reply.status_code, problem["type"]) == (status, f"/problems/{name}")
    assert problem["status"] == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert problem["request_id"] == reply.headers["x-request-id"]
    assert ("allow" in reply.headers) == (status == 405)
    assert (await client.get(problem["type"])).status_code == 200


async def test_conflicts_and_preconditions_are_told_apart(client: httpx.AsyncClient) -> None:
    made = await client.post(PEOPLE, json=person(email="ada@example.com"))
    item = f"{PEOPLE}/{made.json()['id']}"
    await client.patch(item, json={"location_city": "Rome"})
    late = await client.patch(
        item, json={"location_city": "Oslo"}, headers={"If-Match": made.headers["etag"]}
    )
    taken = await client.post(PEOPLE, json=person(email="ada@example.com"))
    assert (late.status_code, late.json()["type"]) == (412, "/problems/changed")
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/email-taken")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "*/*;q=0"])
async def test_whoever_accepts_no_json_gets_json_all_the_same(
    client: httpx.AsyncClient, accept: str
) -> None:
    """RFC 9110, section 15.5.7: a reply in another form may be better than 406."""
    good = await client.get(PEOPLE, headers={"Accept": accept})
    bad = await client.get(NOBODY, headers={"Accept": accept})
    assert (good.status_code, good.headers["content-type"]) == (200, "application/json")
    assert bad.headers["content-type"] == "application/problem+json"


async def test_options_says_what_there_is_and_head_is_get_without_a_body(
    client: httpx.AsyncClient,
) -> None:
    made = await client.post(PEOPLE, json=person())
    options = await client.options(PEOPLE)
    assert (options.status_code, options.content) == (204, b"")
    assert set(options.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    refused = await client.delete(PEOPLE)
    assert refused.headers["allow"] == options.headers["allow"]
    item = f"{PEOPLE}/{made.json()['id']}"
    whole, head = await client.get(item), await client.head(item)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == whole.headers["etag"]
    assert head.headers["content-length"] == whole.headers["content-length"]


# --- Bodies that are too large ---------------------------------------------------------------


@pytest.mark.parametrize("keyed", [{}, {"Idempotency-Key": "one"}])
async def test_a_body_in_chunks_is_refused_before_it_is_read_to_its_end(
    client: httpx.AsyncClient, keyed: dict[str, str]
) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b" " * 8192

    reply = await client.post(PEOPLE, content=chunks(), headers=JSON | keyed)
    assert (reply.status_code, reply.json()["type"]) == (413, "/problems/body-too-large")
    assert sent < 20


@pytest.mark.parametrize("claimed", ["2", str(MAX_BODY_BYTES)])
async def test_a_length_that_lies_helps_nobody(client: httpx.AsyncClient, claimed: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 8192

    headers = JSON | {"Content-Length": claimed}
    reply = await client.post(PEOPLE, content=chunks(), headers=headers)
    assert (reply.status_code, reply.json()["type"]) == (413, "/problems/body-too-large")


async def test_a_body_of_just_the_limit_is_taken(client: httpx.AsyncClient) -> None:
    body = json.dumps(person()).encode()
    padded = body + b" " * (MAX_BODY_BYTES - len(body))
    assert (await client.post(PEOPLE, content=padded, headers=JSON)).status_code == 201


# --- Fields that are wrong -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"email": "x", "timezone": "y", "first_name": 1}, ["/first_name", "/email", "/timezone"]),
        ({"birthday_date": {"month": 13, "day": 1}}, ["/birthday_date/month"]),
        (
            {"birthday_date": {"month": 0, "day": 32}},
            ["/birthday_date/month", "/birthday_date/day"],
        ),
        (
            {"birthday_date": {"month": "2", "day": None, "year": 1.5}},
            ["/birthday_date/year", "/birthday_date/month", "/birthday_date/day"],
        ),
        ({"birthday_date": {"month": 2, "day": 30}}, ["/birthday_date"]),
        ({"birthday_date": {"month": 2, "day": 3, "hour": 4}}, ["/birthday_date"]),
        (
            {"birthday_date": {"month": 2}, "anniversary_date": "soon"},
            ["/birthday_date/day", "/anniversary_date"],
        ),
        ({"a/b": 1, "c~d": 2}, ["/a~1b", "/c~0d"]),
        ({"ada@example.com": 1}, [""]),
    ],
)
async def test_every_wrong_field_is_named_by_a_pointer(
    client: httpx.AsyncClient, fields: dict[str, Any], pointers: list[str]
) -> None:
    reply = await client.post(PEOPLE, json=person(**fields))
    assert reply.status_code == 422
    assert [error["pointer"] for error in reply.json()["errors"]] == pointers
