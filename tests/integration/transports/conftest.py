"""Each transport in turn."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from heyday.db import migrate
from tests.chaos.server import open_server
from tests.integration.transports.labs import CLOCK, Lab, PostgresLab, RabbitLab
from tests.postgres import private_folder


@pytest.fixture(params=["postgresql", "rabbitmq"])
def _opener(request: pytest.FixtureRequest) -> Callable[[AsyncExitStack], Lab]:
    if request.param == "postgresql":
        return partial(PostgresLab, request.getfixturevalue("database_url"))
    return partial(RabbitLab, request.getfixturevalue("rabbit"))


@pytest.fixture
async def lab(_opener: Callable[[AsyncExitStack], Lab]) -> AsyncIterator[Lab]:
    """Each transport in turn."""
    async with AsyncExitStack() as stack:
        yield _opener(stack)


@pytest.fixture(params=["postgresql", "rabbitmq"])
def _breakable_opener(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[AsyncExitStack], Awaitable[Lab]]:
    if request.param == "postgresql":
        return partial(_open_own_postgres, private_folder(tmp_path_factory))
    server = request.getfixturevalue("rabbit")

    async def open_lab(stack: AsyncExitStack) -> Lab:
        return RabbitLab(server, stack)

    return open_lab


async def _open_own_postgres(folder: Path, stack: AsyncExitStack) -> Lab:
    stack.callback(shutil.rmtree, folder)
    server = await stack.enter_async_context(open_server(folder))
    await migrate.upgrade(server.url, CLOCK.now())
    return PostgresLab(server.url, stack, server)


@pytest.fixture
async def breakable(
    _breakable_opener: Callable[[AsyncExitStack], Awaitable[Lab]],
) -> AsyncIterator[Lab]:
    """Each transport in turn, on a server that may be broken."""
    async with AsyncExitStack() as stack:
        yield await _breakable_opener(stack)


@pytest.fixture
def batches(pytestconfig: pytest.Config) -> int:
    """How many are many: as many as --batches says."""
    number: int = pytestconfig.getoption("--batches")
    return number
