"""Letters arrive by themselves, and are shown as their people would see them."""

import re

from playwright.async_api import Page, expect

from heyday.db.inbox import InboxRepository
from tests.browser.conftest import OpenPage
from tests.browser.looking import axe, screenshot, tab_to
from tests.browser.watching import Watch
from tests.factories import Pipeline
from tests.greetings import deliver

HTML = """<!doctype html><html lang="ja"><head><meta charset="utf-8">
<meta name="color-scheme" content="light dark"><title>.</title></head>
<body style="font: 17px sans-serif"><p style="font-size:26px">お誕生日おめでとうございます</p>
<p><a href="/unsubscribe/nothing">停止</a></p></body></html>"""
HOSTILE = (
    "<p id='x'>Hey</p><script>window.__pwned='script'</script>"
    "<img src='x:y' onerror=\"window.__pwned='img'\"><svg onload=\"window.__pwned='svg'\"></svg>"
)


async def test_letters_arrive_by_themselves(
    page: Page, pipeline: Pipeline, inbox: InboxRepository
) -> None:
    await page.goto("/inbox")
    await expect(page.get_by_text("No letter yet.")).to_be_visible()
    await axe(page)
    await screenshot(page, "inbox-empty")
    await deliver(pipeline, inbox, first_name="Hanako", email="hanako@example.com")
    await expect(page.get_by_role("listitem")).to_have_count(1)
    await expect(page.get_by_text("No letter yet.")).to_be_hidden()
    await expect(page.get_by_text("A letter came, to hanako@example.com")).to_have_count(1)
    await expect(page.get_by_text(re.compile(r"^in \d+ h"))).to_be_visible()
    await deliver(pipeline, inbox, first_name="ليلى", last_name="حداد", timezone="Asia/Dubai")
    await expect(page.get_by_role("listitem")).to_have_count(2)
    await expect(page.get_by_role("listitem").first).to_contain_text("ليلى")
    await expect(page.get_by_text("On time, 2 s after it was due").first).to_be_visible()
    await axe(page)
    await screenshot(page, "inbox")


async def test_a_list_whose_letters_are_gone_begins_anew(
    page: Page, pipeline: Pipeline, inbox: InboxRepository
) -> None:
    await deliver(pipeline, inbox)
    await page.goto("/inbox")
    await expect(page.get_by_role("listitem")).to_have_count(1)
    await pipeline.execute("DELETE FROM inbox_messages")
    await expect(page.get_by_text("No letter yet.")).to_be_visible()
    await deliver(pipeline, inbox, first_name="Grace")
    await expect(page.get_by_role("listitem")).to_contain_text("Grace")


async def test_a_letter_is_opened_by_keyboard_and_its_person_can_leave(
    page: Page, pipeline: Pipeline, inbox: InboxRepository
) -> None:
    await deliver(pipeline, inbox, html=HTML, first_name="花子", last_name="佐藤")
    await page.goto("/inbox")
    await tab_to(page, "Happy birthday!")
    await page.keyboard.press("Enter")
    letter = page.frame_locator("iframe")
    await expect(letter.get_by_text("お誕生日おめでとうございます")).to_be_visible()
    await axe(page)
    await screenshot(page, "letter")
    await expect(letter.locator("base")).to_have_attribute("target", "_blank")
    await page.get_by_text("Plain text, for programs that show no HTML").click()
    await expect(page.get_by_text("Hey, 花子 佐藤 it's your birthday")).to_be_visible()
    await page.get_by_role("link", name="Unsubscribe, as this person would").click()
    await page.get_by_role("button", name="Stop birthday greetings").click()
    await expect(page.get_by_text("You will get no more birthday greetings.")).to_be_visible()


async def test_nothing_runs_in_a_letter(
    page: Page, pipeline: Pipeline, inbox: InboxRepository, watch: Watch
) -> None:
    await deliver(pipeline, inbox, html=HOSTILE, first_name="<img src=x onerror=x()>")
    await page.goto("/inbox/1")
    await expect(page.frame_locator("iframe").locator("#x")).to_have_text("Hey")
    await expect(page.get_by_text("No letter")).to_have_count(0)
    assert not [fault for fault in watch.faults if "ran" in fault]
    # What the browser says of having refused it.
    watch.faults[:] = [each for each in watch.faults if not _is_refusal(each)]


def _is_refusal(fault: str) -> bool:
    return any(word in fault for word in ("Blocked", "sandboxed", "Content Security Policy"))


async def test_without_javascript_it_is_a_list_with_links(
    open_page: OpenPage, pipeline: Pipeline, inbox: InboxRepository
) -> None:
    await deliver(pipeline, inbox, html=HTML)
    page = await open_page(javascript=False)
    await page.goto("/inbox")
    await page.get_by_role("listitem").get_by_role("link").click()
    await expect(page.frame_locator("iframe").locator("p").first).to_contain_text("お誕生日")


async def test_the_inbox_is_light(
    page: Page, pipeline: Pipeline, inbox: InboxRepository, watch: Watch
) -> None:
    await deliver(pipeline, inbox, html=HTML)
    for path in ("/inbox", "/inbox/1"):
        await page.goto(path)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert await watch.weight(page) < 150_000
