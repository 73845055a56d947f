"""Frame every request, whether a route matches or not: an id, safe headers, one log line."""

import re
from time import perf_counter
from typing import TYPE_CHECKING, cast
from uuid import uuid4

import structlog
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType

if TYPE_CHECKING:
    from litestar.handlers import BaseRouteHandler
    from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

log = structlog.get_logger()

_GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# A response may set any of these itself: /docs needs a wider policy, files may be cached.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class RequestFrame:
    """Wrap the router. Litestar's own middleware never sees a request that no route takes."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request."""
        if scope["type"] == ScopeType.WEBSOCKET:
            await self._app(scope, receive, send)
            return
        request_id = _given_id(scope) or uuid4().hex
        scope["state"]["request_id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._serve(scope, receive, send, request_id)

    async def _serve(
        self, scope: "HTTPScope", receive: "Receive", send: "Send", request_id: str
    ) -> None:
        started = perf_counter()
        status: int | None = None
        is_head = scope["method"] == "HEAD"
        # HEAD is GET without its body; the server goes by the scope that it made itself.
        inner: HTTPScope = {**scope, "method": "GET"} if is_head else scope

        async def framed_send(message: "Message") -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableScopeHeaders.from_message(message)
                headers["X-Request-Id"] = request_id
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers["Vary"] = _varying(headers.get("Vary", ""))
                if allowed := headers.get("Allow"):
                    headers["Allow"] = _with_head(allowed)
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app(inner, receive, framed_send)
        finally:
            _log_access(inner, scope["method"], status, perf_counter() - started)


def _varying(given: str) -> str:
    """Return what replies differ by: besides what somebody said, by how they are compressed."""
    names = [name for name in given.split(", ") if name]
    return ", ".join(names if "Accept-Encoding" in names else [*names, "Accept-Encoding"])


def _with_head(allowed: str) -> str:
    """Return the methods that a path takes: where GET is one, HEAD is too."""
    names = {name.strip() for name in allowed.split(",")}
    return ", ".join(sorted(names | {"HEAD"} if "GET" in names else names))


def _given_id(scope: "HTTPScope") -> str | None:
    """Return the caller's request id if it is fit for logs."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return given.decode("ascii") if _GIVEN_ID.fullmatch(given) else None


def _log_access(scope: "HTTPScope", method: str, status: int | None, seconds: float) -> None:
    """Write the access line. It names the route, not the path: a path may hold anything."""
    route = scope.get("path_template") or "unmatched"
    handler = cast("BaseRouteHandler | None", scope.get("route_handler"))
    is_routine = handler is not None and handler.opt.get("is_routine", False)
    write = log.debug if is_routine else log.info
    write("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))
