"""Serve the routes that are asked most the short way.

Litestar reads parameters, converts values and builds replies for handlers of any kind, which costs
more than all that Heyday does for one person. Here a middleware of the route alone calls the
handler itself and sends its reply, instead of passing the request on. Routing, guards, hooks,
error handlers and the description stay Litestar's. Source: docs/adr/0029.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from litestar.connection import Request
from litestar.enums import MediaType
from litestar.response import Response

from heyday.api.bodies import is_json, read_object
from heyday.api.problems import MalformedBody, UnsupportedMediaType

if TYPE_CHECKING:
    from litestar.handlers import HTTPRouteHandler
    from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

T = TypeVar("T")

_JSON = MediaType.JSON.value.encode()
_NO_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class ShortWay:
    """Call a handler with what the path holds, headers by their name, and a JSON object.

    headers: by the handler's parameters.   has_body: whether it takes an object as `data`.
    """

    def __init__(self, headers: Mapping[str, bytes] | None = None, *, has_body: bool) -> None:
        self._headers = headers or {}
        self._has_body = has_body

    def __call__(self, app: "ASGIApp") -> "ASGIApp":
        """Return what serves the route in the place of `app`."""
        del app
        return self._serve

    async def _serve(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request, step by step as Litestar's own HTTPRoute does."""
        handler: HTTPRouteHandler = scope["route_handler"]  # type: ignore[assignment]
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        if handler.resolve_guards():
            await handler.authorize_connection(request)
        before = handler.resolve_before_request()
        answer = await before(request) if before else None
        if answer is None:
            answer = await handler.fn(**await self._values(request))
        # It calls the hook behind the handler.
        response = await handler.to_response(scope["litestar_app"], answer, request)
        await response(scope, receive, send)

    async def _values(self, request: Request[Any, Any, Any]) -> dict[str, Any]:
        """Return the handler's arguments. Raises UnsupportedMediaType, MalformedBody."""
        values: dict[str, Any] = dict(request.scope["path_params"])
        for name, header in self._headers.items():
            values[name] = _find(request.scope, header)
        if self._has_body:
            body = await request.body()
            if not body:
                raise MalformedBody("the body is empty; a JSON object was expected")
            if not is_json(_find(request.scope, b"content-type") or ""):
                raise UnsupportedMediaType
            values["data"] = read_object(body)
        return values


def _find(scope: "HTTPScope", header: bytes) -> str | None:
    return next((v.decode("latin-1") for name, v in scope["headers"] if name == header), None)


class ShortReply(Response[T]):
    """Send JSON with the headers given, and nothing else that a reply may have."""

    def to_asgi_response(self, *_: Any, **given: Any) -> Any:
        """Return what sends the reply. given: what the route has of its own."""
        status = HTTPStatus(self.status_code or given["status_code"])
        pairs = {**given["headers"], **self.headers}.items()
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs]
        body = b""
        if status not in _NO_BODY:
            body = msgspec.json.encode(self.content)
            headers += [(b"content-type", _JSON), (b"content-length", b"%d" % len(body))]

        async def send_it(_scope: "Scope", _receive: "Receive", send: "Send") -> None:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body, "more_body": False})

        return send_it
