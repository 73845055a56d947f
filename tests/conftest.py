"""What tests of every kind may ask for."""

from collections.abc import AsyncIterator, Iterator

import pytest
import structlog

from tests.factories import Pipeline, open_pipeline
from tests.fakes import FakeClock, RecordingSender

pytest_plugins = [
    "tests.postgres",
    "tests.application",
    "tests.servers",
    "tests.rabbitmq",
    "tests.redis",
    "tests.pgbouncer",
    "tests.certificates",
    "tests.postfix",
    "tests.built_site",
    "tests.core_coverage",
]


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """Undo what a command set up: it would log to the captured stream of a test that is over."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def clock() -> FakeClock:
    """The time, which stands still until the test moves it."""
    return FakeClock()


@pytest.fixture
def sender() -> RecordingSender:
    """A provider that takes everything unless it is told otherwise."""
    return RecordingSender()


@pytest.fixture
async def pipeline(
    database_url: str, clock: FakeClock, sender: RecordingSender
) -> AsyncIterator[Pipeline]:
    """Everything from people to provider, on a database of the test's own."""
    async with open_pipeline(database_url, clock=clock, sender=sender) as pipeline:
        yield pipeline


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tests of transports carry more than each change has time for."""
    parser.addoption("--batches", type=int, default=300, help="that a transport carries at once")
