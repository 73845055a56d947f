"""What every reply carries and every request leaves in the log, matched by a route or not."""

from typing import Any, cast

import httpx
import pytest
import structlog
from litestar import Litestar
from structlog.testing import capture_logs

from heyday.api.frame import RequestFrame
from heyday.telemetry import Metrics
from heyday.telemetry.otlp import Carrier, OtlpTracer
from heyday.telemetry.traces import TRACER
from tests.collector import Collector
from tests.keys import Doors
from tests.unit.api.scripted import ADA, ScriptedUsers

PERSON = f"/user/{ADA.id}"
PATHS = pytest.mark.parametrize("path", [PERSON, "/nothing", "/docs"])


@PATHS
async def test_every_reply_is_safe_to_hold(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


@PATHS
async def test_a_request_keeps_the_id_that_it_was_given(
    client: httpx.AsyncClient, path: str
) -> None:
    reply = await client.get(path, headers={"X-Request-Id": "shop-7.B_1"})
    assert reply.headers["x-request-id"] == "shop-7.B_1"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a\tb", "<b>", "a;b"])
async def test_an_id_that_does_not_belong_into_a_log_is_replaced(
    client: httpx.AsyncClient, given: str
) -> None:
    replies = [await client.get(PERSON, headers={"X-Request-Id": given}) for _ in range(2)]
    ids = {reply.headers["x-request-id"] for reply in replies}
    assert len(ids) == 2
    assert all(len(one) == 32 for one in ids)


async def test_the_id_is_bound_while_the_request_is_served_and_no_longer(
    client: httpx.AsyncClient, users: ScriptedUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound: list[object] = []

    async def get(_user_id: object) -> object:
        bound.append(structlog.contextvars.get_contextvars().get("request_id"))
        return ADA

    monkeypatch.setattr(users, "get", get)
    await client.get(PERSON, headers={"X-Request-Id": "one"})
    assert bound == ["one"]
    assert "request_id" not in structlog.contextvars.get_contextvars()


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        (f"{PERSON}?email=ada@example.com", "/user/{user_id}", 200),
        ("/ada@example.com", "unmatched", 404),
    ],
)
async def test_the_log_names_the_route_and_never_what_was_asked(
    client: httpx.AsyncClient, path: str, route: str, status: int
) -> None:
    with capture_logs() as lines:
        await client.get(path)
    (line,) = lines
    assert (line["event"], line["log_level"]) == ("request", "info")
    assert (line["method"], line["route"], line["status"]) == ("GET", route, status)
    assert line["ms"] >= 0
    assert "ada@" not in str(line)


async def test_the_log_has_the_status_as_a_number(client: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        reply = await client.post("/user", json={"first_name": "Ada"})
    assert reply.status_code == 201
    assert [repr(line["status"]) for line in lines] == ["201"]


async def test_what_comes_every_few_seconds_is_logged_for_debugging_only(
    client: httpx.AsyncClient,
) -> None:
    with capture_logs() as lines:
        await client.get("/health/live")
    assert [line["log_level"] for line in lines] == ["debug"]


async def test_head_is_get_without_a_body(client: httpx.AsyncClient) -> None:
    whole, head = await client.get(PERSON), await client.head(PERSON)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert (await client.head("/user")).status_code == 405


async def test_anything_but_http_passes_through(app: Litestar) -> None:
    seen: list[object] = []

    async def inner(scope: object, _receive: object, _send: object) -> None:
        seen.append(scope)

    scope = {"type": "websocket", "path": "/"}
    await RequestFrame(inner, Metrics())(scope, None, None)  # type: ignore[arg-type]
    assert seen == [scope]
    assert isinstance(app.asgi_handler, RequestFrame)


async def test_a_reply_that_breaks_off_leaves_its_kind_in_the_log_and_no_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def gone(_message: object) -> None:
        raise RuntimeError("SECRET")

    async def reply(_scope: object, _receive: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    scope = {"type": "http", "method": "GET", "headers": [], "state": {}}
    with capture_logs() as logged:
        await RequestFrame(reply, Metrics())(scope, cast("Any", None), gone)  # type: ignore[arg-type]
    broken, access = logged
    assert (broken["event"], broken["error"]) == ("reply_broken_off", "RuntimeError")
    assert access["event"] == "request"
    assert "SECRET" not in f"{logged} {caplog.text}"


async def test_replies_are_timed_by_the_template_of_their_route(
    client: httpx.AsyncClient, doors: Doors
) -> None:
    for path in (PERSON, "/nothing/of/ada@example.com", "/user/no-id"):
        await client.get(path)
    registry = doors.access.metrics.registry
    counts = {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "heyday_api_seconds_count"
    }
    assert counts == {
        ("/user/{user_id}", "2xx"): 1,
        ("unmatched", "4xx"): 2,
    }


async def test_a_request_is_told_by_its_route_its_method_and_its_fault() -> None:
    async def reply(scope: Any, _receive: object, send: Any) -> None:
        scope["path_template"] = "/of/{name}"
        await send({"type": "http.response.start", "status": scope["status"], "headers": []})
        if scope["status"] == 200:
            raise RuntimeError("SECRET")

    async def send(_message: object) -> None:
        pass

    async with Collector() as collector:
        tracer = OtlpTracer(collector.url, 1, Carrier("rabbitmq", "heyday.messages"))
        before = TRACER.set(tracer)
        frame = RequestFrame(reply, Metrics())
        TRACER.reset(before)
        for method, status in (("ZOE", 404), ("GET", 500), ("HEAD", 200)):
            scope = {
                "type": "http",
                "method": method,
                "scheme": "https",
                "path": "/of/zoe",
                "headers": [(b"traceparent", b"zoe")],
                "state": {},
                "status": status,
            }
            await frame(scope, cast("Any", None), send)  # type: ignore[arg-type]
        await tracer.close()
    told = [(s.name, s.notes.get("error.type"), s.has_failed) for s in collector.spans]
    assert told == [
        ("_OTHER /of/{name}", None, False),
        ("GET /of/{name}", "500", True),
        ("HEAD /of/{name}", "RuntimeError", True),
    ]
    assert all(span.notes["url.scheme"] == "https" for span in collector.spans)
    assert not [body for body in collector.bodies if b"zoe" in body or b"SECRET" in body]
