"""What docs/how-to.md says of catching up comes true."""

from datetime import datetime, timedelta

import pytest

from heyday.domain.policies import TimePolicies
from tests.docs.pages import page
from tests.factories import PipelineConfig, open_pipeline
from tests.fakes import FakeClock, RecordingSender

PAGE = page("docs/how-to.md")
TWO_DAYS_LATER = datetime.fromisoformat("2027-01-14T12:00:00Z")


@pytest.mark.parametrize(("hours", "statuses"), [(72, ["SENT"]), (24, [])])
async def test_who_is_owed_a_greeting_gets_it_within_the_late_window(
    database_url: str, clock: FakeClock, sender: RecordingSender, hours: int, statuses: list[str]
) -> None:
    clock.set(TWO_DAYS_LATER)
    config = PipelineConfig(time=TimePolicies(late_window=timedelta(hours=hours)))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        (sql,) = PAGE.blocks("sql")
        await pipeline.execute(sql)
        await pipeline.recovery.run_once()
        await pipeline.send_due()
        assert await pipeline.statuses() == statuses


def test_the_recipe_names_that_window() -> None:
    assert "export HEYDAY_LATE_WINDOW=72h\n" in PAGE.text


def test_recipes_are_short() -> None:
    assert len(PAGE.text.splitlines()) <= 150
