"""A route that goes the short way answers as it would by Litestar's own."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from heyday.api.short_way import ShortWay
from heyday.domain.errors import EmailTaken, FieldProblem, InvalidInput, NotFound
from tests.factories import person
from tests.unit.api.scripted import ADA, ScriptedUsers

ITEM = f"/api/v1/users/{ADA.id}"
JSON = {"Content-Type": "application/json"}
PERSON = person(email="ada@example.com")
ASKED: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/v1/users", {"json": PERSON}),
    ("POST", "/user", {"json": PERSON, "headers": {"Accept-Encoding": "gzip"}}),
    ("POST", "/user?x=1", {"content": b'{"a": 1}', "headers": JSON}),
    ("POST", "/user", {}),
    ("POST", "/user", {"headers": JSON}),
    ("POST", "/user", {"content": b"[]", "headers": JSON}),
    ("POST", "/user", {"content": b'{"a":', "headers": JSON}),
    ("POST", "/user", {"content": b'{"a":1}', "headers": {"Content-Type": "text/plain"}}),
    ("POST", "/user", {"content": b'{"a":1}'}),
    ("POST", "/user", {"content": b" " * 70_000, "headers": JSON}),
    ("POST", "/user", {"json": PERSON, "headers": {"Authorization": "Bearer wrong"}}),
    ("GET", ITEM, {}),
    ("GET", f"/user/{ADA.id}", {}),
    ("GET", ITEM, {"headers": {"If-None-Match": f'"{ADA.version}"'}}),
    ("GET", ITEM, {"headers": {"If-None-Match": '"other"'}}),
    ("GET", ITEM, {"headers": {"If-None-Match": "*", "Accept": "text/html"}}),
    ("HEAD", ITEM, {}),
    ("GET", f"/user/{uuid4().hex}x", {}),
    ("GET", ITEM, {"headers": {"Authorization": ""}}),
]
GET: tuple[str, str, dict[str, Any]] = ("GET", ITEM, {})
FAULTS = [
    NotFound("there is no person with this id"),
    EmailTaken(),
    InvalidInput([FieldProblem("email", "is required")]),
    RuntimeError("SECRET"),
]


@dataclass
class Way:
    is_long: bool = False


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch) -> Way:
    """Which way requests go; to be asked for before the application is."""
    way, take_short = Way(), ShortWay.__call__

    def either(self: ShortWay, app: Any) -> Any:
        short = take_short(self, app)

        async def serve(*asgi: Any) -> None:
            await (app if way.is_long else short)(*asgi)

        return serve

    monkeypatch.setattr(ShortWay, "__call__", either)
    return way


async def shown(client: httpx.AsyncClient, method: str, path: str, options: Any) -> Any:
    reply = await client.request(method, path, **options)
    request_id = reply.headers.pop("x-request-id").encode()
    return reply.status_code, dict(reply.headers), reply.content.replace(request_id, b"")


async def replies(client: httpx.AsyncClient, users: ScriptedUsers) -> list[Any]:
    found = [await shown(client, *asked) for asked in ASKED]
    for users.fault in FAULTS:
        found += [await shown(client, *asked) for asked in (ASKED[0], GET)]
    users.fault = None
    return found


async def test_both_ways_give_the_same_replies(
    way: Way, client: httpx.AsyncClient, users: ScriptedUsers
) -> None:
    short = await replies(client, users)
    way.is_long = True
    assert await replies(client, users) == short
    seen = {status for status, *_ in short}
    assert seen >= {200, 201, 304, 400, 401, 404, 409, 413, 415, 422, 500}
