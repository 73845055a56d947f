"""People over HTTP: what is accepted, what comes back, what it does to their greetings."""

from uuid import UUID, uuid4

import httpx
import pytest

from tests.factories import Pipeline, person

PEOPLE = "/api/v1/users"
FORMS = pytest.mark.parametrize("path", [PEOPLE, "/user"])
WHOLE = {
    "birthday_date": "1990-12-10",
    "anniversary_date": "2015-03-02",
    "location_city": "London",
    "location_country": "United Kingdom",
}


async def add(client: httpx.AsyncClient, **fields: object) -> dict[str, object]:
    reply = await client.post(PEOPLE, json=person(**fields))
    assert reply.status_code == 201
    return dict(reply.json())


@FORMS
async def test_a_person_goes_in_and_comes_out(client: httpx.AsyncClient, path: str) -> None:
    given = person(**WHOLE)
    reply = await client.post(path, json=given)
    assert reply.status_code == 201
    shown = reply.json()
    assert given.items() <= shown.items()
    assert set(shown) - set(given) == {"id", "created_at", "updated_at", "unsubscribed_at"}
    assert shown["created_at"] == shown["updated_at"] == "2027-01-14T00:00:00Z"
    assert reply.headers["location"] == f"{PEOPLE}/{shown['id']}"
    assert (await client.get(reply.headers["location"])).json() == shown
    assert (await client.get(f"{path}/{shown['id']}")).json() == shown


@FORMS
async def test_put_overwrites_and_empties_what_is_left_out(
    client: httpx.AsyncClient, path: str
) -> None:
    user = await add(client, **WHOLE)
    reply = await client.put(f"{path}/{user['id']}", json=person(timezone="Asia/Tokyo"))
    assert reply.status_code == 200
    assert reply.json()["timezone"] == "Asia/Tokyo"
    assert [reply.json()[field] for field in WHOLE] == [None] * 4


async def test_patch_changes_what_is_given_and_null_empties(client: httpx.AsyncClient) -> None:
    user = await add(client, **WHOLE)
    change = {"location_city": "Paris", "birthday_date": None}
    reply = await client.patch(f"{PEOPLE}/{user['id']}", json=change)
    assert reply.status_code == 200
    shown = reply.json()
    assert shown == {**user, **change, "updated_at": shown["updated_at"]}


async def test_patch_takes_the_media_type_of_merge_patches(client: httpx.AsyncClient) -> None:
    user = await add(client)
    reply = await client.patch(
        f"{PEOPLE}/{user['id']}",
        content=b'{"first_name": "Grace"}',
        headers={"Content-Type": "application/merge-patch+json; charset=utf-8"},
    )
    assert reply.json()["first_name"] == "Grace"


@FORMS
async def test_a_deleted_person_is_gone_and_the_address_is_free(
    client: httpx.AsyncClient, path: str
) -> None:
    user = await add(client)
    reply = await client.delete(f"{path}/{user['id']}")
    assert (reply.status_code, reply.content) == (204, b"")
    assert (await client.get(f"{path}/{user['id']}")).status_code == 404
    assert (await client.delete(f"{path}/{user['id']}")).status_code == 404
    assert (await add(client, email=user["email"]))["id"] != user["id"]


async def test_an_address_belongs_to_one_person_whatever_its_case(
    client: httpx.AsyncClient,
) -> None:
    await add(client, email="ada@example.com")
    other = await add(client)
    for reply in (
        await client.post(PEOPLE, json=person(email="ADA@Example.com")),
        await client.put(f"{PEOPLE}/{other['id']}", json=person(email="Ada@example.com")),
        await client.patch(f"{PEOPLE}/{other['id']}", json={"email": "adA@example.com"}),
    ):
        assert (reply.status_code, reply.json()["type"]) == (409, "/problems/email-taken")
        assert "ada@" not in reply.text.lower()


async def test_every_wrong_field_is_named_at_once(client: httpx.AsyncClient) -> None:
    given = person(
        first_name="  ", email="nobody", timezone="Mars/Olympus", birthday_date="2027-02-30", nick=1
    )
    reply = await client.post(PEOPLE, json=given)
    assert (reply.status_code, reply.json()["type"]) == (422, "/problems/invalid-input")
    pointers = {error["pointer"] for error in reply.json()["errors"]}
    assert pointers == {"/first_name", "/email", "/timezone", "/birthday_date", "/nick"}
    assert "Olympus" not in reply.text


async def test_an_unknown_person_is_not_found(client: httpx.AsyncClient) -> None:
    path = f"{PEOPLE}/{uuid4()}"
    for reply in (
        await client.get(path),
        await client.put(path, json=person()),
        await client.patch(path, json={"first_name": "Grace"}),
        await client.delete(path),
    ):
        assert (reply.status_code, reply.json()["type"]) == (404, "/problems/not-found")


async def test_pages_hold_everybody_once(client: httpx.AsyncClient) -> None:
    everybody = {(await add(client))["id"] for _ in range(5)}
    seen: list[str] = []
    after: str | None = None
    for size in (2, 2, 1):
        cursor = {"after": after} if after else {}
        page = (await client.get(PEOPLE, params={"limit": 2, **cursor})).json()
        assert len(page["items"]) == size
        seen += [user["id"] for user in page["items"]]
        after = page["next"]
    assert after is None
    assert len(seen) == 5
    assert set(seen) == everybody


async def test_a_full_last_page_has_no_next(client: httpx.AsyncClient) -> None:
    await add(client)
    page = (await client.get(PEOPLE, params={"limit": 1})).json()
    assert (len(page["items"]), page["next"]) == (1, None)


async def test_wrong_parameters_are_named(client: httpx.AsyncClient) -> None:
    reply = await client.get(PEOPLE, params={"limit": 201, "after": "SECRET"})
    assert reply.status_code == 422
    assert {error["parameter"] for error in reply.json()["errors"]} == {"limit", "after"}
    assert "SECRET" not in reply.text


async def test_a_person_who_comes_in_is_planned_and_one_who_goes_is_not_greeted(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await add(client, birthday_date="1990-01-15")
    user_id = UUID(str(user["id"]))
    assert await pipeline.statuses(user_id) == ["SCHEDULED"]
    await client.delete(f"{PEOPLE}/{user_id}")
    assert await pipeline.statuses(user_id) == ["CANCELLED"]
