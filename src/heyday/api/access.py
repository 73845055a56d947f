"""Let in who has a key, and hold every route to saying which scope it takes.

A route says `scope=Scope.X`, or `scope=None` where anybody may ask. Of one that says `is_page=True`
a browser gets what it needs to ask its user for the key.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import Components, SecurityScheme

from heyday.api.calls import address_of, caller_at
from heyday.api.credentials import BASIC, BEARER, NoKey, read_key
from heyday.api.problems import Forbidden, Unauthenticated
from heyday.api.refusals import refusals
from heyday.domain.access import ApiKey, Caller, Scope
from heyday.domain.errors import TooManyRequests
from heyday.domain.rate_limit import RateLimits, Whose
from heyday.services.key_ring import KeyRing
from heyday.telemetry import Metrics

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


@dataclass(frozen=True, slots=True)
class Access:
    """Hold what decides who is let in.

    limits: of all callers; None where there are none.   failures: of those with wrong keys.
    """

    ring: KeyRing
    failures: RateLimits
    metrics: Metrics
    limits: RateLimits | None = None


class AccessGate:
    """Stand before every route that a router has found, and before its body is read."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def wrap(self, app: "ASGIApp") -> "ASGIApp":
        """Return the route with the gate before it."""

        async def gate(scope: "AnyScope", receive: "Receive", send: "Send") -> None:
            if (needed := scope["route_handler"].opt[SCOPE]) is not None:
                scope["state"]["caller"] = await self._admit(scope, needed)  # type: ignore[arg-type]
            await app(scope, receive, send)

        return gate

    async def _admit(self, scope: "HTTPScope", needed: Scope) -> Caller:
        """Return who asks. Raises Unauthenticated, Forbidden, TooManyRequests."""
        options, limits = scope["route_handler"].opt, self._access.limits
        address, is_page = address_of(scope), bool(options.get(IS_PAGE))
        # What pages and monitoring ask every few seconds counts for nothing.
        if options.get("is_routine") or is_page:
            limits = None
        if limits and (wait := await limits.take(Whose.ADDRESS, caller_at(address))):
            raise TooManyRequests(wait)
        key = await self._key_of(scope, address, is_page=is_page)
        if limits and (wait := await limits.take(Whose.KEY, key.prefix)):
            raise TooManyRequests(wait, "with your key")
        if not key.allows(needed):
            raise Forbidden(needed)
        return Caller(key.id, key.name, key.scopes, address)

    async def _key_of(self, scope: "HTTPScope", address: str, *, is_page: bool) -> ApiKey:
        """Return the valid key that came. Raises Unauthenticated, TooManyRequests."""
        given = "wrong key"
        try:
            credential = read_key(scope["headers"], takes_basic=is_page)
            if key := await self._access.ring.find(credential):
                return key
        except NoKey as error:
            given = "no key" if error.was_given else "nothing"
        self._access.metrics.api_strangers.labels(given).inc()
        if given != "nothing":
            wait = await self._access.failures.take(Whose.WRONG_KEY, caller_at(address))
            if wait:
                raise TooManyRequests(wait, "with wrong keys from your address")
        raise Unauthenticated(BASIC if is_page else BEARER)


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
