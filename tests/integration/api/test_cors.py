"""A page of another origin may call only if its origin is named, and never with cookies."""

import httpx
import pytest
from litestar import Litestar

from heyday.api.cors import cors
from heyday.api.users import PEOPLE
from tests.factories import person

HERE, ELSEWHERE = "https://people.example.com", "https://evil.example.com"


def preflight(origin: str, method: str = "POST", headers: str = "") -> dict[str, str]:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    return asked | ({"Access-Control-Request-Headers": headers} if headers else {})


@pytest.fixture
async def stranger(app: Litestar) -> httpx.AsyncClient:
    """A client without a key, as a browser's preflight is."""
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type] # Litestar's scope is narrower
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_a_preflight_of_a_named_origin_is_let_through_without_a_key(
    stranger: httpx.AsyncClient, method: str
) -> None:
    asked = preflight(HERE, method, "authorization, content-type, idempotency-key, if-match")
    reply = await stranger.options(PEOPLE, headers=asked)
    assert reply.status_code == 204
    assert reply.headers["access-control-allow-origin"] == HERE
    assert method in reply.headers["access-control-allow-methods"]
    allowed = reply.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ("authorization", "idempotency-key", "if-match"))
    assert int(reply.headers["access-control-max-age"]) > 0
    assert "access-control-allow-credentials" not in reply.headers
    assert "Origin" in reply.headers["vary"]


@pytest.mark.parametrize(
    "asked",
    [
        preflight(ELSEWHERE),
        preflight("http://people.example.com"),
        preflight("https://people.example.com.evil.example"),
        preflight("https://people.example.com:8443"),
        preflight("null"),
        preflight(HERE, "TRACE"),
        preflight(HERE, headers="x-anything"),
    ],
)
async def test_any_other_preflight_is_refused(
    stranger: httpx.AsyncClient, asked: dict[str, str]
) -> None:
    reply = await stranger.options(PEOPLE, headers=asked)
    assert reply.status_code == 400
    assert "access-control-allow-origin" not in reply.headers


async def test_replies_and_refusals_may_be_read_by_the_named_origin_alone(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    for reply in (
        await client.post(PEOPLE, json=person(), headers={"Origin": HERE}),
        await client.post(PEOPLE, json={}, headers={"Origin": HERE}),
        await client.get("/nothing", headers={"Origin": HERE}),
        await stranger.get(PEOPLE, headers={"Origin": HERE}),
    ):
        assert reply.headers["access-control-allow-origin"] == HERE
        assert "access-control-allow-credentials" not in reply.headers
        exposed = reply.headers["access-control-expose-headers"]
        assert {"ETag", "Location", "X-Request-Id"} <= set(exposed.split(", "))
        assert reply.headers["vary"] == "Origin, Accept-Encoding"
    reply = await client.get(PEOPLE, headers={"Origin": ELSEWHERE})
    assert "access-control-allow-origin" not in reply.headers


async def test_where_no_origin_is_named_nothing_is_said_of_it() -> None:
    assert cors([]) is None
