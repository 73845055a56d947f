"""Texts over HTTP: listed, written, removed, rendered; each write noted, tagged and done once."""

import json
from typing import Any

import httpx
import pytest

from heyday.api.texts import TEXTS
from heyday.api.users import PEOPLE
from heyday.domain.access import Scope
from tests.factories import Pipeline, person
from tests.keys import Doors

ITEM = f"{TEXTS}/BIRTHDAY/de"
BODY = {"subject": "Für {first_name}", "text": "Alles Gute, {last_name}!", "html": "<p>Hoch!</p>"}

# With half a pair escaped, which httpx would not send.
AS_JSON = {"Content-Type": "application/json"}


async def test_ready_texts_are_listed_and_shown(client: httpx.AsyncClient) -> None:
    listed = (await client.get(TEXTS)).json()["items"]
    assert {"message_type": "BIRTHDAY", "language": "en", "is_own": False, "updated_at": None} in (
        listed
    )
    shown = await client.get(f"{TEXTS}/birthday/EN")
    assert shown.status_code == 200
    assert shown.json()["text"] == "Hey, {first_name} {last_name} it's your birthday"
    assert shown.headers["etag"] == '"ready"'


async def test_a_text_is_written_shown_overwritten_and_removed(client: httpx.AsyncClient) -> None:
    assert (await client.get(ITEM)).status_code == 404
    put = await client.put(f"{TEXTS}/birthday/DE_de", json=BODY)
    assert put.status_code == 200
    item = f"{TEXTS}/BIRTHDAY/de-DE"
    shown = await client.get(item)
    assert shown.json() == put.json()
    assert shown.json() | BODY == shown.json()
    assert (shown.json()["language"], shown.json()["is_own"]) == ("de-DE", True)
    again = await client.put(item, json={"subject": "x", "text": "y"})
    assert (again.status_code, again.json()["html"]) == (200, None)
    assert again.headers["etag"] != put.headers["etag"]
    own = [each for each in (await client.get(TEXTS)).json()["items"] if each["is_own"]]
    assert [(each["message_type"], each["language"]) for each in own] == [("BIRTHDAY", "de-DE")]
    assert (await client.delete(item)).status_code == 204
    gone = await client.delete(item)
    assert (gone.status_code, gone.json()["type"]) == (404, "/problems/no-such-text")


async def test_an_own_text_stands_in_the_place_of_a_ready_one(client: httpx.AsyncClient) -> None:
    item = f"{TEXTS}/BIRTHDAY/en"
    before = len((await client.get(TEXTS)).json()["items"])
    await client.put(item, json=BODY)
    assert len((await client.get(TEXTS)).json()["items"]) == before
    assert (await client.get(item)).json()["subject"] == BODY["subject"]
    await client.delete(item)
    assert (await client.get(item)).json()["is_own"] is False


async def test_a_text_is_written_only_as_it_was_read(client: httpx.AsyncClient) -> None:
    first = await client.put(ITEM, json=BODY, headers={"If-Match": '"ready"'})
    assert first.status_code == 200
    late = await client.put(ITEM, json=BODY, headers={"If-Match": '"ready"'})
    assert (late.status_code, late.json()["type"]) == (412, "/problems/text-changed")
    tag = first.headers["etag"]
    assert (await client.put(ITEM, json=BODY, headers={"If-Match": tag})).status_code == 200
    assert (await client.delete(ITEM, headers={"If-Match": tag})).status_code == 412
    assert (await client.get(ITEM)).status_code == 200


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/text"}),
        ({"subject": "", "text": ""}, {"/subject", "/text"}),
        ({**BODY, "subject": "{nickname}"}, {"/subject"}),
        ({**BODY, "text": "{n} Jahre", "html": "}"}, {"/text", "/html"}),
        ({**BODY, "text": 7, "html": " "}, {"/text", "/html"}),
        ({**BODY, "subject": "x" * 1001}, {"/subject"}),
        ({**BODY, "text": "\x00"}, {"/text"}),
        ({**BODY, "text": "\ud800"}, {"/text"}),
        ({**BODY, "body": "x"}, {"/body"}),
    ],
)
async def test_what_is_no_text_is_refused_by_its_field(
    client: httpx.AsyncClient, body: dict[str, Any], pointers: set[str]
) -> None:
    reply = await client.put(ITEM, content=json.dumps(body), headers=AS_JSON)
    assert reply.status_code == 422
    assert {fault["pointer"] for fault in reply.json()["errors"]} == pointers
    assert (await client.get(ITEM)).status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        (f"{TEXTS}/WEDDING/de", 404, "no-such-message-type"),
        (f"{TEXTS}/BIRTHDAY/German", 422, "invalid-input"),
        (f"{TEXTS}/BIRTHDAY/{'x' * 300}", 422, "invalid-input"),
    ],
)
async def test_what_names_no_text_cannot_be_written(
    client: httpx.AsyncClient, path: str, status: int, kind: str
) -> None:
    reply = await client.put(path, json=BODY)
    assert (reply.status_code, reply.json()["type"]) == (status, f"/problems/{kind}")
    assert (await client.get(path)).status_code == 404


async def test_a_write_with_a_key_is_done_once(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "once"}
    first = await client.put(ITEM, json=BODY, headers=headers)
    await client.put(ITEM, json={"subject": "x", "text": "y"})
    again = await client.put(ITEM, json=BODY, headers=headers)
    assert again.headers["idempotent-replayed"] == "true"
    assert (again.json(), again.headers["etag"]) == (first.json(), first.headers["etag"])
    assert (await client.get(ITEM)).json()["text"] == "y"


async def test_each_change_is_noted(client: httpx.AsyncClient, pipeline: Pipeline) -> None:
    await client.put(ITEM, json=BODY)
    await client.delete(ITEM)
    await pipeline.execute("INSERT INTO message_texts VALUES ('BIRTHDAY', 'de', 'x', 'x')")
    lines = await pipeline.rows("SELECT action, actor_kind FROM audit_log ORDER BY id")
    assert [tuple(line) for line in lines if "text" in line["action"]] == [
        ("text.put", "key"),
        ("text.delete", "key"),
        ("texts.insert", "sql"),
    ]


async def test_each_route_asks_for_its_scope(client: httpx.AsyncClient, doors: Doors) -> None:
    reader = await doors.opened(Scope.MESSAGES_READ)
    assert (await client.get(TEXTS, headers=reader)).status_code == 200
    assert (await client.put(ITEM, json=BODY, headers=reader)).status_code == 403
    assert (await client.delete(ITEM, headers=reader)).status_code == 403
    people = await doors.opened(Scope.USERS_READ)
    assert (await client.get(TEXTS, headers=people)).status_code == 403


# --- Previews ---------------------------------------------------------------------------------


async def test_a_draft_is_rendered_for_a_sample_and_not_stored(client: httpx.AsyncClient) -> None:
    reply = await client.post(f"{ITEM}/preview", json=BODY)
    assert reply.status_code == 200
    assert reply.json() == {
        "subject": "Für Ada",
        "text": "Alles Gute, Lovelace!",
        "html": "<p>Hoch!</p>",
    }
    assert (await client.get(ITEM)).status_code == 404


async def test_what_is_stored_is_rendered_as_it_will_be(client: httpx.AsyncClient) -> None:
    await client.put(ITEM, json=BODY)
    names = {"first_name": "<Zoé>", "last_name": "%1$s"}
    reply = await client.post(f"{ITEM}/preview", json=names)
    assert (reply.json()["subject"], reply.json()["text"]) == ("Für <Zoé>", "Alles Gute, %1$s!")


@pytest.mark.parametrize(
    ("years", "says"),
    [(1, " 1 year with us!"), (7, " 7 years with us!"), (-1, "anniversary!")],
)
async def test_years_are_counted(client: httpx.AsyncClient, years: int, says: str) -> None:
    reply = await client.post(f"{TEXTS}/ANNIVERSARY/en/preview", json={"years": years})
    assert reply.json()["text"].endswith(says)


async def test_a_person_is_rendered_with_their_own_name_and_years(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    fields = person(first_name="Grace", anniversary_date="2020-05-01")
    user_id = (await client.post(PEOPLE, json=fields)).json()["id"]
    body = {"user_id": user_id, "on": "2027-05-01"}
    reply = await client.post(f"{TEXTS}/ANNIVERSARY/en/preview", json=body)
    says = "Hey, Grace Lovelace it's your work anniversary! 7 years with us!"
    assert reply.json()["text"] == says
    look = "SELECT subject_ids::text FROM audit_log WHERE action = 'text.preview'"
    assert user_id in await pipeline.value(look)
    none = await client.post(f"{TEXTS}/BIRTHDAY/en/preview", json={"user_id": user_id[::-1]})
    assert none.status_code in {404, 422}


async def test_a_name_is_shown_to_who_may_see_people(
    client: httpx.AsyncClient, doors: Doors
) -> None:
    user_id = (await client.post(PEOPLE, json=person())).json()["id"]
    path, body = f"{TEXTS}/BIRTHDAY/en/preview", {"user_id": user_id}
    reader = await doors.opened(Scope.MESSAGES_READ)
    assert (await client.post(path, json={}, headers=reader)).status_code == 200
    assert (await client.post(path, json=body, headers=reader)).status_code == 403
    both = await doors.opened(Scope.MESSAGES_READ, Scope.USERS_READ)
    assert (await client.post(path, json=body, headers=both)).status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"years": 151}, "/years"),
        ({"years": True}, "/years"),
        ({"first_name": ""}, "/first_name"),
        ({"last_name": "\ud800"}, "/last_name"),
        ({"on": "tomorrow"}, "/on"),
        ({"user_id": "x"}, "/user_id"),
        ({"subject": "x"}, "/text"),
        ({"nickname": "x"}, "/nickname"),
    ],
)
async def test_what_cannot_be_rendered_is_refused_by_its_field(
    client: httpx.AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    path = f"{TEXTS}/BIRTHDAY/en/preview"
    reply = await client.post(path, content=json.dumps(body), headers=AS_JSON)
    assert reply.status_code == 422
    assert [fault["pointer"] for fault in reply.json()["errors"]] == [pointer]
