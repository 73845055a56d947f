"""People over HTTP: what is accepted, what comes back, what it does to their greetings."""

import re
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from tests.factories import Pipeline, person
from tests.fakes import FakeClock

PEOPLE = "/api/v1/users"
FORMS = pytest.mark.parametrize("path", [PEOPLE, "/user"])
WHOLE = {
    "birthday_date": "1990-12-10",
    "anniversary_date": "2015-03-02",
    "location_city": "London",
    "location_country": "United Kingdom",
    "locale": "en-GB",
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
    instants = {"created_at", "updated_at", "unsubscribed_at", "deleted_at"}
    assert set(shown) - set(given) == {"id", "unsubscribed_types", *instants}
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
    assert [reply.json()[field] for field in WHOLE] == [None] * len(WHOLE)


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
        await client.post(f"{path}/undelete"),
        await client.post(f"{path}/unsubscribe"),
        await client.post(f"{path}/resubscribe"),
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


async def test_a_person_leaves_and_comes_back_and_may_say_so_twice(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await add(client, birthday_date="1990-01-15")
    path, user_id = f"{PEOPLE}/{user['id']}", UUID(str(user["id"]))
    for action, unsubscribed_at, status in (
        ("unsubscribe", "2027-01-14T00:00:01Z", "CANCELLED"),
        ("resubscribe", None, "SCHEDULED"),
        ("undelete", None, "SCHEDULED"),
    ):
        if action == "undelete":
            await client.delete(path)
        clock.advance(timedelta(seconds=1))
        once = await client.post(f"{path}/{action}")
        clock.advance(timedelta(seconds=1))
        twice = await client.post(f"{path}/{action}")
        assert once.status_code == twice.status_code == 200
        changed = {"unsubscribed_at": unsubscribed_at, "updated_at": once.json()["updated_at"]}
        assert once.json() == twice.json() == {**user, **changed}
        assert (await client.get(path)).json() == once.json()
        assert await pipeline.statuses(user_id) == [status]


async def test_nobody_comes_back_to_an_address_that_was_taken_meanwhile(
    client: httpx.AsyncClient,
) -> None:
    user = await add(client, email="ada@example.com")
    await client.delete(f"{PEOPLE}/{user['id']}")
    await add(client, email="ADA@example.com")
    reply = await client.post(f"{PEOPLE}/{user['id']}/undelete")
    assert (reply.status_code, reply.json()["type"]) == (409, "/problems/email-taken")
    assert "ada@" not in reply.text.lower()


NO_YEAR = pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("--02-29", "--02-29"),
        ({"year": None, "month": 2, "day": 29}, "--02-29"),
        ({"month": 2, "day": 29}, "--02-29"),
        ({"year": 1992, "month": 2, "day": 29}, "1992-02-29"),
        ("1992-02-29", "1992-02-29"),
    ],
)


@NO_YEAR
@pytest.mark.parametrize("field", ["birthday_date", "anniversary_date"])
async def test_a_date_may_be_given_without_a_year_and_is_shown_as_a_text(
    client: httpx.AsyncClient, field: str, given: object, shown: str
) -> None:
    user = await add(client, **{field: given})
    assert user[field] == shown
    path = f"{PEOPLE}/{user['id']}"
    for reply in (
        await client.get(path),
        await client.patch(path, json={"location_city": "London"}),
        await client.patch(path, json={field: user[field]}),
        await client.put(path, json=person(**{field: given})),
    ):
        assert (reply.status_code, reply.json()[field]) == (200, shown)
    assert (await client.get(PEOPLE)).json()["items"][0][field] == shown


@pytest.mark.parametrize(
    "given",
    ["--02-30", "--0229", "1605-02-28", "1899-12-31", {"month": 2}, {"month": 2, "day": "29"}],
)
async def test_what_is_no_date_is_refused_by_name(client: httpx.AsyncClient, given: object) -> None:
    reply = await client.post(PEOPLE, json=person(birthday_date=given))
    assert reply.status_code == 422
    (error,) = reply.json()["errors"]
    assert error["pointer"].startswith("/birthday_date")


async def test_what_sql_stored_for_a_date_without_a_year_is_shown_as_one(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user_id = await pipeline.insert(birthday_date="1604-02-29")
    assert (await client.get(f"{PEOPLE}/{user_id}")).json()["birthday_date"] == "--02-29"


async def test_a_zone_that_the_tz_database_dropped_is_stored_under_its_successors_name(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await add(client, timezone="US/Pacific-New")
    assert user["timezone"] == "America/Los_Angeles"
    path = f"{PEOPLE}/{user['id']}"
    reply = await client.patch(path, json={"timezone": "Canada/East-Saskatchewan"})
    assert reply.json()["timezone"] == "America/Regina"
    user_id = await pipeline.insert(timezone="US/Pacific-New")
    reply = await client.patch(f"{PEOPLE}/{user_id}", json={"first_name": "Grace"})
    assert reply.json()["timezone"] == "America/Los_Angeles"


async def test_a_zone_in_the_wrong_case_is_refused_with_its_right_name(
    client: httpx.AsyncClient,
) -> None:
    reply = await client.post(PEOPLE, json=person(timezone="europe/berlin"))
    (error,) = reply.json()["errors"]
    assert error["pointer"] == "/timezone"
    assert error["detail"].endswith("did you mean Europe/Berlin?")


@pytest.mark.parametrize("field", ["birthday_date", "anniversary_date"])
async def test_the_examples_of_dates_in_the_description_are_accepted(
    client: httpx.AsyncClient, field: str
) -> None:
    schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
    examples = schemas["PersonBody"]["properties"][field]["examples"]
    assert schemas["PersonPatch"]["properties"][field]["examples"] == examples
    shown = [(await add(client, **{field: example}))[field] for example in examples]
    assert len([text for text in shown if str(text).startswith("--")]) == 2
    pattern = schemas["Person"]["properties"][field]["pattern"]
    assert all(re.search(pattern, str(text)) for text in shown)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_a_locale_is_taken_as_programs_write_it_and_refused_kindly(
    client: httpx.AsyncClient, method: str
) -> None:
    added = await client.post(PEOPLE, json=person())
    path = PEOPLE if method == "POST" else added.headers["location"]
    body = {"locale": "pt_BR"} if method == "PATCH" else person(locale="pt_BR")
    reply = await client.request(method, path, json=body)
    assert reply.json()["locale"] == "pt-BR"
    refused = await client.request(method, path, json={**body, "locale": "Portuguese"})
    assert refused.status_code == 422
    (fault,) = refused.json()["errors"]
    assert fault["pointer"] == "/locale"
    assert "such as de, pt-BR" in fault["detail"]
    assert "Portuguese" not in refused.text


async def test_people_are_listed_by_their_locale(client: httpx.AsyncClient) -> None:
    for locale in ("pt-BR", "pt", None):
        await client.post(PEOPLE, json=person(locale=locale))
    found = (await client.get(PEOPLE, params={"locale": "PT-br"})).json()["items"]
    assert [each["locale"] for each in found] == ["pt-BR"]
    assert (await client.get(PEOPLE, params={"locale": "Portuguese"})).status_code == 422
