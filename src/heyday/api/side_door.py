"""Serve what watchers ask of a process that has no API: /metrics and /health.

Nothing that it shows is anybody's: no name, no address, no key. So it asks for no key.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from prometheus_client import CollectorRegistry, make_asgi_app

from heyday.domain.errors import HeydayError, SendingPaused
from heyday.domain.ports import ClockGuard

if TYPE_CHECKING:
    from litestar.types import HTTPScope, Receive, Send

PATIENCE = timedelta(seconds=2)
"""How long PostgreSQL may take to answer."""


class Working(Protocol):
    """A part of the process that has work to do."""

    @property
    def trouble(self) -> str | None:
        """Return why it does not do it; None if it does."""
        ...


class SideDoor:
    """Be a small ASGI application. parts: those whose work the process is there for."""

    def __init__(
        self,
        registry: CollectorRegistry,
        guard: ClockGuard,
        parts: Sequence[Working],
        patience: timedelta = PATIENCE,
    ) -> None:
        self._metrics = make_asgi_app(registry)
        self._guard = guard
        self._parts = parts
        self._patience = patience.total_seconds()

    async def __call__(self, scope: "HTTPScope", receive: "Receive", send: "Send") -> None:
        """Serve one request."""
        match scope["path"]:
            case "/metrics":
                await self._metrics(scope, receive, send)
            case "/health/live":
                await _reply(send, HTTPStatus.OK, {"status": "alive"})
            case "/health/ready":
                await self._tell_readiness(send)
            case _:
                there = "there is /metrics, /health/live and /health/ready"
                await _reply(send, HTTPStatus.NOT_FOUND, {"status": "not found", "detail": there})

    async def _tell_readiness(self, send: "Send") -> None:
        """Tell whether the process does its work: 200, or 503 and why it does not."""
        troubles = [part.trouble for part in self._parts if part.trouble]
        troubles += await self._of_surroundings()
        if troubles:
            not_ready = {"status": "not ready", "troubles": troubles}
            return await _reply(send, HTTPStatus.SERVICE_UNAVAILABLE, not_ready)
        return await _reply(send, HTTPStatus.OK, {"status": "ready"})

    async def _of_surroundings(self) -> list[str]:
        """Return what is wrong with PostgreSQL, or with the time: one look tells both."""
        try:
            async with asyncio.timeout(self._patience):
                await self._guard.check()
        except SendingPaused as doubt:
            return [str(doubt)]
        except (HeydayError, TimeoutError):
            return ["PostgreSQL does not answer"]
        return []


async def _reply(send: "Send", status: HTTPStatus, content: Mapping[str, object]) -> None:
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
