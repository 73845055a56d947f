"""Say of each route what it does: its deed for the audit log, and whether it may be repeated.

Nothing need be declared. A route says otherwise by an option: audit="message.cancel" names its deed
another way, audit=False has none; takes_keys=False keeps a write from being repeated by
Idempotency-Key. So does a limit of its own for the body, unless it says takes_keys=True; and of a
reply that holds a secret nothing is kept.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from litestar.datastructures import ResponseHeader
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi.spec import Operation, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.routes import BaseRoute
from litestar.types import ControllerRouterHandler, Empty

from heyday.api.access import SCOPE
from heyday.api.keys import HOLDS_SECRET
from heyday.api.refusals import also
from heyday.domain.access import Scope
from heyday.domain.errors import KeyInUse, KeyReused, MalformedKey
from heyday.domain.replies import KEY_LENGTH

AUDIT, TAKES_KEYS = "audit", "takes_keys"
KEY_HEADER, REPLAYED_HEADER = "Idempotency-Key", "Idempotent-Replayed"

_READS = frozenset({"GET"})
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_LOOKS = frozenset({Scope.USERS_READ, Scope.MESSAGES_READ})
_REPLAYED = ResponseHeader(
    name=REPLAYED_HEADER,
    description="true: this reply was kept; nothing was done by this request.",
    documentation_only=True,
)


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """Say what a route does. action: what the audit log calls it; None: it is not noted."""

    action: str | None
    is_write: bool
    takes_keys: bool


def plan_of(handler: BaseRouteHandler) -> RoutePlan:
    """Return what a route does.

    Noted are routes that need a key, and all writes: that something is noted which need not be is
    the lesser fault. The name is made of the handler's: cancel_message is message.cancel.
    """
    methods = handler.http_methods if isinstance(handler, HTTPRouteHandler) else frozenset()
    scope, options = handler.opt.get(SCOPE), handler.opt
    # What must not stand in a URL is asked for by POST.
    is_write = bool(methods & _WRITES) and scope not in _LOOKS
    declared, needs_key = options.get(AUDIT), scope is not None
    is_noted = declared is not False and bool(declared or is_write or needs_key)
    if not is_noted or not methods & (_READS | _WRITES):
        return RoutePlan(None, is_write, takes_keys=False)
    is_small = getattr(handler, "request_max_body_size", Empty) is Empty
    return RoutePlan(
        action=declared or _action(handler.handler_name),
        is_write=is_write,
        takes_keys=is_write
        and needs_key
        and options.get(TAKES_KEYS, is_small)
        and not options.get(HOLDS_SECRET, False),
    )


def document(handlers: Iterable[ControllerRouterHandler]) -> Sequence[ControllerRouterHandler]:
    """Return the routes; those that take an Idempotency-Key now say so in the description."""
    documented = list(handlers)
    for handler in documented:
        if not isinstance(handler, HTTPRouteHandler):
            continue
        headers = list(handler.response_headers or ())
        if plan_of(handler).takes_keys:
            handler.operation_class = KeyedOperation
            headers.append(_REPLAYED)
            handler.responses = also(
                handler.responses or {}, MalformedKey, KeyInUse, KeyReused, RequestEntityTooLarge
            )
        handler.response_headers = [_with_schema(header) for header in headers]
    return documented


def _with_schema(header: ResponseHeader) -> ResponseHeader:
    """Return a header that is described as a text.

    Litestar reads the schema off the value, and OpenAPI takes no header without a schema.
    """
    if header.value is not None:
        return header
    return ResponseHeader(
        name=header.name,
        documentation_only=True,
        value="",
        description=header.description,
        required=header.required,
    )


@dataclass
class KeyedOperation(Operation):
    """Describe an operation that takes an Idempotency-Key."""

    def __post_init__(self) -> None:
        """Add the header."""
        self.parameters = [*(self.parameters or ()), replace(_KEY)]


_KEY = Parameter(
    name=KEY_HEADER,
    param_in="header",
    required=False,
    description="Your own name for this request, such as a UUID. The same request with the same "
    "key, within 48 hours, is not done again: the reply is that of the first, and says "
    f"{REPLAYED_HEADER}: true. A refusal is not kept, for it changed nothing: the same key may be "
    "used for the corrected request.",
    schema=Schema(
        type=OpenAPIType.STRING,
        min_length=1,
        max_length=KEY_LENGTH,
        pattern="^[!-~]+$",
        examples=["4b0f3f6e-8c1d-4f6b-9a51-0d7f7b8f2a10"],
    ),
)


def _action(handler_name: str) -> str:
    """Return noun.verb for a handler that is named verb_noun."""
    verb, _, noun = handler_name.partition("_")
    return f"{noun}.{verb}" if noun else verb


def check(routes: Iterable[BaseRoute]) -> None:
    """Raise TypeError for a route that would get past the audit log by hooks of its own."""
    for route in routes:
        for handler in getattr(route, "route_handlers", ()):
            hooks = (handler.before_request, handler.after_request)
            if plan_of(handler).action and any(hooks):
                raise TypeError(f"{route.path}: the audit log needs the hooks that this route has")
