"""The door as people meet it: with a mouse, a keyboard, or no scripts at all."""

import re

from playwright.async_api import Page, expect

from heyday.domain.access import Scope
from tests.browser.conftest import OpenPage
from tests.browser.looking import MAX_BYTES, axe, screenshot, tab_to
from tests.browser.watching import Watch
from tests.keys import Doors

WRONG = f"hd_1f3c5d0a_{'0123456789abcdef' * 4}"


async def test_somebody_signs_in_is_led_on_and_signs_out(
    open_page: OpenPage, doors: Doors, watch: Watch
) -> None:
    page = await open_page(signed_in=False)
    await page.goto("/status")
    await expect(page).to_have_url(re.compile(r"/sign-in\?next=/status$"))
    assert await watch.weight(page) < MAX_BYTES
    await axe(page)
    await screenshot(page, "sign-in")
    await page.get_by_label("API key").fill(await doors.key(name="Ada Byron"))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(re.compile(r"/status$"))
    await page.get_by_text("Ada Byron").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_text("You are signed out.")).to_be_visible()
    await page.goto("/status")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_wrong_key_is_told_so_and_the_next_one_is_taken(
    open_page: OpenPage, doors: Doors
) -> None:
    page = await open_page(signed_in=False, javascript=False)
    await page.goto("/status")
    await page.get_by_label("API key").fill(WRONG)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("no key that opens anything")
    await expect(page.get_by_label("API key")).to_have_value("")
    await page.get_by_label("API key").fill(await doors.key())
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(re.compile(r"/status$"))


async def test_a_wrong_key_looks_right(open_page: OpenPage) -> None:
    page = await open_page(signed_in=False)
    await page.goto("/sign-in?lost=1")
    await page.get_by_label("API key").fill(WRONG)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.get_by_text("I have no key").click()
    await axe(page)
    await screenshot(page, "sign-in-wrong")


async def test_a_keyboard_is_enough(open_page: OpenPage, doors: Doors) -> None:
    page = await open_page(signed_in=False)
    await page.goto("/sign-in?next=/status")
    await tab_to(page, "API key")
    await page.keyboard.insert_text(await doors.key())
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/status$"))
    await tab_to(page, "a test")
    await page.keyboard.press("Enter")
    await tab_to(page, "Sign out")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("You are signed out.")).to_be_visible()


async def test_what_went_wrong_is_a_page(page: Page, open_page: OpenPage) -> None:
    reply = await page.goto("/nowhere")
    assert reply
    assert reply.status == 404
    await expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    await axe(page)
    await screenshot(page, "no-such-page")
    poor = await open_page(Scope.MESSAGES_WRITE)
    reply = await poor.goto("/status")
    assert reply
    assert reply.status == 403
    await expect(poor.get_by_text("messages:read")).to_be_visible()
    await axe(poor)
    await screenshot(poor, "forbidden")


async def test_a_link_from_elsewhere_finds_who_is_signed_in(
    page: Page, url: str, watch: Watch
) -> None:
    # localhost is another site than 127.0.0.1: the browser keeps the cookie back.
    elsewhere = url.replace("127.0.0.1", "localhost")
    watch.origins.append(elsewhere)
    await page.goto(f"{elsewhere}/sign-in")
    await page.set_content(f'<a href="{url}/status">A link in a letter</a>')
    await page.get_by_role("link", name="A link in a letter").click()
    await expect(page).to_have_url(f"{url}/status")
