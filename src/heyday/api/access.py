"""Let in who has a key, and hold every route to saying which scope it takes.

A route says `scope=Scope.X`, or `scope=None` where anybody may ask. One that says `is_page=True` is
opened by the session of a browser as well (api/page_gate.py); no other is.
"""

from typing import TYPE_CHECKING, Any

from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import Components, SecurityScheme

from heyday.api.calls import address_of
from heyday.api.doors import Access
from heyday.api.page_gate import PageGate
from heyday.api.problems import Forbidden, Unauthenticated
from heyday.api.refusals import refusals
from heyday.domain.access import Caller, Scope
from heyday.domain.callers import caller_at
from heyday.domain.errors import TooManyRequests
from heyday.domain.rate_limit import Whose

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.types import ASGIApp, HTTPScope, Receive, Send
    from litestar.types import Scope as AnyScope

# The option of a route that every one must have, and the one that pages have.
SCOPE, IS_PAGE = "scope", "is_page"

_SCHEME = "api_key"
COMPONENTS = Components(
    security_schemes={
        _SCHEME: SecurityScheme(
            type="http",
            scheme="bearer",
            bearer_format="hd_<prefix>_<secret>",
            description="An API key. Each operation names the scope that it takes; the scope "
            "`admin` allows everything. `heyday keys create` makes a key.",
        )
    }
)


class AccessGate:
    """Stand before every route that a router has found, and before its body is read."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._pages = PageGate(access)

    def wrap(self, app: "ASGIApp") -> "ASGIApp":
        """Return the route with the gate before it."""

        async def gate(scope: "AnyScope", receive: "Receive", send: "Send") -> None:
            options = scope["route_handler"].opt
            needed = options[SCOPE]
            if options.get(IS_PAGE):
                entered = await self._pages.enter(scope, receive, send, needed)  # type: ignore[arg-type]
                if entered is None:
                    return
                receive = entered
            elif needed is not None:
                scope["state"]["caller"] = await self._admit(scope, needed)  # type: ignore[arg-type]
            await app(scope, receive, send)

        return gate

    async def _admit(self, scope: "HTTPScope", needed: Scope) -> Caller:
        """Return who asks. Raises Unauthenticated, Forbidden, TooManyRequests."""
        limits, address = self._access.limits, address_of(scope)
        # What monitoring asks every few seconds counts for nothing; neither do pages.
        if scope["route_handler"].opt.get("is_routine"):
            limits = None
        if limits and (wait := await limits.take(Whose.ADDRESS, caller_at(address))):
            raise TooManyRequests(wait)
        key = await self._access.key_shown(scope, address)
        if limits and (wait := await limits.take(Whose.KEY, key.prefix)):
            raise TooManyRequests(wait, "with your key")
        if not key.allows(needed):
            raise Forbidden(needed)
        return Caller(key.id, key.name, key.scopes, address)


def declare_access(app: "Litestar") -> None:
    """Describe to OpenAPI what each route takes and refuses.

    Raises ImproperlyConfiguredException for a route that does not say who may ask: nobody is to
    find out by asking.
    """
    for route in app.routes:
        handlers: list[Any] = getattr(route, "route_handlers", [])
        own = [handler for handler in handlers if not _is_made_by_litestar(handler)]
        if not own or not all(_says_who(handler) for handler in own):
            raise ImproperlyConfiguredException(
                f"the route {route.path} does not say who may ask; expected scope=Scope.X, or "
                "scope=None where anybody may"
            )
        for handler in handlers:
            # Which methods there are is told to those who may use the first of them.
            handler.opt.setdefault(SCOPE, own[0].opt[SCOPE])
            if handler.opt[SCOPE] is not None:
                _describe(handler)


def _is_made_by_litestar(handler: HTTPRouteHandler) -> bool:
    return handler.http_methods == {"OPTIONS"} and SCOPE not in handler.opt


def _says_who(handler: Any) -> bool:
    return SCOPE in handler.opt and isinstance(handler.opt[SCOPE], Scope | None)


def _describe(handler: HTTPRouteHandler) -> None:
    handler.security = [{_SCHEME: [handler.opt[SCOPE].value]}]
    refused = refusals(Unauthenticated, Forbidden, TooManyRequests)
    handler.responses = {**refused, **(handler.responses or {})}
