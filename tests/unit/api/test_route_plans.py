"""Each route is noted, and may be repeated, unless it says otherwise."""

from typing import Any

import httpx
import pytest
from litestar import Litestar, delete, get, post
from litestar.handlers import HTTPRouteHandler

from heyday.api.keys import HOLDS_SECRET
from heyday.api.route_plans import KEY_HEADER, REPLAYED_HEADER, RoutePlan, check, plan_of
from heyday.domain.access import Scope


async def cancel_message() -> None: ...


async def list_job_runs() -> None: ...


def route(decorator: Any, function: Any, **options: Any) -> HTTPRouteHandler:
    handler: HTTPRouteHandler = decorator("/x", status_code=200, **options)(function)
    return handler


WRITE = {"scope": Scope.MESSAGES_WRITE}
WRITES, TAKES_KEYS = "writes", "takes keys"


def plan(action: str | None, *given: str) -> RoutePlan:
    return RoutePlan(action, is_write=WRITES in given, takes_keys=TAKES_KEYS in given)


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (route(post, cancel_message, **WRITE), plan("message.cancel", WRITES, TAKES_KEYS)),
        (route(delete, cancel_message, **WRITE), plan("message.cancel", WRITES, TAKES_KEYS)),
        (
            route(get, list_job_runs, scope=Scope.MESSAGES_READ),
            plan("job_runs.list"),
        ),
        (
            route(post, cancel_message, audit="greeting.stop", **WRITE),
            plan("greeting.stop", WRITES, TAKES_KEYS),
        ),
        (route(get, list_job_runs, audit=False, scope=Scope.ADMIN), plan(None)),
        (
            route(post, cancel_message, takes_keys=False, **WRITE),
            plan("message.cancel", WRITES),
        ),
        (
            route(post, cancel_message, request_max_body_size=10**9, **WRITE),
            plan("message.cancel", WRITES),
        ),
        (
            route(post, cancel_message, request_max_body_size=10**9, takes_keys=True, **WRITE),
            plan("message.cancel", WRITES, TAKES_KEYS),
        ),
        (route(post, list_job_runs, scope=Scope.MESSAGES_READ), plan("job_runs.list")),
        (
            route(post, cancel_message, **{HOLDS_SECRET: True}, **WRITE),
            plan("message.cancel", WRITES),
        ),
        (route(get, list_job_runs, scope=None), plan(None)),
        (route(post, cancel_message, scope=None), plan("message.cancel", WRITES)),
    ],
)
def test_what_a_route_does_is_read_off_its_options(
    handler: HTTPRouteHandler, expected: RoutePlan
) -> None:
    assert plan_of(handler) == expected


async def test_every_write_that_takes_a_key_says_so_and_no_other_operation(
    client: httpx.AsyncClient,
) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    takes, writes = set(), set()
    for path, item in paths.items():
        for method, operation in item.items():
            if method in {"post", "put", "patch", "delete"}:
                writes.add((method, path))
            headers = {p["name"]: p for p in operation.get("parameters", ()) if p["in"] == "header"}
            if KEY_HEADER not in headers:
                continue
            takes.add((method, path))
            assert headers[KEY_HEADER]["schema"]["maxLength"] == 255
            assert {"400", "409", "413", "422"} <= set(operation["responses"])
            replied = [r for status, r in operation["responses"].items() if status[0] == "2"]
            assert all(REPLAYED_HEADER in r["headers"] for r in replied)
    assert writes - takes == {
        ("post", "/api/v1/keys"),
        ("post", "/api/v1/imports"),
        ("post", "/api/v1/users/search"),
    }


def test_a_route_with_hooks_of_its_own_is_refused() -> None:
    async def meddle(_: Any) -> None: ...

    handler = route(post, cancel_message, before_request=meddle, **WRITE)
    with pytest.raises(TypeError, match="/x"):
        check(Litestar([handler]).routes)
