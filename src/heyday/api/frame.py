"""Frame every request, whether a route matches or not: an id, safe headers, one log line."""

import os
import re
from time import perf_counter
from typing import TYPE_CHECKING, cast

import structlog
from litestar.enums import ScopeType

from heyday.api.calls import header_of
from heyday.telemetry import Metrics
from heyday.telemetry.traces import NOTHING, TRACER, Span, sane

if TYPE_CHECKING:
    from collections.abc import Collection

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
# What a reply has of these is said anew.
_RULED = frozenset({b"vary", b"allow", b"x-request-id"})
_ENCODING = b"Accept-Encoding"
# Another one is whatever a caller writes.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FAULT = 500
_ENCODED = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]


class RequestFrame:
    """Wrap the router. Litestar's own middleware never sees a request that no route takes."""

    def __init__(self, app: "ASGIApp", metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._tracer = TRACER.get()
        # Bound once: to find out how to log costs more than to log.
        self._log: structlog.typing.FilteringBoundLogger = log.bind()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request."""
        if scope["type"] == ScopeType.WEBSOCKET:
            await self._app(scope, receive, send)
            return
        request_id = _given_id(scope) or os.urandom(16).hex()
        scope["state"]["request_id"] = request_id
        bound = structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            with self._follow(scope) as span:
                await self._serve(scope, receive, send, span)
        finally:
            structlog.contextvars.reset_contextvars(**bound)

    def _follow(self, scope: "HTTPScope") -> Span:
        """Begin a span, if a collector is told: of all that a caller sent, its trace goes in."""
        if not self._tracer.is_on:
            return NOTHING
        notes = {"http.request.method": _method(scope), "url.scheme": scope["scheme"]}
        return self._tracer.serve(notes, sane(header_of(scope, b"traceparent")))

    async def _serve(
        self, scope: "HTTPScope", receive: "Receive", send: "Send", span: Span
    ) -> None:
        started = perf_counter()
        request_id: str = scope["state"]["request_id"]
        status: int | None = None
        replied_after = 0.0
        is_head = scope["method"] == "HEAD"
        # HEAD is GET without its body; the server goes by the scope that it made itself.
        inner: HTTPScope = {**scope, "method": "GET"} if is_head else scope

        async def framed_send(message: "Message") -> None:
            nonlocal status, replied_after
            if message["type"] == "http.response.start":
                # Routes may give a member of HTTPStatus, which a log would spell out.
                status, replied_after = int(message["status"]), perf_counter() - started
                message["headers"] = _with_ours(list(message["headers"]), request_id)
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app(inner, receive, framed_send)
        except Exception as error:  # noqa: BLE001 - what gets here was refused by no handler
            # Most often the caller has gone. The server would log the error's text, which may
            # quote data; it sees by itself that the reply was not finished.
            log.warning("reply_broken_off", error=type(error).__name__)
            span.fail(type(error).__name__)
        finally:
            if status is not None:
                of = _route_of(inner), f"{status // 100}xx"
                self._metrics.api.labels(*of).observe(replied_after)
            self._log_access(inner, scope["method"], status, perf_counter() - started)
            if span.is_told:
                _note(span, inner, _method(scope), status)

    def _log_access(
        self, scope: "HTTPScope", method: str, status: int | None, seconds: float
    ) -> None:
        """Write the access line."""
        write = self._log.debug if _is_routine(scope) else self._log.info
        route, ms = _route_of(scope), round(seconds * 1000, 1)
        write("request", method=method, route=route, status=status, ms=ms)


def _method(scope: "HTTPScope") -> str:
    return scope["method"] if scope["method"] in _METHODS else "_OTHER"


def _note(span: Span, scope: "HTTPScope", method: str, status: int | None) -> None:
    """Say of a request what became of it: by the route, not the path, which may hold anything."""
    if _is_routine(scope):
        span.forget()
    if route := scope.get("path_template"):
        span.note({"http.route": route})
    span.rename(f"{method} {route}" if route else method)
    if status is not None:
        span.note({"http.response.status_code": status})
        if status >= _FAULT:
            span.fail(str(status))


def _is_routine(scope: "HTTPScope") -> bool:
    """Tell whether a request is a probe or a poll."""
    handler = cast("BaseRouteHandler | None", scope.get("route_handler"))
    return handler is not None and handler.opt.get("is_routine", False)


def _route_of(scope: "HTTPScope") -> str:
    """Return the route, not the path: a path may hold anything."""
    return scope.get("path_template") or "unmatched"


def _with_ours(
    headers: "Collection[tuple[bytes, bytes]]", request_id: str
) -> list[tuple[bytes, bytes]]:
    """Return a reply's headers with ours: bytes, as each reply passes here."""
    found = dict(headers)
    own = [pair for pair in headers if pair[0] not in _RULED]
    own += [pair for pair in _ENCODED if pair[0] not in found]
    own.append((b"x-request-id", request_id.encode()))
    own.append((b"vary", _varying(found.get(b"vary", b""))))
    if allowed := found.get(b"allow"):
        own.append((b"allow", _with_head(allowed)))
    return own


def _varying(given: bytes) -> bytes:
    """Return what replies differ by: besides what somebody said, by how they are compressed."""
    if not given:
        return _ENCODING
    names = given.split(b", ")
    return given if _ENCODING in names else b", ".join([*names, _ENCODING])


def _with_head(allowed: bytes) -> bytes:
    """Return the methods that a path takes: where GET is one, HEAD is too."""
    names = {name.strip() for name in allowed.split(b",")}
    return b", ".join(sorted(names | {b"HEAD"} if b"GET" in names else names))


def _given_id(scope: "HTTPScope") -> str | None:
    """Return the caller's request id if it is fit for logs."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return given.decode("ascii") if _GIVEN_ID.fullmatch(given) else None
