"""A first day with Heyday, from the first key to a greeting that somebody wants no more of."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from heyday.db.inbox import InboxRepository
from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.models import ClaimedMessage
from heyday.domain.sender_plan import Share
from heyday.senders.inbox import InboxSender
from heyday.services.one_by_one import OneByOne
from tests.browser.conftest import OpenPage
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import FakeClock, RecordingSender
from tests.keys import Doors

PEOPLE = Path(__file__).parents[2] / "data" / "people-us-congress.csv"
REFUSED = Outcome(OutcomeKind.REFUSED, error="550 no such mailbox")


class RefusingInbox(InboxSender):
    """An inbox that refuses what is for some addresses."""

    refused: frozenset[str] = frozenset()

    async def send(self, message: ClaimedMessage) -> Outcome:
        """Refuse, or store."""
        return REFUSED if message.email in self.refused else await super().send(message)


@pytest.fixture
def mailbox() -> RefusingInbox:
    """What letters go to; it meets its database when the pipeline does."""
    return RefusingInbox.__new__(RefusingInbox)


@pytest_asyncio.fixture(loop_scope="session")
async def pipeline(
    database_url: str, clock: FakeClock, sender: RecordingSender, mailbox: RefusingInbox
) -> AsyncIterator[Pipeline]:
    """Everything from people to the inbox."""
    config = PipelineConfig(senders={Share("inbox"): OneByOne(mailbox)})
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        mailbox.__init__(InboxRepository(pipeline.database), clock)  # type: ignore[misc]
        yield pipeline


async def send_due(pipeline: Pipeline, clock: FakeClock, at: datetime) -> None:
    clock.set(at)
    await pipeline.send_due()


async def test_a_first_day(
    open_page: OpenPage, pipeline: Pipeline, doors: Doors, clock: FakeClock, mailbox: RefusingInbox
) -> None:
    page, key = await open_page(signed_in=False), await doors.key()
    await sign_in(page, key)
    await import_people(page, pipeline)
    name, user_id = await somebody_of_tomorrow(pipeline)
    await see_the_calendar(page, name)
    before = (await pipeline.message(user_id))["scheduled_send_time"]
    await move_to_tokyo(page, name)
    after = (await pipeline.message(user_id))["scheduled_send_time"]
    assert before - after == timedelta(hours=14)

    row = await pipeline.rows("SELECT email FROM users WHERE id = $1", user_id)
    mailbox.refused = frozenset({row[0]["email"]})
    await send_due(pipeline, clock, after)
    assert await pipeline.statuses(user_id) == ["FAILED"]
    mailbox.refused = frozenset()
    clock.advance(timedelta(minutes=1))
    # Overnight the session has ended.
    await sign_in(page, key)
    await retry_the_failed_one(page, name)
    await page.get_by_role("link", name="Inbox").click()
    await send_due(pipeline, clock, after + timedelta(minutes=10))
    await unsubscribe_by_the_link(page, name)
    left = await pipeline.value("SELECT birthday_unsubscribed_at FROM users WHERE id = $1", user_id)
    assert left == clock.now()


async def sign_in(page: Page, key: str) -> None:
    await page.goto("/")
    await page.get_by_label("API key").fill(key)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_be_visible()


async def import_people(page: Page, pipeline: Pipeline) -> None:
    await page.get_by_role("link", name="People", exact=True).click()
    await page.get_by_role("link", name="Import").first.click()
    await page.get_by_label("A CSV file").set_input_files(PEOPLE)
    await page.get_by_role("button", name="Look at the file").click()
    await page.get_by_role("button", name="Start the import").click()
    await pipeline.import_runner.run_once()
    await expect(page.get_by_text("All 537 rows are done")).to_be_visible()
    assert (
        await pipeline.value("SELECT count(*) FROM users")
        == len(PEOPLE.read_text("utf-8").splitlines()) - 1
    )


async def somebody_of_tomorrow(pipeline: Pipeline) -> tuple[str, UUID]:
    """Return the name and id of somebody in New York whose birthday is tomorrow.

    Which real person that is depends on the day: so one of them is given it, as by SQL.
    """
    await pipeline.execute(
        "UPDATE users SET birthday_date = '1960-01-15', timezone = 'America/New_York' "
        "WHERE id = (SELECT min(id::text)::uuid FROM users)"
    )
    await pipeline.daily.run_once()
    (row,) = await pipeline.rows(
        "SELECT id, first_name || ' ' || last_name AS name FROM users "
        "WHERE id = (SELECT min(id::text)::uuid FROM users)"
    )
    return row["name"], row["id"]


async def see_the_calendar(page: Page, name: str) -> None:
    await page.get_by_role("link", name="Calendar").click()
    await page.get_by_role("link", name="15 January 2027").first.click()
    await expect(page.get_by_text(name).first).to_be_visible()


async def move_to_tokyo(page: Page, name: str) -> None:
    await page.get_by_role("link", name=name).first.click()
    await page.get_by_role("link", name="Change").click()
    await page.get_by_label("Time zone").fill("Asia/Tokyo")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Fri 15 Jan 2027, 09:00:00").first).to_be_visible()


async def retry_the_failed_one(page: Page, name: str) -> None:
    await page.goto("/messages?status=FAILED")
    row = page.get_by_role("row").filter(has_text=name)
    await row.locator("a[href^='/messages/']").first.click()
    await page.get_by_role("button", name="Send it again").click()
    await expect(page.get_by_text("RETRYING").first).to_be_visible()


async def unsubscribe_by_the_link(page: Page, name: str) -> None:
    letter = page.get_by_role("listitem").filter(has_text=name).first
    await expect(letter).to_be_visible()
    await letter.get_by_role("link").first.click()
    await page.get_by_role("link", name="Unsubscribe, as this person would").click()
    await page.get_by_role("button", name="Stop birthday greetings").click()
    await expect(page.get_by_text("You will get no more birthday greetings.")).to_be_visible()
