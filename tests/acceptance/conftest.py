"""What tests of whole processes share: a look into their database, and what carries batches."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from heyday.db.types import AnyConnection


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[AnyConnection]:
    """A look into the database, beside the processes."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture(params=["postgresql", "rabbitmq"])
def carrier(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings for each transport in turn."""
    if request.param == "postgresql":
        return {}
    return {"RABBITMQ_URL": request.getfixturevalue("rabbit").url}
