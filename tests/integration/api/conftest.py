"""The whole HTTP application over a real PostgreSQL, as the composition root builds it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from heyday.api.app import ApiServices, create_app
from heyday.db.inbox import InboxRepository
from heyday.domain.tzdb import PINNED
from heyday.services.health import HealthService
from heyday.web.letters import InboxFeed
from heyday.web.pages import create_pages
from tests.factories import Pipeline
from tests.fakes import FakeGuard

RHYTHMS = {"daily": timedelta(days=1), "minute": timedelta(minutes=1)}


@pytest.fixture
def inbox(pipeline: Pipeline) -> InboxRepository:
    """The local mailbox."""
    return InboxRepository(pipeline.database)


@pytest.fixture
async def client(pipeline: Pipeline, inbox: InboxRepository) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, in the loop of the test: the pool belongs to that loop."""
    database, clock = pipeline.database, pipeline.clock
    services = ApiServices(
        users=pipeline.users,
        health=HealthService(
            database,
            clock,
            FakeGuard(),
            version="1.2.3",
            tzdb_version=PINNED.version,
            rhythms=RHYTHMS,
        ),
        metrics=pipeline.metrics.registry,
        version="1.2.3",
    )
    app = create_app(services, create_pages(InboxFeed(database, inbox, clock, "inbox")))
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type] # Litestar's scope is narrower
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
