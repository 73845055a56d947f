"""Serve each request by the habits of the API: a deed is noted, a write with a key done once.

Litestar's hooks stand on both sides of the handler, behind all guards: the caller is known, and
nothing has been sent. What they began and nobody ended, the middleware undoes.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from litestar.connection import Request
from litestar.datastructures import State
from litestar.enums import MediaType
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.response import Response
from litestar.routes import BaseRoute
from litestar.serialization import get_serializer

from heyday.api.route_plans import KEY_HEADER, REPLAYED_HEADER, RoutePlan, plan_of
from heyday.api.subjects import people_in
from heyday.domain.audit import DEED, Actor, ActorKind, Deed
from heyday.domain.errors import MalformedKey
from heyday.domain.replies import KeptReply, Write
from heyday.services.auditing import AuditService
from heyday.services.replies import ReplyService, fingerprint

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

_CONTENT_TYPE = "content-type"
# The part of a path that names a person.
_PERSON_ID = "user_id"


@dataclass(slots=True, eq=False)
class _Served:
    """Hold what a request has begun."""

    request: Request[Any, Any, State] | None = None
    deed: Deed | None = None
    write: Write | None = None


_SERVED: ContextVar[_Served | None] = ContextVar("heyday_served", default=None)


class ServedMiddleware:
    """Begin each request with no deed, and undo a write that came to no end."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request."""
        served = _Served()
        tokens = _SERVED.set(served), DEED.set(None)
        try:
            await self._app(scope, receive, send)
        finally:
            if served.write:
                await served.write.abandon()
            _SERVED.reset(tokens[0])
            DEED.reset(tokens[1])


class Habits:
    """Hold the hooks. audit, replies: None leaves the habit out, in tests of other parts."""

    def __init__(self, audit: AuditService | None, replies: ReplyService | None) -> None:
        self._audit = audit
        self._replies = replies
        self._plans: dict[BaseRouteHandler, RoutePlan] = {}
        self._methods: Mapping[str, str] = {}

    def learn(self, routes: Iterable[BaseRoute]) -> None:
        """Learn which methods each path takes. Litestar tells of those of the first handler."""
        methods = {route.path_format: getattr(route, "methods", ()) for route in routes}
        self._methods = {path: ", ".join(sorted(names)) for path, names in methods.items()}

    async def before(self, request: Request[Any, Any, State]) -> Response[bytes] | None:
        """Say whose deed it is, and begin a write that has a key; return the reply it had before.

        Raises MalformedKey, KeyReused, KeyInUse.
        """
        if request.method == "OPTIONS":
            allowed = {"Allow": self._methods[request.scope["path_template"]]}
            return Response(b"", status_code=HTTPStatus.NO_CONTENT, headers=allowed)
        handler, served = request.scope["route_handler"], _SERVED.get()
        plan = self._plans.get(handler) or self._plans.setdefault(handler, plan_of(handler))
        if served is None or plan.action is None:
            return None
        served.request, served.deed = request, _deed_of(request, plan)
        DEED.set(served.deed)
        if self._replies is None or not plan.takes_keys or KEY_HEADER not in request.headers:
            return None
        return await self._begin(request, served, self._replies)

    async def after(self, response: Response[Any]) -> Response[Any]:
        """Keep the reply of a write that has a key, and let nothing be shown that is not noted."""
        served = _SERVED.get()
        if served is None or served.request is None or served.deed is None:
            return response
        handler = cast("HTTPRouteHandler", served.request.scope["route_handler"])
        status = response.status_code or handler.status_code
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return response
        served.deed.concerns(list(people_in(getattr(response, "content", None))))
        if served.write:
            response = await _keep(response, status, handler, served.deed, served.write)
            served.write = None
        if self._audit and not served.deed.is_noted:
            await self._audit.note(served.deed)
        return response

    async def _begin(
        self, request: Request[Any, Any, State], served: _Served, replies: ReplyService
    ) -> Response[bytes] | None:
        actor, deed = _actor(request), served.deed
        if deed is None or actor.id is None:
            return None
        keys = request.headers.getall(KEY_HEADER)
        if len(keys) != 1:
            raise MalformedKey(
                f"{KEY_HEADER} stands in the headers {len(keys)} times; once is enough"
            )
        began = await replies.begin(actor.id, keys[0], fingerprint(await _parts(request)))
        if not isinstance(began, KeptReply):
            served.write = began
            return None
        # To show a reply again is a look at the people in it, and no deed.
        deed.action, deed.is_write = "reply.replay", False
        deed.concerns(began.subject_ids)
        headers = dict(began.headers)
        media_type = headers.pop(_CONTENT_TYPE)
        return Response(
            began.body,
            status_code=began.status,
            media_type=media_type,
            headers={**headers, REPLAYED_HEADER: "true"},
        )


async def _keep(
    response: Response[Any], status: int, handler: HTTPRouteHandler, deed: Deed, write: Write
) -> Response[bytes]:
    """Keep a reply as it will be sent, commit the write, and return the reply."""
    given = response.media_type or handler.media_type or MediaType.JSON
    media_type = given.value if isinstance(given, MediaType) else given
    serializer = get_serializer(handler.resolve_type_encoders())
    is_empty = status == HTTPStatus.NO_CONTENT
    body = b"" if is_empty else response.render(response.content, media_type, serializer)
    headers = (*response.headers.items(), (_CONTENT_TYPE, media_type))
    await write.commit(KeptReply(status, headers, body, tuple(deed.subject_ids)))
    return Response(body, status_code=status, media_type=media_type, headers=response.headers)


async def _parts(request: Request[Any, Any, State]) -> Sequence[bytes]:
    """Return what makes a request another one."""
    scope = request.scope
    return (
        scope["method"].encode(),
        scope["path"].encode(),
        scope["query_string"],
        request.headers.get("if-match", "").encode(),
        await request.body(),
    )


def _deed_of(request: Request[Any, Any, State], plan: RoutePlan) -> Deed:
    deed = Deed(
        actor=_actor(request),
        action=plan.action or "",
        request_id=request.scope["state"].get("request_id"),
        is_write=plan.is_write,
    )
    if isinstance(user_id := request.path_params.get(_PERSON_ID), UUID):
        deed.concerns([user_id])
    return deed


def _actor(request: Request[Any, Any, State]) -> Actor:
    caller = request.scope["state"].get("caller")
    if caller is not None:
        return Actor(ActorKind.KEY, caller.name, caller.key_id, _address(caller.address))
    client = request.client
    return Actor(ActorKind.ANYBODY, "anybody", address=_address(client.host) if client else None)


def _address(host: str) -> str | None:
    """Return an IP address as PostgreSQL takes it: without the name of an interface."""
    try:
        return str(ip_address(host.partition("%")[0]))
    except ValueError:
        return None
