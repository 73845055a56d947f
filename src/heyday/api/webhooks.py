"""Take in at /webhooks/{provider} what providers tell of letters.

No API key opens these paths: who may is who can sign. Only providers that are set up are served.
Replies say nothing: a provider goes by the status alone, and a stranger learns nothing.
"""

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from litestar import post
from litestar.connection import Request
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from litestar.status_codes import (
    HTTP_200_OK,
    HTTP_400_BAD_REQUEST,
    HTTP_401_UNAUTHORIZED,
    HTTP_429_TOO_MANY_REQUESTS,
    HTTP_503_SERVICE_UNAVAILABLE,
)

from heyday.api.calls import address_of
from heyday.api.problems import RETRY_AFTER_SECONDS
from heyday.domain.callers import caller_at
from heyday.domain.errors import EventsUnreadable, NotSigned, SourceUnavailable
from heyday.domain.event_ports import EventSource, Posted
from heyday.domain.ports import Clock
from heyday.domain.rate_limit import RateLimits, Whose
from heyday.services.events import EventService
from heyday.telemetry import Metrics

log = structlog.get_logger()

WEBHOOKS = "/webhooks"
IS_SIGNED = "is_signed"
"""The option of a route that its caller opens by a signature."""
LONGEST_BODY = 4 << 20
"""Bytes that a request may have; thousands of events are some 2 MiB."""


class WebhookRoutes:
    """Bind the routes to the service. failures: count who sends what nobody of ours signed."""

    def __init__(
        self,
        sources: Sequence[EventSource],
        events: EventService,
        failures: RateLimits,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._sources = sources
        self._events = events
        self._failures = failures
        self._clock = clock
        self._refused = metrics.webhooks_refused

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers, one for each provider."""
        options: dict[str, Any] = {
            "scope": None,
            IS_SIGNED: True,
            # Whom it changes is noted by the service; a line for each delivery would be noise.
            "audit": False,
            "include_in_schema": False,
            "request_max_body_size": LONGEST_BODY,
            "status_code": HTTP_200_OK,
        }
        return [
            post(f"{WEBHOOKS}/{source.provider}", **options)(self._door(source))
            for source in self._sources
        ]

    def _door(
        self, source: EventSource
    ) -> Callable[[Request[Any, Any, State]], Awaitable[Response[bytes]]]:
        async def take_events(request: Request[Any, Any, State]) -> Response[bytes]:
            """Keep what a provider tells; when it is answered, all of it is done."""
            posted = Posted(dict(request.headers), await request.body())
            try:
                received = await source.read(posted, self._clock.now())
                await self._events.receive(source.provider, received)
            except NotSigned as error:
                return await self._refuse(request, source.provider, error)
            except EventsUnreadable as error:
                self._note(source.provider, str(error))
                return Response(b"", status_code=HTTP_400_BAD_REQUEST)
            except SourceUnavailable as error:
                self._note(source.provider, str(error))
                headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
                return Response(b"", status_code=HTTP_503_SERVICE_UNAVAILABLE, headers=headers)
            return Response(b"", status_code=HTTP_200_OK)

        return take_events

    async def _refuse(
        self, request: Request[Any, Any, State], provider: str, error: NotSigned
    ) -> Response[bytes]:
        """Refuse a stranger; one that goes on and on is not even told that."""
        self._note(provider, error.fault)
        caller = caller_at(address_of(request.scope))
        wait = await self._failures.take(Whose.WRONG_KEY, caller)
        if not wait:
            return Response(b"", status_code=HTTP_401_UNAUTHORIZED)
        headers = {"Retry-After": str(math.ceil(wait.total_seconds()))}
        return Response(b"", status_code=HTTP_429_TOO_MANY_REQUESTS, headers=headers)

    def _note(self, provider: str, fault: str) -> None:
        self._refused.labels(provider).inc()
        log.warning("webhook_refused", provider=provider, fault=fault)
