"""The HTTP application over services that do what a test tells them."""

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar
from prometheus_client import CollectorRegistry

from heyday.api.app import ApiServices, create_app
from tests.unit.api.scripted import ScriptedUsers


@pytest.fixture
def users() -> ScriptedUsers:
    return ScriptedUsers()


@pytest.fixture
def app(users: ScriptedUsers) -> Litestar:
    services = ApiServices(
        users=cast("Any", users),
        health=cast("Any", None),  # asked by no test of this folder
        metrics=CollectorRegistry(),
        version="1.2.3",
    )
    return create_app(services)


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type] # Litestar's scope is narrower
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
