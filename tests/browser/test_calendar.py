"""The calendar in a real browser: three clicks to an answer, by mouse, keyboard, and no script."""

import re

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import axe, screenshot, tab_to
from tests.factories import Pipeline

# The clock stands at Thursday 14 January 2027, 00:00 UTC.
NAMES = (
    ("花子", "佐藤", "Asia/Tokyo"),
    ("Kenji", "Sato", "Asia/Tokyo"),
    ("محمد", "الحسن", "Africa/Cairo"),
    ("Zoë 🎂", "van der Westhuizen-Featherstonehaugh", "America/Argentina/ComodRivadavia"),
    ("X", "A" * 100, "Asia/Seoul"),
    ("Ada", "Lovelace", "UTC"),
)


@pytest_asyncio.fixture(loop_scope="session")
async def company(pipeline: Pipeline) -> Pipeline:
    """A company with people of many kinds of names, and greetings planned."""
    for first_name, last_name, zone in NAMES:
        for on in ("1990-01-15", "1988-02-29", "1980-01-01", "1980-01-01"):
            await pipeline.insert(
                first_name=first_name, last_name=last_name, timezone=zone, birthday_date=on
            )
        await pipeline.insert(
            first_name=first_name,
            last_name=last_name,
            timezone=zone,
            anniversary_date="2020-01-15",
            unsubscribed_at="2026-05-01" if last_name == "Sato" else None,
        )
    await pipeline.daily.run_once()
    return pipeline


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.usefixtures("company")
async def test_who_is_greeted_tomorrow_in_japan_and_why_not_takes_three_clicks(
    open_page: OpenPage, *, javascript: bool
) -> None:
    page = await open_page(javascript=javascript)
    await page.goto("/today")
    await page.get_by_role("link", name="Who is greeted tomorrow").click()
    await page.get_by_role("link", name="Japan (Asia/Tokyo)").first.click()
    people = page.get_by_role("table", name="Who is greeted")
    await expect(people.get_by_role("link", name="花子 佐藤")).to_have_count(2)
    await expect(people.get_by_role("link", name="Lovelace")).to_have_count(0)
    await page.get_by_label("Name or address").fill("sato")
    await page.get_by_role("button", name="Explain").click()
    answer = page.get_by_role("article")
    await expect(answer.filter(has_text="Unsubscribed on 2026-05-01")).to_have_count(1)
    await expect(page).to_have_url(re.compile(r"^[^?]*(\?zone=Asia/Tokyo#people)?$"))


@pytest.mark.usefixtures("company")
async def test_the_calendar_holds_for_everybody(page: Page) -> None:
    await page.goto("/calendar")
    day = page.get_by_role("link", name="Saturday 1 January 2028: 12 greetings")
    await expect(day).to_be_visible()
    await axe(page)
    await screenshot(page, "calendar")


@pytest.mark.usefixtures("company")
async def test_a_day_holds_for_everybody(page: Page) -> None:
    await page.goto("/calendar/2027-01-15")
    await axe(page)
    await screenshot(page, "calendar-day")
    await page.get_by_label("Name or address").fill("Kenji Sato")
    await page.get_by_role("button", name="Explain").click()
    await expect(page.get_by_role("article")).to_have_count(5)
    await page.get_by_text("Every rule that applies").first.click()
    await axe(page)
    await screenshot(page, "calendar-why")


async def test_an_empty_calendar_holds_for_everybody(page: Page) -> None:
    for path, name in (
        ("/calendar", "calendar-empty"),
        ("/calendar/2027-01-15", "calendar-day-empty"),
    ):
        await page.goto(path)
        await axe(page)
        await screenshot(page, name)


@pytest.mark.usefixtures("company")
async def test_a_day_is_reached_and_asked_by_the_keyboard_alone(page: Page) -> None:
    await page.goto("/calendar")
    await tab_to(page, "Friday 15 January 2027: 11 greetings", at_most=60)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Friday 15 January 2027")
    await tab_to(page, "Name or address")
    await page.keyboard.type("sato")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("article")).to_have_count(5)
    await expect(page.get_by_label("Name or address")).to_be_focused()
