"""A server ends at once, however many look at a page that renews itself."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from litestar import Litestar

from heyday.cli.http_server import HttpServer
from heyday.web.live import EVENTS, Live
from tests.keys import Doors

_LOOKING = 20


@pytest.fixture
async def server(app: Litestar, live: Live) -> AsyncIterator[tuple[HttpServer, str]]:
    """The application as it is served, and where; it would wait for ever for its replies."""
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=None)
    server = HttpServer(config, live)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield server, f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.force_exit = server.should_exit = True
        await serving


async def test_the_end_of_the_server_is_the_end_of_its_streams(
    server: tuple[HttpServer, str], doors: Doors
) -> None:
    running, url = server
    headers = await doors.opened()
    async with (
        asyncio.timeout(10),
        httpx.AsyncClient(base_url=url, headers=headers, limits=httpx.Limits()) as client,
        contextlib.AsyncExitStack() as stack,
    ):
        streams = []
        for _ in range(_LOOKING):
            reply = await stack.enter_async_context(client.stream("GET", "/today/events"))
            assert reply.headers["Content-Type"].startswith(EVENTS)
            lines = reply.aiter_lines()
            while await anext(lines) != "event: today-as-of":
                pass
            streams.append(lines)
        running.should_exit = True
        for lines in streams:
            # To its regular end: a connection that was cut off would raise.
            assert "event: again" not in [line async for line in lines]


async def test_who_goes_away_leaves_nothing_behind(
    server: tuple[HttpServer, str], doors: Doors
) -> None:
    running, url = server
    async with asyncio.timeout(10), httpx.AsyncClient(base_url=url) as client:
        headers = await doors.opened()
        async with client.stream("GET", "/today/events", headers=headers) as reply:
            await anext(reply.aiter_lines())
            assert len(running.server_state.tasks) == 1
        while running.server_state.tasks:
            # The server hears of it in its own time; the deadline is above.
            await client.get("/health/live")
