"""The page that tells how the day is going, over greetings in every state."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from heyday.domain.access import Scope
from heyday.domain.transitions import Status
from heyday.web.live import EVENTS
from tests.factories import Pipeline
from tests.fakes import FakeClock
from tests.greetings import Greetings
from tests.keys import Doors

MIDNIGHT = datetime(2027, 1, 14, tzinfo=UTC)
EIGHT, NINE, TEN = (MIDNIGHT + timedelta(hours=hour) for hour in (8, 9, 10))
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
TAG = re.compile(r"<[^<>]*>")


def words(html: str) -> str:
    """Return what a reader sees of a page, with one space between words."""
    return " ".join(TAG.sub(" ", html).split())


@pytest.fixture
async def morning(pipeline: Pipeline, clock: FakeClock) -> None:
    """Berlin has been greeted, London is being greeted, the Azores are to come."""
    for each in (
        Greetings(EIGHT, count=1200),
        Greetings(EIGHT, late=5 * MINUTE, count=3),
        Greetings(EIGHT, Status.FAILED, count=2),
        Greetings(EIGHT, Status.UNKNOWN),
        Greetings(NINE, Status.QUEUED, count=4, zone="Europe/London"),
        Greetings(
            TEN, Status.SCHEDULED, count=7, zone="Atlantic/Azores", message_type="ANNIVERSARY"
        ),
    ):
        await each.write(pipeline)
    clock.set(NINE + 5 * MINUTE)


@pytest.mark.usefixtures("morning")
async def test_the_day_is_told_in_figures_and_words(client: httpx.AsyncClient) -> None:
    response = await client.get("/today")
    assert response.status_code == 200
    text = words(response.text)
    assert "Sent 1,203 of 1,217 greetings of the day: 7 anniversary, 1,210 birthday" in text
    assert "To come 11 on their way: 4" in text
    assert "Did not arrive 3 2 failed , 1 unknown" in text
    assert "3 more than a minute late" in text
    assert "It is 09:00 in London (UTC+00:00). Next: Azores (UTC-01:00), in 55 min." in text
    assert "In 55 min: Thu 14 Jan 2027, 09:00:00 Atlantic/Azores" in text
    assert "As of Thu 14 Jan 2027, 09:05:00 UTC." in text


@pytest.mark.usefixtures("morning")
async def test_what_needs_somebody_leads_to_where_it_is(client: httpx.AsyncClient) -> None:
    page = (await client.get("/today")).text
    assert "Overdue: 4." in words(page)
    for link in (
        "/messages?status=UNKNOWN",
        "/messages?status=FAILED&amp;date=2027-01-14",
        "/messages?zone=Atlantic/Azores&amp;date=2027-01-14",
        "/calendar",
    ):
        assert f'href="{link}"' in page


async def test_a_day_without_greetings_says_so(client: httpx.AsyncClient) -> None:
    text = words((await client.get("/today")).text)
    assert "Sent 0 of 0 greetings of the day" in text
    assert "nothing was sent yet" in text
    assert "Nothing is planned for the next two days." in text
    assert "This needs somebody" not in text


@pytest.mark.usefixtures("morning")
async def test_yesterday_is_told_as_a_day_that_is_over(
    client: httpx.AsyncClient, clock: FakeClock
) -> None:
    clock.set(NINE + DAY)
    response = await client.get("/today", params={"on": "2027-01-14"})
    text = words(response.text)
    assert "<h1>Thu 14 Jan 2027</h1>" in response.text
    assert "Not at an end 11" in text
    assert "data-live" not in response.text
    assert "Next to be greeted" not in text
    assert '<a class="button quiet" rel="next" href="/today">' in response.text


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("2027-01-15", "That day has not come yet"),
        ("tomorrow", "That is no date"),
        ("2027-02-30", "That is no date"),
        ("0001-01-01", "That is no date"),
        ("<script>", "That is no date"),
    ],
)
async def test_a_day_that_cannot_be_shown_is_refused_in_plain_words(
    client: httpx.AsyncClient, asked: str, says: str
) -> None:
    response = await client.get("/today", params={"on": asked})
    assert response.status_code == 422
    assert says in words(response.text)
    assert "<script>" not in response.text


@pytest.mark.usefixtures("morning")
async def test_who_may_not_see_people_sees_no_names(
    client: httpx.AsyncClient, doors: Doors
) -> None:
    headers = await doors.opened(Scope.MESSAGES_READ)
    page = await client.get("/today", headers=headers)
    assert page.status_code == 200
    assert "Lovelace" not in page.text
    assert "A greeting" in page.text
    # What was rendered for one is not shown to another.
    assert "Ada Lovelace" in (await client.get("/today")).text
    assert "Lovelace" not in (await client.get("/today", headers=headers)).text


@pytest.mark.parametrize("path", ["/today", "/today/events"])
async def test_a_key_that_may_not_is_refused(
    client: httpx.AsyncClient, doors: Doors, path: str
) -> None:
    headers = await doors.opened(Scope.USERS_READ)
    assert (await client.get(path, headers=headers)).status_code == 403


@pytest.mark.usefixtures("morning")
async def test_looking_all_day_costs_what_looking_once_does(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    # With the second, what was counted behind the first is there too.
    _, first = [(await client.get("/today")).text for _ in range(2)]
    await pipeline.execute("ALTER TABLE message_logs RENAME TO not_to_be_read")
    try:
        assert (await client.get("/today")).text == first
    finally:
        await pipeline.execute("ALTER TABLE not_to_be_read RENAME TO message_logs")


@pytest.mark.usefixtures("morning")
async def test_no_page_is_heavier_than_it_may_be(client: httpx.AsyncClient) -> None:
    page = await client.get("/today", headers={"Accept-Encoding": "gzip"})
    assert page.headers["Content-Encoding"] == "gzip"
    assert len(page.content) < 60_000


async def test_a_reply_of_events_is_one_that_no_proxy_gathers(
    client: httpx.AsyncClient, clock: FakeClock
) -> None:
    # Here a reply comes whole, and this one is a minute long.
    asking = asyncio.ensure_future(client.get("/today/events"))
    await clock.wait_for_sleepers(1)
    clock.advance(timedelta(minutes=2))
    reply = await asking
    assert reply.headers["Content-Type"].startswith(EVENTS)
    assert reply.headers["Cache-Control"] == "no-store"
    assert "Content-Encoding" not in reply.headers
    names = re.findall(r"^event: (.*)$", reply.text, re.MULTILINE)
    assert names[-1] == "again"
    assert {"today-figures", "today-chart", "today-map", "today-as-of"} <= set(names)
    page = (await client.get("/today")).text
    assert all(f'id="{name}"' in page for name in names[:-1])
