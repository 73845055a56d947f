"""The page of today in a real browser: it fits, it is heard, and it renews itself."""

import asyncio
from datetime import UTC, datetime, timedelta

from playwright.async_api import Locator, Page, expect

from heyday.domain.transitions import Status
from tests.browser.conftest import OpenPage
from tests.browser.looking import axe, screenshot, tab_to
from tests.factories import Pipeline
from tests.fakes import FakeClock
from tests.greetings import Greetings

MIDNIGHT = datetime(2027, 1, 14, tzinfo=UTC)
EIGHT, NINE, TEN = (MIDNIGHT + timedelta(hours=hour) for hour in (8, 9, 10))
MINUTE = timedelta(minutes=1)


async def fill(pipeline: Pipeline, clock: FakeClock) -> None:
    """Have a morning behind, an hour under way, and an evening to come."""
    for each in (
        Greetings(MIDNIGHT, count=30, zone="Asia/Tokyo"),
        Greetings(MIDNIGHT + timedelta(hours=3, minutes=15), count=4, zone="Asia/Kathmandu"),
        Greetings(EIGHT, count=60),
        Greetings(EIGHT, late=5 * MINUTE, count=2),
        Greetings(EIGHT, Status.FAILED, count=2),
        Greetings(EIGHT, Status.UNKNOWN),
        Greetings(NINE, Status.QUEUED, count=20, zone="Europe/London"),
        Greetings(TEN, Status.SCHEDULED, count=7, zone="Atlantic/Azores"),
        Greetings(TEN + 4 * timedelta(hours=1), Status.SCHEDULED, 40, "America/New_York"),
    ):
        await each.write(pipeline)
    clock.set(NINE + MINUTE)


async def renew_until(place: Locator, text: str, clock: FakeClock) -> None:
    """Let turns of the page pass until a text is there: the first ones show what was known."""
    async with asyncio.timeout(10):
        while text not in await place.inner_text():
            await clock.wait_for_sleepers(1)
            clock.advance(timedelta(seconds=5))


async def test_it_is_for_everybody(page: Page, pipeline: Pipeline, clock: FakeClock) -> None:
    await fill(pipeline, clock)
    await page.goto("/today")
    await expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()
    await axe(page)
    for summary in ("As a table", "When it is 09:00 where"):
        await page.get_by_text(summary).click()
    await axe(page)
    await screenshot(page, "today")


async def test_a_day_without_anything_is_for_everybody_too(page: Page) -> None:
    await page.goto("/today")
    await expect(page.get_by_text("Nothing is planned for the next two days.")).to_be_visible()
    await axe(page)
    await screenshot(page, "today-empty")


async def test_what_happens_is_seen_without_loading_the_page_again(
    page: Page, pipeline: Pipeline, clock: FakeClock
) -> None:
    await fill(pipeline, clock)
    await page.goto("/today")
    figures = page.locator("#today-figures")
    await expect(page.get_by_text("This page renews itself.")).to_be_visible()
    await expect(figures).to_contain_text("96")
    await page.get_by_text("As a table").click()
    await pipeline.execute(
        "UPDATE message_logs SET status = 'SENT', actual_send_time = $1 WHERE status = 'QUEUED'",
        NINE + MINUTE,
    )
    await renew_until(figures, "116", clock)
    # What was open stays open.
    await expect(page.get_by_role("table").first).to_be_visible()


async def test_what_has_changed_for_the_worse_is_heard_once(
    page: Page, pipeline: Pipeline, clock: FakeClock
) -> None:
    await page.goto("/today")
    spoken = page.get_by_role("status")
    await expect(page.get_by_text("This page renews itself.")).to_be_visible()
    await expect(spoken).to_have_text("")
    await Greetings(MIDNIGHT, Status.FAILED).write(pipeline)
    await renew_until(spoken, "Greetings have failed today.", clock)
    await expect(page.get_by_role("link", name="See why")).to_be_visible()


async def test_without_scripts_a_form_leads_to_another_day(
    open_page: OpenPage, pipeline: Pipeline, clock: FakeClock
) -> None:
    await fill(pipeline, clock)
    page = await open_page(javascript=False)
    await page.goto("/today")
    await expect(page.locator("#today-chart")).to_contain_text("now 09:01")
    await page.get_by_label("Another day").fill("2027-01-13")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_role("heading", name="Wed 13 Jan 2027", level=1)).to_be_visible()
    await page.get_by_role("link", name="Day after").click()
    await expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()


async def test_all_of_it_is_reached_by_the_keyboard(
    page: Page, pipeline: Pipeline, clock: FakeClock
) -> None:
    await fill(pipeline, clock)
    await page.goto("/today")
    for name in ("Day before", "Show", "Decide about them", "As a table", "When it is 09:00 where"):
        focus = await tab_to(page, name)
        assert focus.is_marked, name
