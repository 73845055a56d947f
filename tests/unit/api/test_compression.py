"""Which replies are compressed, and that nothing else about them changes."""

import dataclasses

import httpx
import pytest
from structlog.testing import capture_logs

from heyday.api.compression import SMALLEST_BYTES
from heyday.api.users import PEOPLE
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.models import User
from tests.unit.api.scripted import ADA, ScriptedUsers

LONG_PATH = "/openapi.json"
GZIP = {"Accept-Encoding": "gzip"}
PLAIN = {"Accept-Encoding": "identity"}


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.1", "gzip;q=1.0, identity;q=0"])
async def test_a_long_reply_is_compressed_for_who_takes_it(
    client: httpx.AsyncClient, accepted: str
) -> None:
    plain = await client.get(LONG_PATH, headers=PLAIN)
    packed = await client.get(LONG_PATH, headers={"Accept-Encoding": accepted})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    assert packed.content == plain.content
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.headers["content-type"] == plain.headers["content-type"]


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "br, GZIP ; q=0.000, *"])
async def test_nothing_is_compressed_for_who_does_not(
    client: httpx.AsyncClient, accepted: str
) -> None:
    reply = await client.get(LONG_PATH, headers={"Accept-Encoding": accepted})
    assert "content-encoding" not in reply.headers
    assert len(reply.content) == int(reply.headers["content-length"]) > SMALLEST_BYTES


@pytest.mark.parametrize("path", ["/user/x", "/nothing", "/health/live", f"{PEOPLE}?limit=0"])
async def test_a_short_reply_stays_as_it_is(client: httpx.AsyncClient, path: str) -> None:
    reply = await client.get(path, headers=GZIP)
    assert "content-encoding" not in reply.headers
    assert reply.headers["vary"] == "Accept-Encoding"


async def test_the_files_of_the_docs_are_not_compressed_anew_each_time(
    client: httpx.AsyncClient,
) -> None:
    reply = await client.get("/docs/assets/swagger-ui.js", headers=GZIP)
    assert "content-encoding" not in reply.headers


async def test_head_tells_what_get_would_send(client: httpx.AsyncClient) -> None:
    head, whole = [await client.request(name, LONG_PATH, headers=GZIP) for name in ("HEAD", "GET")]
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-encoding", "content-length", "vary"):
        assert head.headers[name] == whole.headers[name]


async def test_a_reply_with_a_tag_is_the_same_bytes_for_everyone(
    client: httpx.AsyncClient, users: ScriptedUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = dataclasses.replace(ADA, first_name="\u00e4" * 1000)

    async def get(_user_id: object) -> User:
        return long

    monkeypatch.setattr(users, "get", get)
    reply = await client.get(f"/user/{ADA.id}", headers=GZIP)
    assert len(reply.content) > SMALLEST_BYTES
    assert reply.headers["etag"]
    assert "content-encoding" not in reply.headers


async def test_a_long_problem_is_compressed_and_logged_as_any(
    client: httpx.AsyncClient, users: ScriptedUsers
) -> None:
    users.fault = InvalidInput([FieldProblem("email", "is wrong")] * 50)
    with capture_logs() as lines:
        reply = await client.get(PEOPLE, headers=GZIP)
    assert reply.headers["content-encoding"] == "gzip"
    assert reply.headers["content-type"] == "application/problem+json"
    assert (reply.status_code, len(reply.json()["errors"])) == (422, 50)
    assert [line["status"] for line in lines] == [422]
    assert reply.headers["x-request-id"] == reply.json()["request_id"]
