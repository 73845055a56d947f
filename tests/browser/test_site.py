"""The site of the documentation in a browser: nothing from elsewhere, and search that finds.

That no page asks another host, and none has an error, tests.browser.watching sees to.
"""

from pathlib import Path

import pytest
from litestar import Litestar
from litestar.static_files import create_static_files_router
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import axe, screenshot, tab_to
from tests.keys import Doors, memory_doors

PLACES = {
    "start": "/",
    "telemetry": "/telemetry/",
    "settings": "/reference/settings/",
    "commands": "/reference/commands/",
    "api": "/reference/api/",
    "decisions": "/adr/",
}


@pytest.fixture
def app(site: Path) -> Litestar:
    files = create_static_files_router("/", [site], html_mode=True)
    return Litestar([files], openapi_config=None, logging_config=None)


@pytest.fixture
def doors() -> Doors:
    return memory_doors()


async def look_for(page: Page, words: str) -> None:
    """Type words and press Enter. What is typed before the index is there, Enter finds alone."""
    await page.get_by_role("searchbox", name="Search").fill(words)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**?q=*")


@pytest.mark.parametrize("name", PLACES)
async def test_a_page_can_be_read_by_all(page: Page, name: str) -> None:
    await page.goto(PLACES[name])
    await axe(page)
    await screenshot(page, f"site-{name}")


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("HEYDAY_SPREAD", "/reference/settings/#heyday_spread"),
        ("heyday users import", "/reference/commands/#heyday-users-import"),
        ("HeydayBreakerOpen", "/runbook/#heydaybreakeropen"),
    ],
)
async def test_search_finds_what_is_looked_for(page: Page, words: str, first: str) -> None:
    await page.goto("/")
    await look_for(page, words)
    found = page.get_by_role("region", name="What was found")
    await expect(found.get_by_role("link").first).to_be_visible()
    await axe(page)
    await found.locator(f'a[href$="{first}"]').first.click()
    await page.wait_for_url(f"**{first}")


async def test_search_says_when_it_finds_nothing(page: Page) -> None:
    await page.goto("/")
    await look_for(page, "xylophone")
    await expect(page.get_by_text("Nothing was found.")).to_be_visible()


async def test_the_keyboard_alone_leads_to_every_page(page: Page) -> None:
    await page.goto("/time/")
    await tab_to(page, "Search")
    await page.set_viewport_size({"width": 390, "height": 900})
    await page.get_by_role("link", name="All pages").press("Enter")
    await page.get_by_role("navigation", name="Pages").get_by_role("link", name="Commands").click()
    await expect(page.get_by_role("heading", name="heyday users import")).to_be_attached()


async def test_pages_can_be_read_without_scripts(open_page: OpenPage) -> None:
    page = await open_page(javascript=False)
    await page.goto("/")
    await page.get_by_role("link", name="Settings", exact=True).click()
    await expect(page.get_by_role("heading", name="HEYDAY_SPREAD")).to_be_visible()
