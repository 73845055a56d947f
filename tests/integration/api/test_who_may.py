"""Every route of the application, with every kind of key: made from its own table of routes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from heyday.domain.access import Scope
from heyday.domain.sessions import cookie_name
from heyday.web.live import Live
from tests.factories import Pipeline
from tests.keys import Doors, bearer
from tests.webhooks import PROVIDERS, Telling

# What stands for a parameter of a path, by its type: nobody and nothing.
NOTHING = {
    "uuid": str(UUID(int=1)),
    "str": "nothing",
    "int": "1",
    "date": "2027-01-14",
    "path": "nothing",
}
# What is served beside pages, and is no part of the API that programs use.
HIDDEN = {
    ("GET", "/"),
    ("GET", "/docs"),
    ("GET", "/docs/assets/{name}"),
    ("GET", "/docs/openapi.json"),
    ("GET", "/docs/{path}"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/static/{name}"),
    ("GET", "/unsubscribe/icon.svg"),
    ("GET", "/unsubscribe/page.css"),
    ("GET", "/unsubscribe/{token}"),
    ("POST", "/unsubscribe/{token}"),
    *(("POST", f"/webhooks/{provider}") for provider in PROVIDERS),
}
OPEN = {
    ("GET", "/"),
    ("GET", "/docs"),
    ("GET", "/docs/assets/{name}"),
    ("GET", "/docs/openapi.json"),
    ("GET", "/docs/{path}"),
    ("GET", "/health"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/health/schedulers"),
    ("GET", "/openapi.json"),
    ("GET", "/problems/{name}"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("POST", "/sign-out"),
    ("GET", "/static/{name}"),
    ("GET", "/unsubscribe/icon.svg"),
    ("GET", "/unsubscribe/page.css"),
    ("GET", "/unsubscribe/{token}"),
    ("POST", "/unsubscribe/{token}"),
}


@dataclass(frozen=True)
class Place:
    """One method of one route."""

    method: str
    template: str
    path: str
    scope: Scope | None
    is_page: bool
    is_signed: bool

    @property
    def name(self) -> tuple[str, str]:
        return self.method, self.template

    @property
    def is_hidden(self) -> bool:
        return self.is_page or self.name in HIDDEN


def places(app: Litestar) -> Iterator[Place]:
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        parts = [
            part if isinstance(part, str) else NOTHING[part.full.partition(":")[2]]
            for part in route.path_components
        ]
        for handler in route.route_handlers:
            for method in handler.http_methods - {"OPTIONS"}:
                yield Place(
                    method,
                    route.path_format,
                    "/" + "/".join(parts),
                    handler.opt["scope"],
                    bool(handler.opt.get("is_page")),
                    bool(handler.opt.get("is_signed")),
                )


@pytest.fixture
def live(pipeline: Pipeline) -> Live:
    """What keeps pages up to date, closed: its streams would go on while the clock stands."""
    live = Live(pipeline.clock)
    live.close()
    return live


@pytest.fixture
async def stranger(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client without any key."""
    del client.headers["Authorization"]
    return client


async def ask(
    client: httpx.AsyncClient, place: Place, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """Ask at a place, with a body where one can be."""
    json: object = None if place.method in {"GET", "DELETE"} else {}
    return await client.request(place.method, place.path, headers=headers, json=json)


async def test_every_route_lets_in_who_may_and_nobody_else(
    app: Litestar, stranger: httpx.AsyncClient, doors: Doors, pipeline: Pipeline
) -> None:
    soon = pipeline.clock.now() + timedelta(minutes=1)
    expired, revoked = await doors.key(expires_at=soon.isoformat()), await doors.key()
    assert (await stranger.get("/user", headers=bearer(expired))).status_code != 401
    pipeline.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined] # a FakeClock
    await doors.keys.revoke(revoked[3:11])
    right = {scope: await doors.key(scope) for scope in Scope}
    wrong = {scope: await doors.key(*(set(Scope) - {scope, Scope.ADMIN})) for scope in Scope}
    described = (await stranger.get("/openapi.json")).json()["paths"]
    met = set()
    for place in places(app):
        if place.is_signed:
            continue
        if place.scope is None:
            # The door refuses what no browser sends from its page.
            is_refused = (await ask(stranger, place)).status_code in {401, 403}
            assert is_refused == (place.name == ("POST", "/sign-in")), place
            continue
        nobody = [{}, {"Authorization": "Bearer nonsense"}, bearer(revoked), bearer(expired)]
        for headers in nobody:
            reply = await ask(stranger, place, headers)
            assert reply.status_code == 401, (place, headers)
            assert reply.headers["WWW-Authenticate"] == "Bearer", place
        refused = await ask(stranger, place, bearer(wrong[place.scope]))
        assert refused.status_code == 403, place
        assert place.scope in refused.json()["detail"], place
        for scope in (place.scope, Scope.ADMIN):
            let_in = await ask(stranger, place, bearer(right[scope]))
            assert let_in.status_code < 500, place
            assert let_in.status_code not in {401, 403}, place
            if not place.is_hidden:
                responses = described[place.template][place.method.lower()]["responses"]
                assert str(let_in.status_code) in responses, place
        met.add(place.scope)
    assert met >= {Scope.USERS_READ, Scope.USERS_WRITE, Scope.MESSAGES_READ, Scope.ADMIN}


async def test_what_a_provider_calls_opens_to_its_signature_and_to_no_key(
    app: Litestar, stranger: httpx.AsyncClient, doors: Doors, pipeline: Pipeline
) -> None:
    keys: list[dict[str, str]] = [{}]
    keys += [dict(bearer(await doors.key(scope))) for scope in Scope]
    signed = {place.name: place for place in places(app) if place.is_signed}
    assert set(signed) == {("POST", f"/webhooks/{provider}") for provider in PROVIDERS}
    for (_, path), place in signed.items():
        for provider in PROVIDERS:
            telling = Telling(provider, "delivered", f"{UUID(int=1)}:BIRTHDAY:2027-01-15")
            posted = telling.posted(pipeline.clock.now())
            may = path == f"/webhooks/{provider}"
            for headers in keys:
                # Postmark's login takes the place of a key.
                given = httpx.Headers(headers)
                given.update(dict(posted.headers) if may else {})
                content = posted.body if may else b"{}"
                reply = await stranger.post(place.path, content=content, headers=given)
                assert (reply.status_code, reply.content) == (200 if may else 401, b""), place
            pipeline.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined] # as above


async def test_pages_alone_take_what_a_browser_sends_by_itself(
    app: Litestar, stranger: httpx.AsyncClient, doors: Doors
) -> None:
    key = await doors.keys.create({"name": "a test", "scopes": ["admin"]})
    stranger.cookies.set(cookie_name("http", "localhost"), await doors.signing_in.begin(key.key))
    for place in places(app):
        if place.scope is None:
            continue
        reply = await ask(stranger, place)
        if not place.is_page:
            assert reply.status_code == 401, place
        elif place.method == "GET":
            assert reply.status_code in {200, 303, 304, 307, 404}, place
        else:
            # The cookie alone changes nothing: there is no proof that a page of ours sent it.
            assert (reply.status_code, reply.json()["type"]) == (403, "/problems/not-from-here")
        password = await stranger.request(place.method, place.path, auth=("anybody", key.text))
        assert password.status_code == reply.status_code, place


async def test_nothing_but_these_answers_without_a_key(app: Litestar) -> None:
    assert {
        place.name for place in places(app) if place.scope is None and not place.is_signed
    } == OPEN


async def test_the_routes_are_those_that_are_described(
    app: Litestar, client: httpx.AsyncClient
) -> None:
    described: dict[str, dict[str, Any]] = (await client.get("/openapi.json")).json()["paths"]
    documented = {
        (method.upper(), path) for path, operations in described.items() for method in operations
    }
    served = {place.name: place for place in places(app)}
    assert set(served) >= HIDDEN
    assert {name for name, place in served.items() if not place.is_hidden} == documented


async def test_each_operation_names_the_scope_that_it_takes(
    app: Litestar, client: httpx.AsyncClient
) -> None:
    described = (await client.get("/openapi.json")).json()["paths"]
    for place in places(app):
        if place.is_hidden:
            continue
        operation = described[place.template][place.method.lower()]
        is_guarded = {"401", "403", "429"} <= set(operation["responses"])
        assert is_guarded == (place.scope is not None), place
        expected = [{"api_key": [place.scope]}] if place.scope else None
        assert operation.get("security") == expected, place


async def test_every_tag_says_what_is_under_it(client: httpx.AsyncClient) -> None:
    openapi = (await client.get("/openapi.json")).json()
    operations = [each for path in openapi["paths"].values() for each in path.values()]
    described = {tag["name"] for tag in openapi["tags"] if tag["description"]}
    assert described == {tag for operation in operations for tag in operation["tags"]}
