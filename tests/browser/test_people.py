"""People in a real browser: by keyboard alone, with and without scripts, on each look."""

from datetime import date

from playwright.async_api import Page, expect

from heyday.domain.access import Scope
from heyday.domain.models import User
from tests.browser.conftest import OpenPage
from tests.browser.looking import MAX_BYTES, axe, screenshot, tab_to
from tests.browser.watching import Watch
from tests.factories import Pipeline

LONG = {
    "first_name": "Wolfeschlegelsteinhausenbergerdorff-Alexandrina",
    "last_name": "von und zu Hohenlohe-Waldenburg-Schillingsfürst",
    "email": "a.very.long.address.with.many.parts@subdomain.of.a.long.example.com",
    "timezone": "America/Argentina/ComodRivadavia",
    "anniversary_date": "2019-01-15",
}


async def sato(pipeline: Pipeline) -> User:
    """Add somebody who is to be greeted tomorrow in Japan."""
    return await pipeline.create(
        first_name="さくら",
        last_name="佐藤",
        email="sakura.sato@example.jp",
        timezone="Asia/Tokyo",
        birthday_date="1990-01-15",
        anniversary_date="--02-29",
        locale="ja",
        location_city="神戸",
        location_country="日本",
    )


async def test_lists_can_be_read_by_everybody(page: Page, pipeline: Pipeline, watch: Watch) -> None:
    await page.goto("/people")
    assert await watch.weight(page) < MAX_BYTES
    await expect(page.get_by_text("There is nobody yet.")).to_be_visible()
    await axe(page)
    await screenshot(page, "people-empty")
    await sato(pipeline)
    await pipeline.create(
        first_name="محمد", last_name="الفارسي", timezone="Asia/Riyadh", birthday_date="--02-29"
    )
    await pipeline.create(**LONG)
    grace = await pipeline.create(first_name="Grace 🎉", last_name="Hopper")
    await pipeline.users.unsubscribe(grace.id)
    await page.goto("/people?country=JP")
    await axe(page)
    await screenshot(page, "people-of-a-country")
    await page.goto("/people?birthday_day=30&timezone=Mars")
    await axe(page)
    await screenshot(page, "people-wrong")
    await pipeline.users.delete(grace.id)
    await page.goto("/people?state=deleted")
    await axe(page)
    await page.goto("/people")
    await axe(page)
    await screenshot(page, "people")


async def test_the_pages_of_a_person_can_be_read_by_everybody(
    page: Page, pipeline: Pipeline
) -> None:
    user = await sato(pipeline)
    await page.goto(f"/people/{user.id}")
    # Where the visitor is, only their own browser knows.
    await expect(page.get_by_text("Where you are").first).to_be_visible()
    await axe(page)
    await screenshot(page, "person")
    await pipeline.users.unsubscribe(user.id, message_type="BIRTHDAY")
    await page.goto(f"/people/{user.id}")
    await page.get_by_role("link", name="Delete").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await axe(page)
    await page.goto(f"/people/{user.id}/erase")
    await axe(page)
    await screenshot(page, "person-erase")
    await pipeline.users.delete(user.id)
    await page.goto(f"/people/{user.id}")
    await axe(page)
    await screenshot(page, "person-deleted")
    lost = await pipeline.insert(timezone="Mars/Base", birthday_date="1990-02-28", **_name())
    await page.goto(f"/people/{lost}")
    await axe(page)
    await screenshot(page, "person-lost")


async def test_somebody_is_found_and_explained_in_three_steps(
    page: Page, pipeline: Pipeline, watch: Watch
) -> None:
    user = await pipeline.create(first_name="Yuki", last_name="Sato", timezone="Asia/Tokyo")
    for _ in range(52):
        await pipeline.create(last_name="Other")
    await page.goto("/people")
    await page.get_by_label("Find somebody").fill("sato")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="Yuki Sato").click()
    await expect(page).to_have_url(f"{watch.origins[0]}/people/{user.id}")
    await page.get_by_label("And on another date of theirs?").fill("2027-01-15")
    await page.get_by_role("button", name="Explain").click()
    await expect(page.get_by_role("heading", name="On the date asked about")).to_be_focused()
    await expect(page).to_have_url(f"{watch.origins[0]}/people/{user.id}")


async def test_a_list_goes_on_in_its_place(page: Page, pipeline: Pipeline) -> None:
    for _ in range(51):
        await pipeline.create(timezone="Asia/Tokyo")
    await page.goto("/people?country=JP")
    rows = page.get_by_role("row")
    await expect(rows).to_have_count(51)
    await page.get_by_role("link", name="Next").click()
    await expect(rows).to_have_count(2)
    await expect(page.locator("#people-title")).to_be_focused()
    await expect(page.get_by_label("Country of their zone")).to_have_value("JP")
    await page.go_back()
    await expect(rows).to_have_count(51)
    await expect(page.get_by_role("heading", name="People", exact=True)).to_be_visible()
    await expect(page.get_by_label("Country of their zone")).to_have_value("JP")


async def test_a_person_comes_changes_and_goes_by_keyboard_alone(
    page: Page, pipeline: Pipeline, watch: Watch
) -> None:
    watch.allowed.add(422)
    keys = page.keyboard
    await page.goto("/people/new")
    await axe(page)
    await screenshot(page, "person-new")
    await tab_to(page, "First name")
    await keys.type("Ada")
    await tab_to(page, "Address")
    await keys.type("ada@example.com")
    await tab_to(page, "Time zone")
    await keys.type("Tokyo")
    await tab_to(page, "Day")
    await keys.type("15")
    await tab_to(page, "Add")
    await keys.press("Enter")
    problems = page.locator("#problems")
    await expect(problems).to_be_focused()
    await axe(page)
    await screenshot(page, "person-new-wrong")
    await tab_to(page, "Last name")
    await keys.press("Enter")
    await expect(page.get_by_label("Last name")).to_be_focused()
    await keys.type("Lovelace")
    await tab_to(page, "Time zone")
    await keys.press("Control+A")
    await keys.type("Asia/Tokyo")
    await tab_to(page, "Month")
    await keys.type("Jan")
    await tab_to(page, "Add")
    await keys.press("Enter")
    await expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    (user,) = await pipeline.users.list_page(None, 2)
    assert user.birthday_date == date(1604, 1, 15)
    await _move_to_berlin(page)
    await _leave_and_come_back(page)
    await tab_to(page, "Delete")
    await keys.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await keys.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(page.get_by_role("link", name="Delete")).to_be_focused()
    await keys.press("Enter")
    await tab_to(page, "Delete")
    await keys.press("Enter")
    await expect(page.get_by_text("Deleted on Thu 14 Jan 2027")).to_be_visible()
    await tab_to(page, "Take the deletion back")
    await keys.press("Enter")
    await expect(page.get_by_text("The deletion was taken back.")).to_be_visible()


async def test_a_conflict_shows_both_values(page: Page, pipeline: Pipeline, watch: Watch) -> None:
    watch.allowed.add(409)
    user = await sato(pipeline)
    await page.goto(f"/people/{user.id}/edit")
    await pipeline.users.patch(user.id, {"first_name": "Sakura"})
    await page.get_by_label("First name").fill("Sakurako")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("row", name="First name Sakurako Sakura")).to_be_visible()
    await expect(page.locator("#problems")).to_be_focused()
    await axe(page)
    await screenshot(page, "person-conflict")
    await page.get_by_role("button", name="Save mine").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()


async def test_all_of_it_works_without_scripts(open_page: OpenPage, pipeline: Pipeline) -> None:
    user = await sato(pipeline)
    page = await open_page(javascript=False)
    await page.goto("/people")
    await page.get_by_label("Find somebody").fill("佐藤")
    await page.get_by_role("button", name="Search").click()
    await page.get_by_role("link", name="さくら 佐藤").click()
    await page.get_by_role("link", name="Delete").click()
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("button", name="Take the deletion back").click()
    await page.get_by_role("link", name="Change").click()
    await page.get_by_label("City").fill("Kobe")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Kobe, 日本")).to_be_visible()
    await page.get_by_label("And on another date of theirs?").fill("2028-01-15")
    await page.get_by_role("button", name="Explain").click()
    await expect(page.get_by_text("Sat 15 Jan 2028").first).to_be_visible()
    assert (await pipeline.users.get(user.id)).location_city == "Kobe"


async def test_what_a_key_may_not_do_is_not_shown(open_page: OpenPage, pipeline: Pipeline) -> None:
    user = await sato(pipeline)
    page = await open_page(Scope.USERS_READ)
    await page.goto(f"/people/{user.id}")
    await expect(page.get_by_role("heading", name="さくら 佐藤")).to_be_visible()
    for name in ("Change", "Delete", "Erase for good …"):
        await expect(page.get_by_role("link", name=name)).to_have_count(0)
    await expect(page.get_by_role("button", name="Unsubscribe")).to_have_count(0)
    await axe(page)


async def _move_to_berlin(page: Page) -> None:
    keys = page.keyboard
    await tab_to(page, "Change")
    await keys.press("Enter")
    await expect(page.get_by_role("heading", name="Change a person")).to_be_visible()
    await tab_to(page, "Time zone")
    await keys.press("Control+A")
    await keys.type("Europe/Berlin")
    await tab_to(page, "Save")
    await keys.press("Enter")
    await expect(
        page.get_by_text("would have left on Fri 15 Jan 2027, 09:00:00 in Tokyo")
    ).to_be_visible()


async def _leave_and_come_back(page: Page) -> None:
    keys = page.keyboard
    await tab_to(page, "Unsubscribe")
    await keys.press("Enter")
    await expect(page.get_by_text("Done: no more birthday greetings.")).to_be_visible()
    await tab_to(page, "Subscribe again")
    await keys.press("Enter")
    await expect(page.get_by_text("Done: birthday greetings come again.")).to_be_visible()


def _name() -> dict[str, str]:
    return {"first_name": "Lost", "last_name": "Somewhere"}
