"""The page that says how Heyday is."""

from datetime import timedelta

from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import axe, screenshot
from tests.factories import Pipeline
from tests.fakes import FakeClock


async def test_a_newcomer_sees_that_all_is_well(page: Page) -> None:
    await page.goto("/status")
    await expect(page.get_by_role("heading", name="Health", exact=True)).to_be_visible()
    await expect(page.get_by_text("All is well: nothing needs you.")).to_be_visible()
    await axe(page)
    await screenshot(page, "status-well")


async def test_what_is_wrong_stands_first_with_what_to_do(
    open_page: OpenPage, pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await pipeline.create(birthday_date="1990-01-14", timezone="Europe/London")
    await pipeline.execute("UPDATE message_logs SET status = 'UNKNOWN'")
    await pipeline.daily.run_once()
    clock.advance(timedelta(days=3))
    # The session of the other page has ended by then.
    page = await open_page()
    await page.goto("/status")
    first = page.locator("section").first
    await expect(first).to_contain_text("The daily scheduler has not run when it should have.")
    await expect(first).to_contain_text("See that `heyday scheduler` runs")
    await expect(first).to_contain_text("Of 1 greetings nobody knows whether they arrived.")
    assert user.email not in await page.content()
    await axe(page)
    await screenshot(page, "status")
