"""The page of a person: what is known, what comes next and why, and what came before."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar

from heyday.domain.access import Scope
from heyday.web.person_view import GREETINGS
from tests.factories import Pipeline
from tests.fakes import FakeClock
from tests.integration.web.markup import Markup
from tests.keys import Doors

HTMX = {"HX-Request": "true"}
TOKYO = {"timezone": "Asia/Tokyo", "birthday_date": "1990-01-15"}


async def read(client: httpx.AsyncClient, path: object, status: int = 200) -> Markup:
    response = await client.get(f"/people/{path}")
    assert response.status_code == status
    return Markup(response.text)


async def ask(client: httpx.AsyncClient, user_id: UUID, on: str) -> Markup:
    response = await client.post(f"/people/{user_id}/explanation", data={"on": on})
    assert response.status_code == 200
    return Markup(response.text)


async def test_it_tells_what_is_known(client: httpx.AsyncClient, pipeline: Pipeline) -> None:
    yuki = await pipeline.create(
        first_name="Yuki", last_name="Sato", location_city="Kobe", location_country="Japan",
        locale="ja", anniversary_date="--05-01", **TOKYO
    )  # fmt: skip
    page = await read(client, yuki.id)
    for said in (
        "Yuki Sato", yuki.email, "15 January 1990", "1 May", "the year is not known",
        "Tokyo, Japan", "Asia/Tokyo, UTC+09:00", "Thu 14 Jan 2027, 09:00:00", "Kobe, Japan", "ja",
    ):  # fmt: skip
        assert said in page.words, said


async def test_the_next_greeting_is_told_there_and_in_utc(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    yuki = await pipeline.create(**TOKYO)
    page = await read(client, yuki.id)
    for said in (
        "Birthday greeting , Fri 15 Jan 2027",
        "Will be sent",
        "Fri 15 Jan 2027, 09:00:00 Tokyo, Japan",
        "Fri 15 Jan 2027, 00:00:00 UTC",
        "Greetings leave at 09:00:00 on the person's own clock.",
        "No date is known on which to greet them.",
    ):
        assert said.replace(" , ", ", ") in page.words.replace(" , ", ", "), said


async def test_a_date_is_asked_about_by_a_form_that_leaves_no_trace_in_addresses(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    yuki = await pipeline.create(**TOKYO)
    page = await ask(client, yuki.id, "2028-01-15")
    assert "Sat 15 Jan 2028" in page.words
    assert "On the date asked about" in page.words
    other = await ask(client, yuki.id, "2027-03-01")
    assert "Is not sent" in other.words
    assert "not on this date" in other.words
    path = f"/people/{yuki.id}/explanation"
    part = await client.post(path, data={"on": "2028-01-15"}, headers=HTMX)
    assert part.text.startswith('<section class="card next" id="next"')
    again = await client.get(path)
    assert (again.status_code, again.headers["location"]) == (307, f"/people/{yuki.id}")


@pytest.mark.parametrize("on", ["tomorrow", "2027-02-30", "1000-01-01", "9999-12-31"])
async def test_a_date_that_is_none_is_told_of(
    client: httpx.AsyncClient, pipeline: Pipeline, on: str
) -> None:
    yuki = await pipeline.create(**TOKYO)
    page = await ask(client, yuki.id, on)
    assert "expected a date from 1900-01-01" in page.words
    assert "What comes next, and why" in page.words


async def test_a_29_february_says_what_it_means_in_other_years(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    leap = await pipeline.create(birthday_date="--02-29")
    page = await read(client, leap.id)
    assert "In the others, the birthday greeting comes on 28 February." in page.words
    assert "Sun 28 Feb 2027" in page.words


async def test_a_zone_that_there_is_not_is_told_of(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    lost = await pipeline.insert(timezone="Mars/Base", birthday_date="1990-01-15")
    page = await read(client, lost)
    assert "has no zone Mars/Base, so they are not greeted." in page.words
    assert f"/people/{lost}/edit#timezone" in page.links
    dropped = await pipeline.insert(timezone="US/Pacific-New", birthday_date="1990-01-15")
    page = await read(client, dropped)
    assert "the clock of America/Los_Angeles, its successor, counts." in page.words


async def test_greetings_are_listed_the_latest_first_page_by_page(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    ada, other = await pipeline.create(), await pipeline.create()
    written = await _write(pipeline, ada.id, GREETINGS + 2)
    await _write(pipeline, other.id, 1)
    first = await read(client, ada.id)
    assert _messages(first) == written[:GREETINGS]
    assert "SENT" in first.words
    (older,) = {link for link in first.links if "before=" in link}
    whole = await client.get(older)
    assert _messages(Markup(whole.text)) == written[GREETINGS:]
    assert "What is known of them" in whole.text
    part = await client.get(older, headers=HTMX)
    assert part.text.startswith('<section class="stack" id="greetings"')
    assert _messages(Markup(part.text)) == written[GREETINGS:]
    beyond = f"/people/{ada.id}/greetings?before={written[-1]}"
    assert "That was all." in (await client.get(beyond, headers=HTMX)).text


async def test_where_nothing_was_written_yet_it_says_when_it_will_be(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    page = await read(client, (await pipeline.create()).id)
    assert "Greetings are written down about two days before they leave." in page.words


async def test_what_was_sent_is_told(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    yuki = await pipeline.create(**TOKYO)
    clock.set(datetime(2027, 1, 15, tzinfo=UTC))
    await pipeline.send_due()
    page = await read(client, yuki.id)
    assert "Was sent" in page.words
    row = await pipeline.message(yuki.id)
    assert f"/messages/{row['id']}" in page.links


async def test_nobody_is_told_of_plainly(client: httpx.AsyncClient) -> None:
    for path in ("", "/greetings", "/export", "/edit", "/delete", "/erase"):
        page = await read(client, f"{uuid4()}{path}", 404)
        assert "No such person" in page.words, path
    for path in ("explanation", "edit", "undelete", "unsubscribe", "resubscribe"):
        response = await client.post(
            f"/people/{uuid4()}/{path}", data={"message_type": "ALL", "version": "1"}
        )
        assert response.status_code == 404, path


async def test_a_look_is_noted(client: httpx.AsyncClient, pipeline: Pipeline) -> None:
    ada = await pipeline.create()
    await read(client, ada.id)
    last = "SELECT action, subject_ids FROM audit_log ORDER BY id DESC LIMIT 1"
    (row,) = await pipeline.rows(last)
    assert (row["action"], row["subject_ids"]) == ("person.show", [ada.id])


async def test_what_a_key_may_not_do_is_not_offered(
    app: Litestar, doors: Doors, pipeline: Pipeline
) -> None:
    ada = await pipeline.create()
    expected = {
        (Scope.USERS_READ,): (False, False),
        (Scope.USERS_READ, Scope.USERS_WRITE): (True, False),
        (Scope.ADMIN,): (True, True),
    }
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type] # Litestar's scope is narrower
    for scopes, offered in expected.items():
        options: dict[str, Any] = {"transport": transport, "base_url": "http://localhost"}
        async with httpx.AsyncClient(headers=await doors.opened(*scopes), **options) as visitor:
            page = await read(visitor, ada.id)
            can_write = f"/people/{ada.id}/unsubscribe" in page.forms
            can_erase = f"/people/{ada.id}/erase" in page.links
            assert (can_write, can_erase) == offered
            refused = 200 if can_erase else 403
            assert (await visitor.get(f"/people/{ada.id}/erase")).status_code == refused


async def _write(pipeline: Pipeline, user_id: UUID, number: int) -> list[UUID]:
    """Write greetings of former years; return their ids, the latest first."""
    rows = await pipeline.rows(
        "INSERT INTO message_logs (user_id, message_type, delivery_date, scheduled_send_time, "
        "actual_send_time, status, idempotency_key, message_content, occasion_date, timezone, "
        "tzdb_version) "
        "SELECT $1::uuid, 'BIRTHDAY', d, d + interval '9 h', d + interval '9 h', 'SENT', "
        "$1::uuid || ':' || d, 'Hey', d, 'UTC', '2026f' "
        "FROM generate_series(1, $2) n, LATERAL (SELECT date '2027-01-01' + n AS d) AS days "
        "RETURNING id, scheduled_send_time",
        user_id,
        number,
    )
    latest_first = sorted(rows, key=lambda row: row["scheduled_send_time"], reverse=True)
    return [row["id"] for row in latest_first]


def _messages(page: Markup) -> list[UUID]:
    tails = [link.removeprefix("/messages/") for link in page.links if "/messages/" in link]
    return [UUID(tail) for tail in tails]
