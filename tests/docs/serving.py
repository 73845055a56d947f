"""Serve the application on a free port of this machine, and note what it is asked."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import uvicorn
from litestar.enums import ScopeType

from heyday.api.app import ApiServices, create_app
from heyday.db.condition import PostgresCondition
from heyday.db.privacy import PrivacyRepository
from heyday.services.health import HealthService
from heyday.services.privacy import PrivacyService
from heyday.services.scheduling import RHYTHMS
from tests.factories import SEALS, Pipeline
from tests.fakes import FakeGuard
from tests.keys import Doors
from tests.operations import operations_of

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.types import Receive, Scope, Send


@dataclass
class Request:
    """What the client asked."""

    method: str
    path: str
    parameters: set[str]
    body: bytes = b""


@dataclass
class Recorder:
    """Stand before the application and note what it is asked."""

    app: "Litestar"
    asked: list[Request] = field(default_factory=list)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == ScopeType.WEBSOCKET:
            await self.app(scope, receive, send)
            return
        query = {name for name, _ in parse_qsl(scope["query_string"].decode())}
        request = Request(scope["method"], scope["path"], query)
        self.asked.append(request)

        async def noted() -> Any:
            message = await receive()
            request.body += message.get("body", b"")  # type: ignore[operator]
            return message

        await self.app(scope, noted, send)


def make_app(pipeline: Pipeline, doors: Doors) -> "Litestar":
    health = HealthService(
        pipeline.database,
        PostgresCondition(pipeline.database),
        pipeline.clock,
        FakeGuard(),
        version="1",
        tzdb_version="1",
        rhythms=RHYTHMS,
    )
    return create_app(
        ApiServices(
            pipeline.users,
            health,
            pipeline.metrics.registry,
            version="1",
            keys=doors.keys,
            access=doors.access,
            bulk=pipeline.bulk,
            imports=pipeline.imports,
            operations=operations_of(pipeline),
            privacy=PrivacyService(PrivacyRepository(pipeline.database, SEALS), pipeline.clock),
        )
    )


@contextlib.asynccontextmanager
async def serving(app: Recorder) -> AsyncIterator[str]:
    """Serve on a free port of this machine; lend the URL."""
    config = uvicorn.Config(app, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    # Who calls before the server has started is kept waiting by the socket.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
