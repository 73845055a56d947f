"""Texts are written, looked at, saved and tried by keyboard; what is wrong is told as one types."""

import re

from playwright.async_api import Page, expect

from heyday.domain.access import Scope
from tests.browser.conftest import OpenPage
from tests.browser.looking import axe, evaluate, screenshot, tab_to
from tests.browser.watching import Watch
from tests.factories import Pipeline
from tests.fakes import RecordingSender

GERMAN = "/texts/BIRTHDAY/de"


async def test_the_list_can_be_read_by_everybody(page: Page, pipeline: Pipeline) -> None:
    await pipeline.create(locale="ja")
    await page.goto("/texts")
    await expect(page.get_by_role("link", name="Ready Birthday, Arabic")).to_be_visible()
    await axe(page)
    await screenshot(page, "texts")
    language = page.get_by_role("textbox", name="Language")
    await language.fill("nonsense")
    await page.get_by_role("button", name="Open").click()
    await expect(language).to_be_focused()
    await axe(page)


async def test_a_text_is_written_looked_at_saved_and_tried_by_keyboard(
    page: Page, sender: RecordingSender
) -> None:
    await page.goto("/texts")
    await tab_to(page, "Ready Birthday, German")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(f"{GERMAN}$"))
    letter = page.frame_locator("iframe[name=letter]")
    await tab_to(page, "Subject")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Text", exact=True)).to_be_focused()
    await page.keyboard.press("Control+A")
    await page.keyboard.type("Hoch sollst du leben, {{ first_name }}!")
    await expect(page.get_by_role("region", name="Plain text")).to_have_text(
        "Hoch sollst du leben, Jana!"
    )
    await expect(letter.locator("p").first).to_have_text("Hoch sollst du leben, Jana!")
    await axe(page)
    await screenshot(page, "text-draft")
    await tab_to(page, "To which address")
    await page.keyboard.type("me@example.com")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("took the letter")).to_be_visible()
    assert [message.email for message in sender.sent] == ["me@example.com"]
    assert "Hoch sollst du leben" in sender.sent[0].text
    await page.get_by_label("Text", exact=True).focus()
    await tab_to(page, "Save")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await expect(page.get_by_text("Yours", exact=True)).to_be_visible()
    await page.get_by_role("link", name="All texts").click()
    await expect(page.get_by_role("link", name="Yours Birthday, German")).to_be_visible()


async def test_what_is_wrong_is_told_while_one_types_and_leads_to_its_line(page: Page) -> None:
    await page.goto(GERMAN)
    text = page.get_by_label("Text", exact=True)
    await text.fill("Hallo {{ first_name }}!\n{{ first_nam }}")
    line = page.get_by_role("link", name="Line 2")
    await expect(line).to_be_visible()
    await axe(page)
    await screenshot(page, "text-problem")
    await line.click()
    await expect(text).to_be_focused()
    chosen = "(t => t.value.slice(t.selectionStart, t.selectionEnd))(document.activeElement)"
    assert await evaluate(page, chosen) == "{{ first_nam }}"
    await text.fill("Hallo {{ first_name }}!")
    await expect(line).to_be_hidden()


async def test_languages_from_right_to_left_run_so(page: Page) -> None:
    await page.goto("/texts/ANNIVERSARY/ar")
    letter = page.frame_locator("iframe[name=letter]")
    await expect(letter.locator("html")).to_have_attribute("dir", "rtl")
    await expect(page.get_by_role("region", name="Plain text")).to_have_css("direction", "rtl")
    await expect(page.get_by_label("Text", exact=True)).to_have_css("direction", "rtl")
    await axe(page)
    await screenshot(page, "text-arabic")


async def test_a_letter_is_looked_at_on_a_dark_screen(page: Page) -> None:
    await page.goto(GERMAN)
    letter = page.frame_locator("iframe[name=letter]").locator("body")
    await expect(letter).to_have_css("color", "rgb(0, 0, 0)")
    await page.get_by_label("Dark").check()
    await expect(letter).to_have_css("color", "rgb(255, 255, 255)")
    await page.get_by_label("Light").check()
    await expect(letter).to_have_css("color", "rgb(0, 0, 0)")


async def test_a_person_is_found_and_their_letter_is_shown(page: Page, pipeline: Pipeline) -> None:
    await pipeline.create(
        first_name="Hanako", last_name="佐藤", birthday_date="1991-03-04", locale="ja"
    )
    await page.goto(GERMAN)
    await page.get_by_label("Or for a person of yours").fill("hana")
    await page.keyboard.press("Enter")
    found = page.get_by_role("button", name="Hanako 佐藤")
    await expect(found).to_be_visible()
    await found.click()
    letter = page.frame_locator("iframe[name=letter]").locator("p").first
    await expect(letter).to_contain_text("Hanako")
    await expect(found).to_have_count(0)
    await page.get_by_label("Text", exact=True).fill("Gruß an {{ full_name }}")
    await expect(letter).to_have_text("Gruß an Hanako 佐藤")
    await axe(page)
    await screenshot(page, "text-person")
    await page.get_by_role("button", name="Show it for somebody invented").click()
    await expect(letter).to_have_text("Gruß an Jana Brückner")


async def test_nothing_runs_in_a_letter_that_somebody_wrote(page: Page, watch: Watch) -> None:
    await page.goto(GERMAN)
    await page.get_by_label("HTML of your own, below").check()
    await page.get_by_text("Your own HTML").click()
    hostile = (
        "<p id='x' onclick=\"window.__pwned='click'\">Hallo</p>"
        "<svg onload=\"window.__pwned='svg'\"></svg><a href='javascript:window.__pwned=1'>los</a>"
        "<form action='/sign-out' method='post'><button>weg</button></form>"
        "<meta http-equiv='refresh' content='0;url=/texts'>"
    )
    await page.get_by_label("HTML", exact=True).fill(hostile)
    letter = page.frame_locator("iframe[name=letter]")
    await expect(letter.locator("#x")).to_have_text("Hallo")
    await letter.locator("#x").click()
    await letter.get_by_role("button", name="weg").click()
    await expect(letter.locator("#x")).to_be_visible()
    await expect(page).to_have_url(re.compile(f"{GERMAN}$"))
    assert not [fault for fault in watch.faults if "ran" in fault]
    # That the browser refused, it says; nothing else may have gone wrong.
    watch.faults[:] = [each for each in watch.faults if not _is_refusal(each)]


def _is_refusal(fault: str) -> bool:
    return any(word in fault for word in ("Blocked", "sandboxed", "Content Security Policy"))


async def test_without_javascript_a_button_shows_what_comes_of_a_text(open_page: OpenPage) -> None:
    page = await open_page(javascript=False)
    await page.goto(GERMAN)
    await expect(page.frame_locator("iframe[name=letter]").locator("p").first).to_contain_text(
        "Jana"
    )
    await page.get_by_label("Text", exact=True).fill("Hoch, {{ first_name }}!")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_role("region", name="Plain text")).to_have_text("Hoch, Jana!")
    await page.get_by_role("button", name="Show the letter").click()
    await expect(page.frame_locator("iframe[name=letter]").locator("p").first).to_have_text(
        "Hoch, Jana!"
    )
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()


async def test_who_may_only_look_is_offered_nothing_else(open_page: OpenPage) -> None:
    page = await open_page(Scope.MESSAGES_READ)
    await page.goto(GERMAN)
    await expect(page.get_by_label("Text", exact=True)).to_be_visible()
    for name in ("Save", "Send", "Find"):
        await expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    await axe(page)


async def test_pages_of_texts_are_light(page: Page, watch: Watch) -> None:
    for path in ("/texts", "/texts/ANNIVERSARY/hi"):
        await page.goto(path, wait_until="networkidle")
        assert await watch.weight(page) < 150_000
