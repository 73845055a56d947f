"""Finding people over HTTP: filters of the list, and the search by name or address."""

from collections.abc import Mapping
from uuid import UUID, uuid4

import httpx
import pytest

from tests.factories import Pipeline

PEOPLE = "/api/v1/users"
SEARCH = f"{PEOPLE}/search"
SHOWN = "first_name"


async def listed(client: httpx.AsyncClient, **wanted: object) -> set[str]:
    """Return who is listed, page by page of two, each once and in order of id."""
    return await _all_pages(client, "GET", PEOPLE, {**wanted, "limit": 2})


async def found(client: httpx.AsyncClient, query: str) -> set[str]:
    """Return who is found, page by page of two."""
    return await _all_pages(client, "POST", SEARCH, {"query": query, "limit": 2})


async def _all_pages(
    client: httpx.AsyncClient, method: str, path: str, wanted: Mapping[str, object]
) -> set[str]:
    people: list[dict[str, str]] = []
    after: dict[str, str] = {}
    while True:
        given = {**wanted, **after}
        told = {"params": given} if method == "GET" else {"json": given}
        reply = await client.request(method, path, **told)  # type: ignore[arg-type]
        assert reply.status_code == 200, reply.text
        people += reply.json()["items"]
        if reply.json()["next"] is None:
            break
        after = {"after": reply.json()["next"]}
    ids = [UUID(person["id"]) for person in people]
    assert ids == sorted(set(ids))
    return {person[SHOWN] for person in people}


@pytest.fixture
async def _people(pipeline: Pipeline) -> None:
    """Six people who differ."""
    at = {"created_at": "2027-01-01T00:00:00Z", "updated_at": "2027-01-02T00:00:00Z"}
    await pipeline.insert(first_name="Ada", birthday_date="1990-12-10", **at)
    await pipeline.insert(
        first_name="Bob", birthday_date="1604-12-10", anniversary_date="2015-03-02", **at
    )
    await pipeline.insert(first_name="Cy", timezone="Asia/Tokyo", birthday_date="1991-02-28", **at)
    await pipeline.insert(
        first_name="Dee",
        anniversary_date="2016-03-02",
        created_at="2027-01-03T00:00:00Z",
        updated_at="2027-01-03T00:00:00Z",
    )
    await pipeline.insert(first_name="Eve", deleted_at="2027-01-04T00:00:00Z", **at)
    await pipeline.insert(first_name="Fay", unsubscribed_at="2027-01-04T00:00:00Z", **at)


@pytest.mark.usefixtures("_people")
@pytest.mark.parametrize(
    ("wanted", "who"),
    [
        ({}, "Ada Bob Cy Dee Fay"),
        ({"timezone": "Asia/Tokyo"}, "Cy"),
        ({"birthday": "--12-10"}, "Ada Bob"),
        ({"birthday": "12-10"}, "Ada Bob"),
        ({"birthday": "--02-29"}, ""),
        ({"anniversary": "03-02"}, "Bob Dee"),
        ({"birthday_from": "1990-12-10"}, "Ada Cy"),
        ({"birthday_to": "1990-12-10"}, "Ada"),
        ({"birthday_from": "1990-12-11", "birthday_to": "1991-02-28"}, "Cy"),
        ({"anniversary_from": "2015-03-03"}, "Dee"),
        ({"anniversary_to": "2015-03-02"}, "Bob"),
        ({"created_from": "2027-01-03T01:00:00+01:00"}, "Dee"),
        ({"created_to": "2027-01-03T00:00:00Z"}, "Ada Bob Cy Fay"),
        ({"updated_from": "2027-01-02T00:00:00Z", "updated_to": "2027-01-03T00:00:00Z"},
         "Ada Bob Cy Fay"),
        ({"deleted": "true"}, "Eve"),
        ({"deleted": "false", "unsubscribed": "true"}, "Fay"),
        ({"unsubscribed": "false"}, "Ada Bob Cy Dee"),
        ({"birthday": "12-10", "anniversary": "03-02", "timezone": "Europe/London"}, "Bob"),
        ({"birthday": "12-10", "timezone": "Asia/Tokyo"}, ""),
    ],
)  # fmt: skip
async def test_those_are_listed_who_fit_all_filters(
    client: httpx.AsyncClient, wanted: dict[str, str], who: str
) -> None:
    assert await listed(client, **wanted) == set(who.split())


@pytest.mark.usefixtures("_people")
async def test_deleted_people_show_since_when(client: httpx.AsyncClient) -> None:
    (gone,) = (await client.get(PEOPLE, params={"deleted": "true"})).json()["items"]
    assert gone["deleted_at"] == "2027-01-04T00:00:00Z"
    for person in (await client.get(PEOPLE)).json()["items"]:
        assert person["deleted_at"] is None
    assert (await client.get(f"{PEOPLE}/{gone['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"timezone": "SECRET"}, {"timezone"}),
        ({"birthday": "SECRET", "anniversary": "--13-01"}, {"birthday", "anniversary"}),
        (
            {"birthday_from": "SECRET", "anniversary_to": "2027"},
            {"birthday_from", "anniversary_to"},
        ),
        ({"created_from": "SECRET", "updated_to": "now"}, {"created_from", "updated_to"}),
        ({"birthday_from": "2000-01-02", "birthday_to": "2000-01-01"}, {"birthday_from"}),
        ({"deleted": "SECRET"}, {"deleted"}),
        ({"unsubscribed": "SECRET"}, {"unsubscribed"}),
        ({"after": "SECRET"}, {"after"}),
        ({"birthdy": "--02-29", "SECRET x": "1"}, {"birthdy", ""}),
    ],
)
async def test_each_parameter_that_is_wrong_is_named(
    client: httpx.AsyncClient, wanted: dict[str, str], names: set[str]
) -> None:
    reply = await client.get(PEOPLE, params=wanted)
    assert (reply.status_code, reply.json()["type"]) == (422, "/problems/invalid-input")
    assert {error["parameter"] for error in reply.json()["errors"]} == names
    assert "SECRET" not in reply.text


@pytest.fixture
async def _names(pipeline: Pipeline) -> None:
    for first, last, email in (
        ("Ada", "Lovelace", "countess@example.com"),
        ("Adam", "Opel", "adam_o@example.com"),
        ("100%", "Sure", "a%b@example.com"),
        ("Élodie", "Ünlü", "elodie@example.com"),
        ("İpek", "Işık", "ipek@example.com"),
        ("Back\\slash", "Under_score", "back@example.com"),
    ):
        await pipeline.insert(first_name=first, last_name=last, email=email)


@pytest.mark.usefixtures("_names")
@pytest.mark.parametrize(
    ("query", "who"),
    [
        ("ada", "Ada Adam"),
        ("ADA", "Ada Adam"),
        ("ada ", "Ada Adam"),
        ("ada l", "Ada"),
        ("Adam opel", "Adam"),
        ("lovelace", "Ada"),
        ("COUNTESS@", "Ada"),
        ("ovelace", ""),
        ("example.com", ""),
        ("%", ""),
        ("100%", "100%"),
        ("a%b", "100%"),
        ("a%", "100%"),
        ("adam_", "Adam"),
        ("_da", ""),
        ("under_", "Back\\slash"),
        ("underXscore", ""),
        ("back\\", "Back\\slash"),
        ("back\\\\", ""),
        ("É", "Élodie"),
        ("élodie ü", "Élodie"),
        ("ÜNLÜ", "Élodie"),
        ("İpek", "İpek"),
        ("Işı", "İpek"),
        ("ipek@", "İpek"),
    ],
)
async def test_a_name_or_an_address_is_found_by_how_it_begins(
    client: httpx.AsyncClient, query: str, who: str
) -> None:
    assert await found(client, query) == set(who.split())


@pytest.mark.usefixtures("_names")
async def test_what_is_one_letter_beyond_ascii_is_up_to_the_database(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    """A dotted capital I is found by a plain i where PostgreSQL's locale says so."""
    is_same = await pipeline.value("SELECT lower('İPEK I') = 'ipek i'")
    assert await found(client, "ipek i") == ({"İpek"} if is_same else set())


async def test_deleted_people_are_not_found(client: httpx.AsyncClient, pipeline: Pipeline) -> None:
    await pipeline.insert(first_name="Eve", deleted_at="2027-01-04T00:00:00Z")
    assert await found(client, "eve") == set()


@pytest.mark.parametrize(
    ("given", "pointers"),
    [
        ({}, {"/query"}),
        ({"query": "SECRET\x00"}, {"/query"}),
        ({"query": ["SECRET"]}, {"/query"}),
        ({"query": "a", "limit": 10**400, "after": "SECRET"}, {"/limit", "/after"}),
        ({"query": "a", "nick": "SECRET"}, {"/nick"}),
        ({"query": "a", "SECRET 1": 1}, {""}),
    ],
)
async def test_a_search_that_is_wrong_is_refused_by_field(
    client: httpx.AsyncClient, given: dict[str, object], pointers: set[str]
) -> None:
    reply = await client.post(SEARCH, json=given)
    assert (reply.status_code, reply.json()["type"]) == (422, "/problems/invalid-input")
    assert {error["pointer"] for error in reply.json()["errors"]} == pointers
    assert "SECRET" not in reply.text


async def test_a_page_after_nobody_known_goes_on_from_there(client: httpx.AsyncClient) -> None:
    reply = await client.post(SEARCH, json={"query": "a", "after": str(uuid4())})
    assert reply.json() == {"items": [], "next": None}
