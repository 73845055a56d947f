"""The inbox page and what it polls, fed by the real pipeline."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from heyday.db.inbox import InboxRepository
from heyday.domain.models import ClaimedMessage
from tests.factories import Pipeline

LOCAL = re.compile(r"(?:src|href)=\"(/[^\"]*)\"")


async def deliver(
    pipeline: Pipeline, inbox: InboxRepository, late: timedelta, **fields: object
) -> ClaimedMessage:
    """Plan a greeting for a person and put it into the inbox that long after its instant."""
    user = await pipeline.create(**fields)
    row = await pipeline.message(user.id)
    message = ClaimedMessage(
        id=row["id"],
        user_id=user.id,
        scheduled_send_at=row["scheduled_send_time"],
        epoch=1,
        retry_count=0,
        ambiguous_count=0,
        message_type=row["message_type"],
        idempotency_key=row["idempotency_key"],
        email=user.email,
        text=row["message_content"],
    )
    await inbox.add(message, message.scheduled_send_at + late)
    return message


async def test_without_people_there_is_nothing_to_show(client: httpx.AsyncClient) -> None:
    assert (await client.get("/inbox/messages")).json() == {
        "now": "2027-01-14T00:00:00Z",
        "sender": "inbox",
        "next": None,
        "latest_id": 0,
        "letters": [],
    }


async def test_a_letter_is_shown_with_the_wall_clock_of_its_zone(
    client: httpx.AsyncClient, pipeline: Pipeline, inbox: InboxRepository
) -> None:
    await deliver(
        pipeline,
        inbox,
        late=timedelta(seconds=1.25),
        email="ada@example.com",
        timezone="Asia/Kathmandu",
        birthday_date="1990-01-14",
    )
    (letter,) = (await client.get("/inbox/messages")).json()["letters"]
    assert letter == {
        "id": 1,
        "email": "ada@example.com",
        "message": "Hey, Ada Lovelace it's your birthday",
        "timezone": "Asia/Kathmandu",
        "scheduled_local": "Thu 14 Jan 2027, 09:00:00",
        "received_local": "Thu 14 Jan 2027, 09:00:01",
        "received_at": "2027-01-14T03:15:01.250000Z",
        "late_seconds": 1.25,
        "unsubscribe": letter["unsubscribe"],
    }


async def test_letters_come_newest_first_and_only_those_not_yet_seen(
    client: httpx.AsyncClient, pipeline: Pipeline, inbox: InboxRepository
) -> None:
    for zone in ("Asia/Tokyo", "Europe/London", "America/Lima"):
        await deliver(pipeline, inbox, timedelta(), timezone=zone, birthday_date="1990-01-14")
    everything = (await client.get("/inbox/messages")).json()
    assert [letter["id"] for letter in everything["letters"]] == [3, 2, 1]
    news = (await client.get("/inbox/messages?after=2")).json()
    assert [letter["timezone"] for letter in news["letters"]] == ["America/Lima"]
    assert everything["latest_id"] == news["latest_id"] == 3


async def test_a_letter_of_a_vanished_greeting_is_still_shown(
    client: httpx.AsyncClient, pipeline: Pipeline, inbox: InboxRepository
) -> None:
    await deliver(pipeline, inbox, timedelta(), birthday_date="1990-01-14")
    await pipeline.execute("DELETE FROM message_logs")
    (letter,) = (await client.get("/inbox/messages")).json()["letters"]
    assert letter["timezone"] is None
    assert letter["received_local"] == "Thu 14 Jan 2027, 09:00:00"


async def test_who_is_next_is_shown_with_their_own_time(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.create(timezone="America/Lima", birthday_date="1990-01-15")
    await pipeline.create(first_name="Grace", timezone="Asia/Tokyo", anniversary_date="2015-01-15")
    assert (await client.get("/inbox/messages")).json()["next"] == {
        "name": "Grace Lovelace",
        "message_type": "ANNIVERSARY",
        "timezone": "Asia/Tokyo",
        "scheduled_at": datetime(2027, 1, 15, tzinfo=UTC).isoformat().replace("+00:00", "Z"),
        "scheduled_local": "Fri 15 Jan 2027, 09:00:00",
    }


async def test_who_is_next_stays_so_while_queued_ahead_of_the_instant(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await pipeline.create(birthday_date="1990-01-14")
    pipeline.clock.set(datetime(2027, 1, 14, 8, 59, tzinfo=UTC))  # type: ignore[attr-defined]
    await pipeline.minute.run_once()
    assert await pipeline.statuses(user.id) == ["QUEUED"]
    assert (await client.get("/inbox/messages")).json()["next"]["name"] == "Ada Lovelace"


async def test_the_page_and_all_it_refers_to_are_served_from_here(
    client: httpx.AsyncClient,
) -> None:
    page = await client.get("/inbox")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assert "<style" not in page.text
    assert not re.search(r"<script(?! src=\"/)", page.text)
    assert not re.search(r"(?:src|href)=\"(?:\w+:|//)", page.text)
    for path in LOCAL.findall(page.text):
        assert (await client.get(path)).status_code == 200, path


async def test_the_script_never_writes_markup(client: httpx.AsyncClient) -> None:
    script = (await client.get("/static/inbox.js")).text
    assert "textContent" in script
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("inbox.js", "text/javascript; charset=utf-8"),
        ("inbox.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ],
)
async def test_files_have_their_types(
    client: httpx.AsyncClient, name: str, media_type: str
) -> None:
    reply = await client.get(f"/static/{name}")
    assert (reply.status_code, reply.headers["content-type"]) == (200, media_type)


@pytest.mark.parametrize("path", ["/static/nothing.js", "/static/../pages.py", "/static/%2e%2e"])
async def test_no_other_file_is_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_the_root_leads_to_the_inbox(client: httpx.AsyncClient) -> None:
    reply = await client.get("/")
    assert (reply.status_code, reply.headers["location"]) == (307, "/inbox")
