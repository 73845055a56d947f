"""The inbox: its list, its letters, and what it asks for, fed by the real pipeline."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from heyday.db.inbox import InboxRepository
from tests.factories import Pipeline
from tests.greetings import deliver

LOCAL = re.compile(r"(?:src|href)=\"(/[^\"]*)\"")
HOSTILE = "<p onclick='x()'>Hey</p><script>x()</script><img src='https://elsewhere.example/p.png'>"
TODAY = {"birthday_date": "1990-01-14"}


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
        "subject": "Happy birthday!",
        "language": "en",
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
    client: httpx.AsyncClient, pipeline: Pipeline, inbox: InboxRepository
) -> None:
    await deliver(pipeline, inbox, timedelta(), html="<p>Hey</p>", **TODAY)
    await pipeline.create(birthday_date="1990-01-15")
    for path in ("/inbox", "/inbox/1"):
        page = await client.get(path)
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["content-security-policy"].startswith("default-src 'self'")
        assert not re.search(r"(?:src|href)=\"(?:\w+:|//)", page.text)
        ours = {found for found in LOCAL.findall(page.text) if "/static/" in found}
        for found in [*ours, "/inbox/1/letter", "/inbox/next"]:
            assert (await client.get(found)).status_code == 200, found


async def test_the_list_shows_letters_without_a_script(
    client: httpx.AsyncClient, pipeline: Pipeline, inbox: InboxRepository
) -> None:
    empty = (await client.get("/inbox")).text
    assert "No letter yet." in empty
    assert "Nobody in the next two days" in empty
    late = timedelta(hours=2, minutes=3)
    await deliver(pipeline, inbox, late, first_name="<b>Ada", email="ada@example.com", **TODAY)
    page = (await client.get("/inbox")).text
    assert "Hey, &lt;b&gt;Ada Lovelace it&#39;s your birthday" in page
    assert "2 h 3 min after it was due" in page
    assert 'href="/inbox/1"' in page
    assert '<p class="next-name"><bdi>&lt;b&gt;Ada Lovelace</bdi></p>' in page
    assert 'data-until="2027-01-14T09:00:00Z"' in page


async def test_letters_beyond_a_page_are_behind_a_link(
    client: httpx.AsyncClient, pipeline: Pipeline, inbox: InboxRepository
) -> None:
    message = await deliver(pipeline, inbox, timedelta(), **TODAY)
    user_id, at = message.user_id, message.scheduled_send_at
    for day in range(1, 106):
        key = f"{user_id}:BIRTHDAY:{1900 + day}-01-14"
        await inbox.add(replace(message, idempotency_key=key), at)
    numbers: list[int] = []
    path = "/inbox"
    while path:
        page = (await client.get(path)).text
        numbers += map(int, re.findall(r'class="letter-open" href="/inbox/(\d+)"', page))
        found = re.search(r'rel="next" href="([^"]*)"', page)
        path = found[1] if found else ""
    assert numbers == list(range(106, 0, -1)) != []


async def test_a_letter_is_shown_as_its_person_would_see_it(
    client: httpx.AsyncClient, pipeline: Pipeline, inbox: InboxRepository
) -> None:
    sent = await deliver(pipeline, inbox, timedelta(), html=HOSTILE, email="a@b.example", **TODAY)
    page = (await client.get("/inbox/1")).text
    for part in ("Happy birthday!", "a@b.example", "Heyday", f"/people/{sent.user_id}"):
        assert part in page
    assert HOSTILE not in page
    assert re.search(r'<iframe [^>]*src="/inbox/1/letter"[^>]*sandbox="([^"]*)"', page)
    assert "allow-scripts" not in page
    assert "allow-same-origin" not in page
    leave = re.search(r'href="(/unsubscribe/[^"]*)"', page)
    assert leave
    assert "Stop birthday greetings" in (await client.get(leave[1])).text


async def test_html_has_a_policy_of_its_own(
    client: httpx.AsyncClient, pipeline: Pipeline, inbox: InboxRepository
) -> None:
    await deliver(pipeline, inbox, timedelta(), html=HOSTILE, **TODAY)
    letter = await client.get("/inbox/1/letter")
    assert letter.text.endswith(HOSTILE)
    rules = dict(
        rule.strip().partition(" ")[::2]
        for rule in letter.headers["content-security-policy"].split(";")
    )
    assert "allow-scripts" not in rules["sandbox"]
    assert rules["default-src"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data:"
    assert rules["frame-ancestors"] == "'self'"
    assert letter.headers["cache-control"] == "no-store"


async def test_a_letter_without_html_is_plain_text(
    client: httpx.AsyncClient, pipeline: Pipeline, inbox: InboxRepository
) -> None:
    await deliver(pipeline, inbox, timedelta(), **TODAY)
    page = (await client.get("/inbox/1")).text
    assert "Hey, Ada Lovelace it&#39;s your birthday" in page
    assert "<iframe" not in page
    assert (await client.get("/inbox/1/letter")).status_code == 404


async def test_an_emptied_letter_says_so(
    client: httpx.AsyncClient, pipeline: Pipeline, inbox: InboxRepository
) -> None:
    sent = await deliver(pipeline, inbox, timedelta(), html="<p>Hey Ada</p>", **TODAY)
    await client.post(f"/api/v1/users/{sent.user_id}/erase")
    (row,) = await pipeline.rows("SELECT subject, html, language FROM inbox_messages")
    assert tuple(row) == ("", None, "und")
    assert "The text of this letter was removed" in (await client.get("/inbox/1")).text


@pytest.mark.parametrize("number", ["7", "99999999999999999999"])
async def test_a_letter_that_there_is_not(client: httpx.AsyncClient, number: str) -> None:
    page = await client.get(f"/inbox/{number}")
    assert (page.status_code, "No such letter" in page.text) == (404, True)


async def test_news_are_what_came_since(
    client: httpx.AsyncClient, pipeline: Pipeline, inbox: InboxRepository
) -> None:
    for zone in ("Asia/Tokyo", "Europe/London", "America/Lima"):
        await deliver(pipeline, inbox, timedelta(), timezone=zone, birthday_date="1990-01-14")
    nothing = await client.get("/inbox/news?after=3")
    assert (nothing.status_code, nothing.text) == (304, "")
    assert nothing.headers["hx-reswap"] == "none"
    news = (await client.get("/inbox/news?after=1")).text
    assert re.findall(r'href="/inbox/(\d+)"', news) == ["3", "2"]
    assert 'hx-get="/inbox/news?after=3"' in news
    assert 'hx-swap-oob="afterbegin"' in news


@pytest.mark.parametrize("after", ["8", "-5", "99999999999999999999"])
async def test_who_knows_letters_that_are_gone_gets_the_whole_list(
    client: httpx.AsyncClient, pipeline: Pipeline, inbox: InboxRepository, after: str
) -> None:
    await deliver(pipeline, inbox, timedelta(), **TODAY)
    news = (await client.get(f"/inbox/news?after={after}")).text
    assert re.findall(r'href="/inbox/(\d+)"', news) == ["1"]


async def test_a_look_at_a_letter_is_noted_and_a_look_for_news_that_there_are_not_is_none(
    client: httpx.AsyncClient, pipeline: Pipeline, inbox: InboxRepository
) -> None:
    sent = await deliver(pipeline, inbox, timedelta(), **TODAY)
    await client.get("/inbox/news?after=1")
    await client.get("/inbox/1")
    looks = "SELECT action, subject_ids FROM audit_log WHERE actor_kind = 'key'"
    (look,) = await pipeline.rows(looks)
    assert tuple(look) == ("letter.show", [sent.user_id])


async def test_who_is_next_is_shown_anew_only_if_it_is_another(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await pipeline.create(**TODAY)
    path = re.search(r'hx-get="(/inbox/next[^"]*)"', (await client.get("/inbox")).text)
    assert path
    same = await client.get(path[1])
    assert (same.status_code, same.text) == (304, "")
    await pipeline.users.patch(user.id, {"first_name": "Grace"})
    assert "Grace Lovelace" in (await client.get(path[1])).text
    await pipeline.users.delete(user.id)
    assert "Nobody in the next two days" in (await client.get(path[1])).text
