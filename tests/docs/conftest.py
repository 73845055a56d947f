"""The application, served as clients of other programs find it."""

from datetime import datetime

import pytest

from tests.docs.serving import Recorder, make_app
from tests.factories import Pipeline
from tests.fakes import FakeClock
from tests.keys import Doors, pipeline_doors

DAY_BEFORE = datetime.fromisoformat("2027-12-09T12:00:00Z")


@pytest.fixture
def doors(pipeline: Pipeline) -> Doors:
    """What makes keys, and what lets in who has one."""
    return pipeline_doors(pipeline)


@pytest.fixture
async def key(doors: Doors, clock: FakeClock) -> str:
    """A key that opens everything."""
    clock.set(DAY_BEFORE)
    return (await doors.opened())["Authorization"].removeprefix("Bearer ")


@pytest.fixture
async def recorder(pipeline: Pipeline, doors: Doors, clock: FakeClock) -> Recorder:
    """The application, which notes what it is asked, the day before a birthday."""
    clock.set(DAY_BEFORE)
    return Recorder(make_app(pipeline, doors))
