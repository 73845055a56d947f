"""The calendar: a year ahead, a day with its people, and why somebody is among them or not."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html import unescape

import httpx
import pytest

from heyday.domain.access import Scope
from tests.factories import Pipeline
from tests.fakes import FakeClock
from tests.keys import Doors

NEW_YEAR = "/calendar/2027-01-01"
TOMORROW = "/calendar/2027-01-15"
# The FakeClock begins on Thursday 14 January 2027.
DAY_LINK = re.compile(r'<a href="/calendar/(\d{4}-\d\d-\d\d)"[^>]* aria-label="([^"]+)"')


async def page_of(client: httpx.AsyncClient, path: str) -> str:
    """Return a page that must be there."""
    reply = await client.get(path)
    assert reply.status_code == 200, path
    return unescape(reply.text)


def rows_of(page: str) -> list[str]:
    """Return the names in a day's list."""
    return re.findall(r"<bdi>([^<]+)</bdi>", page)


async def many_in(pipeline: Pipeline, zones: Sequence[str], each: int, **fields: object) -> None:
    for zone in zones:
        for n in range(each):
            await pipeline.insert(
                first_name="Hanako", last_name=f"{zone} {n}", timezone=zone, **fields
            )


async def test_each_of_366_days_is_a_link_with_a_spoken_name(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await many_in(pipeline, ["UTC"], 2, birthday_date="1990-02-14")
    await many_in(pipeline, ["Asia/Tokyo"], 1, anniversary_date="2020-06-01")
    days = dict(DAY_LINK.findall(await page_of(client, "/calendar")))
    assert days["2027-01-14"] == "Thursday 14 January 2027: 0 greetings"
    assert days["2027-02-14"] == "Sunday 14 February 2027: 2 greetings"
    assert days["2027-06-01"] == "Tuesday 1 June 2027: 1 greeting"
    assert days["2027-01-13"] == "Wednesday 13 January 2027: over"
    assert "2028-01-15" not in days
    assert len([name for name in days.values() if "over" not in name]) == 366


async def test_the_bulge_of_1_january_is_named_and_seen(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await many_in(pipeline, ["UTC"], 12, birthday_date="1990-01-01")
    for day in ("1990-03-05", "1990-03-06", "1990-03-07"):
        await many_in(pipeline, ["UTC"], 2, birthday_date=day)
    page = await page_of(client, "/calendar")
    assert "Saturday 1 January 2028</a> with 12 greetings; a usual day has 2" in page
    assert "many companies once wrote 1 January" in page
    assert 'class="l5"><a href="/calendar/2028-01-01"' in page
    assert 'class="l3"><a href="/calendar/2027-03-05"' in page


async def test_29_february_is_explained(client: httpx.AsyncClient, pipeline: Pipeline) -> None:
    await many_in(pipeline, ["UTC"], 3, birthday_date="1988-02-29")
    page = re.sub(r"\s+", " ", await page_of(client, "/calendar"))
    assert "3 people have this date. 2027 has none, so they are greeted on" in page
    assert '<a href="/calendar/2027-02-28">Sun 28 Feb 2027</a>, by the policy BACKWARD.' in page
    assert "Sunday 28 February 2027: 3 greetings" in page


async def test_without_people_the_calendar_says_what_to_do(client: httpx.AsyncClient) -> None:
    page = await page_of(client, "/calendar")
    assert "Nobody is greeted in the next 366 days." in page
    assert "/people/import" in page


async def test_who_is_greeted_tomorrow_in_japan_is_two_links_from_the_calendar(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await many_in(pipeline, ["Asia/Tokyo", "UTC"], 2, birthday_date="1990-01-15")
    await pipeline.daily.run_once()
    calendar = await page_of(client, "/calendar")
    assert f'href="{TOMORROW}">Tomorrow, Fri 15 Jan 2027</a>' in calendar
    day = await page_of(client, TOMORROW)
    assert "What is planned." in day
    (japan,) = set(re.findall(r'<a href="(\?zone=Asia/Tokyo#people)"', day))
    people = await page_of(client, TOMORROW + japan.removesuffix("#people"))
    assert sorted(rows_of(people)) == ["Hanako Asia/Tokyo 0", "Hanako Asia/Tokyo 1"]
    assert "Who, in Japan (Asia/Tokyo)" in people
    # By their own clock, and in UTC.
    assert "Fri 15 Jan 2027, 09:00:00</time>" in people
    assert "Fri 15 Jan 2027, 00:00:00</td>" in people


@pytest.mark.parametrize("is_planned", [True, False])
async def test_a_day_goes_on_page_by_page_with_its_filter(
    client: httpx.AsyncClient, pipeline: Pipeline, *, is_planned: bool
) -> None:
    await many_in(pipeline, ["America/Lima", "America/Denver"], 60, birthday_date="1990-01-15")
    if is_planned:
        await pipeline.daily.run_once()
    names: list[str] = []
    path = TOMORROW + "?country=PE"
    while True:
        page = await page_of(client, path)
        assert ("What is planned." in page) == is_planned
        names += rows_of(page)
        found = re.search(r'rel="next" href="([^"#]+)#people">Next', page)
        if found is None:
            break
        path = TOMORROW + found.group(1)
        assert "country=PE" in path
    assert sorted(names) == sorted(f"Hanako America/Lima {n}" for n in range(60))
    assert "From the beginning" in page


async def test_a_day_says_what_it_is_read_from(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    await many_in(pipeline, ["UTC"], 1, birthday_date="1990-01-15")
    assert "A forecast." in await page_of(client, "/calendar/2027-06-01")
    assert "Nobody is greeted on this day." in await page_of(client, "/calendar/2027-06-01")
    await pipeline.daily.run_once()
    clock.set(datetime(2027, 1, 15, 9, tzinfo=UTC))
    await pipeline.send_due()
    clock.set(datetime(2027, 1, 16, tzinfo=UTC))
    page = await page_of(client, TOMORROW)
    assert "What became of it." in page
    assert '<span class="badge sent">SENT</span>' in page
    assert "No greetings of this day are on record" in await page_of(client, "/calendar/2026-06-01")


async def test_why_not_is_answered_for_the_day_and_the_name_is_in_no_url(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    for fields in (
        {"first_name": "Hanako", "birthday_date": "1990-01-15"},
        {"first_name": "Kenji", "birthday_date": "1990-06-01"},
        {"first_name": "Yuki", "birthday_date": "1990-01-15"},
    ):
        user = await pipeline.create(last_name="Sato", timezone="Asia/Tokyo", **fields)
        if user.first_name == "Yuki":
            await pipeline.users.unsubscribe(user.id)
    reply = await client.post(f"{TOMORROW}/why", data={"query": "sato"})
    assert (reply.status_code, reply.url.query) == (200, b"")
    page = re.sub(r"\s+", " ", unescape(reply.text))
    assert "Hanako Sato</a>" in page
    greeted, other, left = (
        page.split(f"{name} Sato</a>")[1].split("</article>")[0]
        for name in ("Hanako", "Kenji", "Yuki")
    )
    assert "will be greeted" in greeted
    assert "2027-01-15 00:00:00 UTC, Friday 15 January 2027, 09:00:00 (UTC+09:00)" in greeted
    assert "is not sent. That year's greeting is on Tuesday 1 June 2027" in other
    assert "is not sent. Unsubscribed on 2027-01-14" in left


async def test_who_was_deleted_is_explained_by_the_whole_address(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await pipeline.create(email="sato@example.com", birthday_date="1990-01-15")
    await pipeline.users.delete(user.id)
    reply = await client.post(f"{TOMORROW}/why", data={"query": " sato@example.com "})
    assert "Deleted on 2027-01-14" in reply.text
    reply = await client.post(f"{TOMORROW}/why", data={"query": "nobody@example.com"})
    assert "Nobody is known whose name or address begins so." in reply.text


async def test_very_many_of_a_name_are_cut(client: httpx.AsyncClient, pipeline: Pipeline) -> None:
    await many_in(pipeline, ["UTC"], 6, birthday_date="1990-01-15")
    reply = await client.post(f"{TOMORROW}/why", data={"query": "hanako"})
    assert reply.text.count('class="cal-answer"') == 5
    assert "There are more of this name." in reply.text


@pytest.mark.parametrize("query", ["", " ", "x" * 256, "a\x00b"])
async def test_a_question_that_is_none_is_refused_where_it_was_asked(
    client: httpx.AsyncClient, query: str
) -> None:
    reply = await client.post(f"{TOMORROW}/why", data={"query": query})
    assert reply.status_code == 422
    assert 'aria-invalid="true"' in reply.text


@pytest.mark.parametrize(
    "path",
    [
        "/calendar/1899-12-31",
        "/calendar/2027-02-30",
        "/calendar/tomorrow",
        f"{NEW_YEAR}?zone=Mars/Olympus",
        f"{NEW_YEAR}?country=XX",
        f"{NEW_YEAR}?type=EASTER",
    ],
)
async def test_what_there_is_not_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_a_place_that_is_none_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{NEW_YEAR}?after=1")).status_code == 422


async def test_a_name_is_text_and_nothing_else(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.insert(first_name="<script>", last_name="{{ 7*7 }}", birthday_date="1990-01-15")
    reply = await client.get(TOMORROW)
    assert "&lt;script&gt; {{ 7*7 }}" in reply.text
    reply = await client.post(f"{TOMORROW}/why", data={"query": "<script>"})
    assert "<script>" not in reply.text
    assert "&lt;script&gt; {{ 7*7 }}" in reply.text


async def test_pages_take_a_key_that_may_see_people(
    client: httpx.AsyncClient, pipeline: Pipeline, doors: Doors
) -> None:
    await many_in(pipeline, ["UTC"], 1, birthday_date="1990-01-15")
    await pipeline.daily.run_once()
    messages = await doors.opened(Scope.MESSAGES_READ)
    for path in ("/calendar", TOMORROW):
        assert (await client.get(path, headers=messages)).status_code == 403
    refused = await client.post(f"{TOMORROW}/why", data={"query": "h"}, headers=messages)
    assert refused.status_code == 403
    assert "SCHEDULED" in await page_of(client, TOMORROW)
    people = await client.get(TOMORROW, headers=await doors.opened(Scope.USERS_READ))
    assert people.status_code == 200
    assert "SCHEDULED" not in people.text


async def test_whoever_is_shown_is_noted_in_the_audit_log(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await many_in(pipeline, ["UTC"], 2, birthday_date="1990-01-15")
    ids = {row["id"] for row in await pipeline.rows("SELECT id FROM users")}
    await client.get(TOMORROW)
    await client.post(f"{TOMORROW}/why", data={"query": "hanako"})
    noted = await pipeline.rows(
        "SELECT action, subject_ids FROM audit_log WHERE actor_kind = 'key' ORDER BY id"
    )
    found = [(row["action"], set(row["subject_ids"])) for row in noted]
    assert found == [("day.show", ids), ("day.explain", ids)]
