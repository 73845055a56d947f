"""The page behind a link, and the POST of mail programs (RFC 8058)."""

import re
from uuid import UUID

import httpx
import pytest

from heyday.db.privacy import PrivacyRepository
from heyday.domain.models import User
from heyday.domain.sealing import LinkSubject
from tests.factories import SEALS, Pipeline
from tests.keys import Doors

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def path_of(user_id: UUID, message_type: str = "BIRTHDAY") -> str:
    return f"/unsubscribe/{SEALS.write_link(LinkSubject(user_id, message_type))}"


@pytest.fixture
async def client(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Somebody with a link and no key."""
    del client.headers["Authorization"]
    return client


@pytest.fixture
async def user(pipeline: Pipeline) -> User:
    return await pipeline.create(birthday_date="1990-01-15", anniversary_date="2020-01-15")


async def left(pipeline: Pipeline, user: User) -> list[str]:
    return sorted((await pipeline.users.get(user.id)).unsubscribed_types)


@pytest.mark.parametrize("body", [ONE_CLICK, "", "anything=else"])
async def test_one_click_leaves_the_type_of_the_link_before_the_reply(
    client: httpx.AsyncClient, pipeline: Pipeline, user: User, body: str
) -> None:
    reply = await client.post(path_of(user.id), content=body, headers=FORM if body else {})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "set-cookie" not in reply.headers
    assert await left(pipeline, user) == ["BIRTHDAY"]
    assert sorted(await pipeline.statuses(user.id)) == ["CANCELLED", "SCHEDULED"]


async def test_one_click_as_multipart_leaves_as_well(
    client: httpx.AsyncClient, pipeline: Pipeline, user: User
) -> None:
    reply = await client.post(
        path_of(user.id), files={"List-Unsubscribe": (None, "One-Click", None)}
    )
    assert reply.status_code == 200
    assert await left(pipeline, user) == ["BIRTHDAY"]


async def test_a_link_may_be_followed_twice(client: httpx.AsyncClient, user: User) -> None:
    replies = [await client.post(path_of(user.id), content=ONE_CLICK) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[0].text == replies[1].text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_changes_nothing(
    client: httpx.AsyncClient, pipeline: Pipeline, user: User, method: str
) -> None:
    before = await pipeline.rows("SELECT * FROM users")
    reply = await client.request(method, path_of(user.id))
    assert reply.status_code == 200
    assert await pipeline.rows("SELECT * FROM users") == before
    assert await pipeline.value("SELECT count(*) FROM suppressions") == 0


async def test_the_page_asks_and_its_buttons_do_what_they_say(
    client: httpx.AsyncClient, pipeline: Pipeline, user: User
) -> None:
    page = (await client.get(path_of(user.id))).text
    assert "<h1>Greet me no more?</h1>" in page
    buttons = re.findall(r'<button class="\w+" name="(\w+)" value="(\w+)">([\w ]+)</button>', page)
    assert buttons == [
        ("which", "type", "Stop birthday greetings"),
        ("which", "all", "Stop all greetings"),
    ]
    reply = await client.post(path_of(user.id), data={"which": "type"})
    assert "no more birthday greetings" in reply.text
    assert await left(pipeline, user) == ["BIRTHDAY"]
    reply = await client.post(path_of(user.id), data={"which": "all"})
    assert "no more greetings" in reply.text
    assert (await pipeline.users.get(user.id)).unsubscribed_at is not None


@pytest.mark.parametrize("gone", ["delete", "erase"])
async def test_the_link_of_somebody_who_is_gone_works(
    client: httpx.AsyncClient, pipeline: Pipeline, user: User, gone: str
) -> None:
    if gone == "delete":
        await pipeline.users.delete(user.id)
    else:
        await PrivacyRepository(pipeline.database, SEALS).erase(user.id, pipeline.clock.now())
    replies = [await client.get(path_of(user.id)), await client.post(path_of(user.id))]
    assert [reply.status_code for reply in replies] == [200, 200]


async def test_the_pages_tell_nothing_of_the_person(client: httpx.AsyncClient, user: User) -> None:
    for reply in (await client.get(path_of(user.id)), await client.post(path_of(user.id))):
        for secret in (user.first_name, user.last_name, user.email, str(user.id)):
            assert secret not in reply.text


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_forged_link_is_not_found_whomever_it_is_for(
    client: httpx.AsyncClient, pipeline: Pipeline, user: User, method: str
) -> None:
    path = path_of(user.id)
    forged = [path[:-1] + ("A" if path[-1] != "A" else "B"), "/unsubscribe/x", path + "x"]
    replies = [await client.request(method, each) for each in forged]
    assert {reply.status_code for reply in replies} == {404}
    assert len({reply.text for reply in replies}) == 1
    assert await left(pipeline, user) == []


async def test_only_the_forms_of_these_pages_may_be_sent_and_to_here_alone(
    client: httpx.AsyncClient, user: User
) -> None:
    page = await client.get(path_of(user.id))
    policy = page.headers["content-security-policy"]
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'none'" in (await client.get("/docs")).headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r"<script|<style| style=|https?:", page.text)
    for path in re.findall(r'(?:src|href)="(/[^"]*)"', page.text):
        assert (await client.get(path)).status_code == 200, path


async def test_a_letter_of_the_inbox_has_its_link(
    client: httpx.AsyncClient, doors: Doors, pipeline: Pipeline, user: User
) -> None:
    client.headers.update(await doors.opened())
    await pipeline.execute(
        "INSERT INTO inbox_messages (idempotency_key, email, message, scheduled_send_time, "
        "received_at) SELECT idempotency_key, 'a@b.c', 'Hey', scheduled_send_time, now() "
        "FROM message_logs WHERE message_type = 'ANNIVERSARY'"
    )
    (letter,) = (await client.get("/inbox/messages")).json()["letters"]
    assert letter["unsubscribe"] == path_of(user.id, "ANNIVERSARY")
