"""How the routes of people call the service and show what it returns."""

import json

import httpx
import pytest

from heyday.api.users import PEOPLE, SHORT
from heyday.domain.finding import EVERYBODY, LONGEST_PAGE, USUAL_PAGE
from tests.unit.api.scripted import ADA, ScriptedUsers

SHOWN: dict[str, object] = {
    "id": str(ADA.id),
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.com",
    "timezone": "Europe/London",
    "birthday_date": "1990-12-10",
    "anniversary_date": None,
    "location_city": None,
    "location_country": None,
    "locale": None,
    "created_at": "2027-01-14T00:00:00Z",
    "updated_at": "2027-01-14T00:00:00Z",
    "unsubscribed_at": None,
    "deleted_at": None,
    "unsubscribed_types": [],
}
FORMS = pytest.mark.parametrize("path", [PEOPLE, SHORT])


@FORMS
async def test_a_body_reaches_the_service_as_it_was_given(
    client: httpx.AsyncClient, users: ScriptedUsers, path: str
) -> None:
    odd = {"first_name": 5, "email": None, "nick": [{"a": "\ud800"}]}
    headers = {"Content-Type": "application/json"}
    reply = await client.post(path, content=json.dumps(odd), headers=headers)
    assert (reply.status_code, reply.json()) == (201, SHOWN)
    assert reply.headers["location"] == f"{PEOPLE}/{ADA.id}"
    assert users.given == [odd]


@FORMS
async def test_one_person_is_shown_overwritten_and_deleted(
    client: httpx.AsyncClient, users: ScriptedUsers, path: str
) -> None:
    assert (await client.get(f"{path}/{ADA.id}")).json() == SHOWN
    assert (await client.put(f"{path}/{ADA.id}", json={"a": 1})).json() == SHOWN
    assert users.given == [ADA.id, {"a": 1}, None]
    reply = await client.delete(f"{path}/{ADA.id}")
    assert (reply.status_code, reply.content) == (204, b"")


async def test_patch_has_the_long_form_only(
    client: httpx.AsyncClient, users: ScriptedUsers
) -> None:
    assert (await client.patch(f"{PEOPLE}/{ADA.id}", json={"a": 1})).json() == SHOWN
    assert users.given == [ADA.id, {"a": 1}, None]
    assert (await client.patch(f"{SHORT}/{ADA.id}", json={"a": 1})).status_code == 405


async def test_a_page_asks_for_one_more_than_it_shows(
    client: httpx.AsyncClient, users: ScriptedUsers
) -> None:
    assert (await client.get(PEOPLE)).json() == {"items": [SHOWN], "next": None}
    assert users.given == [None, USUAL_PAGE + 1, EVERYBODY]
    await client.get(PEOPLE, params={"limit": LONGEST_PAGE, "after": str(ADA.id)})
    assert users.given == [ADA.id, LONGEST_PAGE + 1, EVERYBODY]
