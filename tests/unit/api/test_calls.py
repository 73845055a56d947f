"""Whom the API counts, and what a caller hears who asks too often."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar
from prometheus_client import CollectorRegistry

from heyday.api.app import ApiServices, create_app
from heyday.api.calls import caller_at
from heyday.domain.rate_limit import Counted
from tests.unit.api.scripted import ADA, ScriptedUsers

PERSON = f"/user/{ADA.id}"
LIMITED = {"/api/v1/users", "/user"}


@dataclass
class ScriptedLimits:
    """Have everybody wait that long. asked: for whom."""

    wait: timedelta
    asked: list[str] = field(default_factory=list)
    counted: Counted = Counted.SHARED

    async def take(self, caller: str) -> timedelta:
        self.asked.append(caller)
        return self.wait

    async def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def limits() -> ScriptedLimits:
    return ScriptedLimits(timedelta(seconds=2.5))


@pytest.fixture
def app(users: ScriptedUsers, limits: ScriptedLimits) -> Litestar:
    services = ApiServices(
        users=cast("Any", users),
        health=cast("Any", None),
        metrics=CollectorRegistry(),
        version="1.2.3",
        rate_limits=limits,
    )
    return create_app(services)


async def test_who_asks_too_often_is_told_when_to_go_on(
    client: httpx.AsyncClient, users: ScriptedUsers, limits: ScriptedLimits
) -> None:
    reply = await client.get(PERSON)
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "3")
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["type"] == "/problems/too-many-requests"
    assert limits.asked == ["127.0.0.1"]
    assert users.given == [], "the service was asked all the same"


async def test_the_body_of_a_refused_request_is_not_looked_at(client: httpx.AsyncClient) -> None:
    reply = await client.post("/user", content=b"no json", headers={"content-type": "x/y"})
    assert reply.status_code == 429


async def test_who_does_not_have_to_wait_is_served(
    client: httpx.AsyncClient, limits: ScriptedLimits
) -> None:
    limits.wait = timedelta()
    assert (await client.get(PERSON)).json()["first_name"] == "Ada"


@pytest.mark.parametrize("path", ["/health/live", "/metrics", "/docs", "/openapi.json", "/nowhere"])
async def test_all_but_people_is_never_limited(
    client: httpx.AsyncClient, limits: ScriptedLimits, path: str
) -> None:
    assert (await client.get(path)).status_code in {200, 404}
    assert limits.asked == []


async def test_it_is_described_at_each_limited_route_and_at_no_other(
    client: httpx.AsyncClient,
) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    described = {
        (path, "429" in operation["responses"])
        for path, operations in paths.items()
        for operation in operations.values()
    }
    assert described
    assert {limited for _, limited in described} == {True, False}
    assert all(
        limited == any(path == p or path.startswith(f"{p}/") for p in LIMITED)
        for path, limited in described
    )


@pytest.mark.parametrize(
    ("host", "caller"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("testclient", "unknown"),
    ],
)
def test_a_caller_is_an_address_or_the_network_of_a_subscriber(host: str, caller: str) -> None:
    assert caller_at(host) == caller
