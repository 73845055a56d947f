"""The HTTP application over services that do what a test tells them."""

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar
from prometheus_client import CollectorRegistry

from heyday.api.app import ApiServices, create_app
from heyday.api.operations import Operations
from tests.keys import Doors, memory_doors
from tests.unit.api.scripted import ScriptedUsers


@pytest.fixture
def users() -> ScriptedUsers:
    return ScriptedUsers()


@pytest.fixture
def doors() -> Doors:
    return memory_doors()


@pytest.fixture
def app(users: ScriptedUsers, doors: Doors) -> Litestar:
    services = ApiServices(
        users=cast("Any", users),
        health=cast("Any", None),  # asked by no test of this folder
        metrics=CollectorRegistry(),
        version="1.2.3",
        keys=doors.keys,
        access=doors.access,
        bulk=cast("Any", None),
        imports=cast("Any", None),
        operations=Operations(*[cast("Any", None)] * 8),
        privacy=cast("Any", None),
    )
    return create_app(services)


@pytest.fixture
async def client(app: Litestar, doors: Doors) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a key that opens everything."""
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type] # Litestar's scope is narrower
    headers = await doors.opened()
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers=headers
    ) as client:
        yield client
