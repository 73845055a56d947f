"""A provider that remembers when it took what, and transactions that wait for the test."""

import pytest

from heyday.domain.timezone import Window
from heyday.services.planning import PlanConfig, Planner
from heyday.services.users import UserService
from tests.factories import Pipeline, Start, open_pipeline, timezones_of
from tests.fakes import FakeClock, RecordingSender
from tests.integration.services.held import HOUR, WINDOW, Held, HeldStore
from tests.integration.services.stages import TimedSender


@pytest.fixture
def sender(clock: FakeClock) -> TimedSender:
    """A provider that takes everything unless it is told otherwise, and notes the time."""
    return TimedSender(clock)


@pytest.fixture
def start(database_url: str, clock: FakeClock, sender: RecordingSender) -> Start:
    """What starts further processes on the test's database, each set as wished."""
    return lambda config: open_pipeline(database_url, clock=clock, sender=sender, config=config)


@pytest.fixture
async def held(pipeline: Pipeline, clock: FakeClock) -> Held:
    """What is to be held at its COMMIT; its partitions are there already."""
    planner = Planner(timezones_of(), PlanConfig())
    await planner.ensure_partitions(
        pipeline.database, Window(WINDOW.start_at, WINDOW.end_at + 72 * HOUR)
    )
    store = HeldStore(pipeline.database)
    return Held(store, planner, UserService(store, planner, clock), clock)
