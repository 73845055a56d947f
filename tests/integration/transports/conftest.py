"""Each transport in turn."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial

import pytest

from tests.integration.transports.labs import Lab, PostgresLab, RabbitLab


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


@pytest.fixture
def batches(pytestconfig: pytest.Config) -> int:
    """How many are many: as many as --batches says."""
    number: int = pytestconfig.getoption("--batches")
    return number
