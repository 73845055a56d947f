"""The whole application behind a real browser.

A test in this folder asks for `page`, a page of Chromium that is signed in and may do all:

    async def test_people_are_listed(page: Page, pipeline: Pipeline):
        await pipeline.create(first_name="Ada")
        await page.goto("/people")
        await expect(page.get_by_role("link", name="Ada")).to_be_visible()
        await axe(page)                   # tests.browser.looking: WCAG 2.2 AA, all looks, 320 px
        await screenshot(page, "people")  # .artefacts/screenshots/people-light-390.png, and so on

`open_page` makes others: `await open_page(Scope.USERS_READ)` is signed in with a key that may no
more, `await open_page(signed_in=False)` with none, and `javascript=False` has no scripts. When the
test is over, nothing may have gone wrong on any of them: no error on the console, no breach of the
policy, no request to another host, no dialog (tests.browser.watching). Expected refusals of what a
script asked for are named first: `watch.allowed.add(422)`.

The application is that of tests/application.py, on a database and a FakeClock of the test's own;
`pipeline`, `clock`, `doors` and `inbox` reach behind the pages. All of it, and the browser, runs in
one event loop, which lasts as long as the run. Wait for what you expect, with `expect`; never
sleep. `page.evaluate` is refused by the pages' policy: take `evaluate` of tests.browser.looking.
"""

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio
import uvicorn
from litestar import Litestar
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, async_playwright

from heyday.cli.http_server import HttpServer
from heyday.domain.access import Scope
from tests.browser.watching import Watch
from tests.factories import Pipeline, open_pipeline
from tests.fakes import FakeClock, RecordingSender
from tests.keys import Doors
from tests.servers import missing

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_SIZE = ViewportSize(width=1440, height=900)
_PATIENCE_MS = 10_000


class OpenPage(Protocol):
    """Open a page of its own browser profile, signed in with a key of these scopes, or of all."""

    async def __call__(
        self, *scopes: Scope, signed_in: bool = True, javascript: bool = True
    ) -> Page: ...


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Have all tests of this folder share one event loop: a browser belongs to one."""
    shared = pytest.mark.asyncio(loop_scope="session")
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(shared, append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser of this run."""
    program = next((found for name in _PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        missing("Chromium", "apt install chromium")
    async with async_playwright() as playwright:
        # Its own sandbox is not for root, whom CI runs as; the pages are ours.
        browser = await playwright.chromium.launch(
            executable_path=program, chromium_sandbox=os.geteuid() != 0
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def pipeline(
    database_url: str, clock: FakeClock, sender: RecordingSender
) -> AsyncIterator[Pipeline]:
    """Everything from people to provider, in the loop of the browser."""
    async with open_pipeline(database_url, clock=clock, sender=sender) as pipeline:
        yield pipeline


@pytest_asyncio.fixture(loop_scope="session")
async def url(app: Litestar) -> AsyncIterator[str]:
    """The application, served on a port of its own; where it is."""
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = HttpServer(config)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


@pytest_asyncio.fixture(loop_scope="session")
async def watch(url: str) -> AsyncIterator[Watch]:
    """What was seen on all pages; nothing may have gone wrong on them."""
    watch = Watch(url)
    yield watch
    assert watch.faults == []


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(
    chromium: Browser, url: str, doors: Doors, watch: Watch
) -> AsyncIterator[OpenPage]:
    """What opens pages."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_one(*scopes: Scope, signed_in: bool = True, javascript: bool = True) -> Page:
            context = await chromium.new_context(
                base_url=url,
                viewport=_SIZE,
                java_script_enabled=javascript,
                reduced_motion="reduce",
                service_workers="block",
            )
            stack.push_async_callback(context.close)
            context.set_default_timeout(_PATIENCE_MS)
            await watch.over(context)
            if signed_in:
                await _sign_in(context, await doors.key(*scopes))
            return await context.new_page()

        yield open_one


async def _sign_in(context: BrowserContext, key: str) -> None:
    await context.set_extra_http_headers({"Authorization": f"Bearer {key}"})


@pytest_asyncio.fixture(loop_scope="session")
async def page(open_page: OpenPage) -> Page:
    """A page that is signed in and may do all."""
    return await open_page()
