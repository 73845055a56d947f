"""The pages of greetings in a browser: how they look, by keyboard alone, and without scripts."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import pytest_asyncio
from playwright.async_api import Page, expect

from heyday.db.seeding.sample import add_sample
from heyday.domain.access import Scope
from heyday.domain.transitions import Status
from tests.browser.conftest import OpenPage
from tests.browser.looking import axe, screenshot, tab_to
from tests.factories import Pipeline, timezones_of
from tests.fakes import START_AT, FakeClock

NOON = START_AT + timedelta(hours=11)
LONG = "Maximiliane-Charlotte Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh"
HTML = "<html><body style='font-family: Georgia'><h1>Hey!</h1><p>Many happy returns.</p>"


@pytest_asyncio.fixture(loop_scope="session")
async def sample(pipeline: Pipeline, clock: FakeClock) -> Mapping[Status, UUID]:
    """People with greetings in every status; of each status one."""
    clock.set(NOON)
    async with pipeline.database.connection() as connection, connection.transaction():
        await add_sample(connection, timezones_of(), NOON)
    await pipeline.execute(
        "UPDATE users SET first_name = $1 WHERE id = (SELECT min(user_id::text)::uuid "
        "FROM message_logs WHERE status = 'SENT')",
        LONG,
    )
    await pipeline.execute("UPDATE message_logs SET message_html = $1, sender = 'inbox'", HTML)
    await pipeline.execute(
        "INSERT INTO message_events (event_id, delivery_date, message_id, provider, kind, code, "
        "happened_at, received_at) SELECT gen_random_uuid(), delivery_date, id, 'postmark', "
        "'returned', '4.2.2', scheduled_send_time + interval '1 h', now() FROM message_logs "
        "WHERE status = 'UNKNOWN'"
    )
    rows = await pipeline.rows("SELECT id, status FROM message_logs ORDER BY id")
    return {Status(row["status"]): row["id"] for row in rows}


async def test_the_list_looks_well_and_is_open_to_all(
    page: Page, sample: Mapping[Status, UUID]
) -> None:
    assert sample
    await page.goto("/messages")
    await expect(page.get_by_role("heading", name="Messages")).to_be_visible()
    await axe(page)
    await screenshot(page, "messages")
    await page.goto("/messages?status=UNKNOWN")
    await axe(page)
    await screenshot(page, "messages-unknown")


async def test_an_empty_list_and_a_wrong_filter_look_well(page: Page) -> None:
    await page.goto("/messages")
    await axe(page)
    await screenshot(page, "messages-empty")


async def test_one_message_looks_well(page: Page, sample: Mapping[Status, UUID]) -> None:
    for status in (Status.UNKNOWN, Status.SENT, Status.FAILED, Status.SCHEDULED):
        await page.goto(f"/messages/{sample[status]}")
        await expect(page.get_by_role("heading", name="What happened")).to_be_visible()
        if status is not Status.SENT:
            await axe(page)
        await screenshot(page, f"message-{status.lower()}")


async def test_the_letter_is_shown_and_runs_nothing(
    page: Page, sample: Mapping[Status, UUID]
) -> None:
    await page.goto(f"/messages/{sample[Status.SCHEDULED]}")
    frame = page.frame_locator("iframe")
    await page.locator("iframe").scroll_into_view_if_needed()
    await expect(frame.get_by_role("heading", name="Hey!")).to_be_visible()
    await expect(page).to_have_title("Message · Heyday")


async def test_by_keyboard_alone_many_are_decided_about(
    page: Page, pipeline: Pipeline, sample: Mapping[Status, UUID]
) -> None:
    assert sample
    await page.goto("/messages?status=SCHEDULED")
    boxes = page.get_by_role("checkbox")
    await boxes.first.focus()
    await page.keyboard.press("Space")
    await expect(boxes.first).to_be_checked()
    await tab_to(page, "Cancel…", at_most=200)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Cancel 1 greeting?")).to_be_visible()
    await axe(page)
    await screenshot(page, "messages-ask")
    yes = page.get_by_role("button", name="Cancel 1 greeting")
    await page.get_by_label("Why").focus()
    await page.keyboard.type("a mistake")
    await page.keyboard.press("Tab")
    await expect(yes).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("1 greeting was cancelled.")).to_be_visible()
    rows = await pipeline.rows(
        "SELECT FROM message_logs WHERE error_message = 'cancelled by a person: a mistake'"
    )
    assert len(rows) == 1


async def test_a_list_grows_in_place_and_without_scripts_goes_on(
    page: Page, open_page: OpenPage, pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(START_AT)
    for number in range(60):
        await pipeline.create(
            timezone="UTC", birthday_date="1990-01-15", email=f"{number}@example.com"
        )
    await page.goto("/messages?status=SCHEDULED")
    rows = page.locator("#rows > tr")
    await expect(rows).to_have_count(50)
    await page.get_by_role("link", name="More").click()
    await expect(rows).to_have_count(60)
    await expect(page.get_by_role("link", name="More")).to_have_count(0)
    plain = await open_page(Scope.MESSAGES_READ, javascript=False)
    await plain.goto("/messages?status=SCHEDULED")
    await plain.get_by_role("link", name="More").click()
    await expect(plain.locator("#rows > tr")).to_have_count(10)
    await expect(plain.get_by_role("checkbox")).to_have_count(0)
