"""A RabbitMQ for the tests of transports, and each transport in turn."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from tests import rabbitmq
from tests.integration.transports.labs import Lab, PostgresLab, RabbitLab
from tests.rabbitmq import RabbitServer
from tests.servers import missing


@pytest.fixture(scope="session")
def rabbit_server() -> Iterator[RabbitServer]:
    """A RabbitMQ of the run's own, which tests may break."""
    if not rabbitmq.is_installed():
        missing("RabbitMQ", "apt-get install rabbitmq-server")
    server = RabbitServer(Path(tempfile.mkdtemp(prefix="heyday-rabbit-")))
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
async def rabbit(rabbit_server: RabbitServer) -> RabbitServer:
    """The same, with nothing of Heyday's in it."""
    await rabbitmq.empty(rabbit_server.url)
    return rabbit_server


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
