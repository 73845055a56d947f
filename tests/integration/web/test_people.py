"""The list of people: who is on it, how it goes on, and what it says where nobody is."""

from uuid import UUID

import httpx
import pytest
from litestar import Litestar

from heyday.domain.access import Scope
from heyday.domain.finding import USUAL_PAGE
from tests.factories import Pipeline
from tests.integration.web.markup import Markup, sent
from tests.keys import Doors

HTMX = {"HX-Request": "true"}


async def read(client: httpx.AsyncClient, path: str = "/people") -> Markup:
    response = await client.get(path)
    assert response.status_code == 200
    return Markup(response.text)


async def search(client: httpx.AsyncClient, **form: str) -> Markup:
    response = await client.post("/people/search", data=form)
    assert response.status_code == 200
    return Markup(response.text)


def ids(markup: Markup) -> list[UUID]:
    """Return the people on a list, in its order."""
    tails = [link.removeprefix("/people/") for link in markup.links]
    return [UUID(tail) for tail in tails if len(tail) == 36]


async def test_where_nobody_is_it_says_how_people_come(client: httpx.AsyncClient) -> None:
    page = await read(client)
    assert "There is nobody yet." in page.words
    assert {"/people/import", "/people/new"} <= set(page.links)
    response = await client.post("/people/demo", data=page.forms["/people/demo"])
    assert response.status_code == 303
    assert response.headers["location"] == "/people"
    added = await read(client)
    assert "There is nobody yet." not in added.words
    assert len(ids(added)) > 0


async def test_a_list_shows_dates_zones_and_what_somebody_wants(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.create(
        first_name="Yuki", last_name="Sato", timezone="Asia/Tokyo", birthday_date="--02-29"
    )
    gone = await pipeline.create(first_name="Ada", anniversary_date="2015-03-02")
    await pipeline.users.unsubscribe(gone.id, message_type="BIRTHDAY")
    page = await read(client)
    for said in ("Yuki Sato", "29 February", "Tokyo, Japan", "Thu 09:00", "2 March 2015"):
        assert said in page.words
    assert "No birthday greetings" in page.words
    # A list of one page is in order of names.
    assert page.words.index("Ada Lovelace") < page.words.index("Yuki Sato")


async def test_names_are_never_markup(client: httpx.AsyncClient, pipeline: Pipeline) -> None:
    await pipeline.create(first_name="<script>alert(1)</script>", last_name='"><b>')
    text = (await client.get("/people")).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


async def test_pages_go_on_until_everybody_was_shown_once(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    created = {(await pipeline.create()).id for _ in range(USUAL_PAGE + 3)}
    first = await read(client)
    (following,) = {link for link in first.links if "after=" in link}
    assert len(ids(first)) == USUAL_PAGE
    assert "53 people, in no particular order." in first.words
    part = await client.get(following, headers=HTMX)
    assert part.text.startswith('<section id="people"')
    second = Markup(part.text)
    assert len(ids(second)) == 3
    assert {*ids(first), *ids(second)} == created
    assert "/people" in second.links
    assert not any("after=" in link for link in second.links)


async def test_filters_are_kept_from_page_to_page(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    for _ in range(USUAL_PAGE + 1):
        await pipeline.create(timezone="Asia/Tokyo")
    await pipeline.create(timezone="Europe/Berlin")
    first = await read(client, "/people?country=JP&state=subscribed&timezone=")
    (following,) = {link for link in first.links if "after=" in link}
    assert following.startswith("/people?country=JP&state=subscribed&after=")
    second = await read(client, following)
    assert len(ids(second)) == 1
    assert "/people?country=JP&state=subscribed" in second.links
    assert second.forms["/people"]["country"] == "JP"


async def test_each_filter_finds_whom_it_is_for(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    ada = await pipeline.create(birthday_date="1990-03-14", locale="pt-BR", timezone="Japan")
    bob = await pipeline.create(anniversary_date="2015-03-02", timezone="Asia/Tokyo")
    eve = await pipeline.create(birthday_date="--03-14")
    await pipeline.users.unsubscribe(bob.id)
    gone = await pipeline.create()
    await pipeline.users.delete(gone.id)
    for query, found in (
        ("country=JP", {ada.id, bob.id}),
        ("timezone=Asia/Tokyo", {bob.id}),
        ("birthday_day=14&birthday_month=3", {ada.id, eve.id}),
        ("birthday_day=14&birthday_month=3&country=JP", {ada.id}),
        ("anniversary_day=2&anniversary_month=3", {bob.id}),
        ("birthday_from=1990-01-01&birthday_to=1990-12-31", {ada.id}),
        ("added_since=2027-01-14", {ada.id, bob.id, eve.id}),
        ("added_since=2027-01-15", set()),
        ("locale=pt-br", {ada.id}),
        ("state=unsubscribed", {bob.id}),
        ("state=subscribed", {ada.id, eve.id}),
        ("state=deleted", {gone.id}),
        ("utm_source=letter", {ada.id, bob.id, eve.id}),
    ):
        page = await read(client, f"/people?{query}")
        assert set(ids(page)) == found, query


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("birthday_day=30&birthday_month=2", "is not a day of the year"),
        ("birthday_day=30", "needs both: a month and a day"),
        ("country=XX", "is no country"),
        ("timezone=Mars", "is not an IANA time zone"),
        ("state=asleep", "is none of the choices"),
        ("birthday_from=2000-01-01&birthday_to=1999-01-01", "lies after"),
        ("added_since=yesterday", "is not an instant"),
        ("after=somebody", "begin again"),
    ],
)
async def test_a_filter_that_is_none_lists_nobody_and_says_why(
    client: httpx.AsyncClient, pipeline: Pipeline, query: str, said: str
) -> None:
    await pipeline.create()
    page = await read(client, f"/people?{query}")
    assert said in page.words
    assert ids(page) == []
    assert "There is nobody yet." not in page.words


async def test_a_search_finds_how_a_name_or_an_address_begins(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    sato = await pipeline.create(first_name="Yuki", last_name="Sato", email="y.s@example.jp")
    await pipeline.create()
    for query in ("sato", "Yuki S", "y.s@ex", " SATO "):
        assert ids(await search(client, query=query)) == [sato.id], query
    nobody = await search(client, query="Nemo")
    assert "Nobody is found." in nobody.words
    assert "/people?state=deleted" in nobody.links


async def test_a_search_goes_on_without_its_words_in_an_address(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    created = {(await pipeline.create(last_name="Sato")).id for _ in range(USUAL_PAGE + 2)}
    await pipeline.create(last_name="Other")
    first = await search(client, query="Sato")
    following = sent(first, "/people/search")
    assert following["query"] == "Sato"
    assert not any("Sato" in link for link in first.links)
    second = await search(client, **following)
    assert {*ids(first), *ids(second)} == created
    assert len(ids(second)) == 2
    part = await client.post("/people/search", data=following, headers=HTMX)
    assert part.text.startswith('<section id="people"')


@pytest.mark.parametrize("query", ["", "   ", "a\x00b", "x" * 300])
async def test_a_search_that_is_none_says_so(client: httpx.AsyncClient, query: str) -> None:
    page = await search(client, query=query)
    assert "What you look for" in page.words


async def test_a_search_opened_again_leads_to_the_list(client: httpx.AsyncClient) -> None:
    response = await client.get("/people/search")
    assert (response.status_code, response.headers["location"]) == (307, "/people")


async def test_whoever_may_only_look_is_shown_no_buttons(
    app: Litestar, doors: Doors, pipeline: Pipeline
) -> None:
    headers = await doors.opened(Scope.USERS_READ)
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type] # Litestar's scope is narrower
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers=headers
    ) as looking:
        empty = await read(looking)
        assert "Your key may look at people, not add them." in empty.words
        assert "/people/demo" not in empty.forms
        gone = await pipeline.create()
        await pipeline.users.delete(gone.id)
        page = await read(looking, "/people?state=deleted")
        assert ids(page) == [gone.id]
        assert set(page.forms) == {"/people/search", "/people", "/sign-out"}
        for path in ("/people/new", f"/people/{gone.id}/edit", f"/people/{gone.id}/delete"):
            assert (await looking.get(path)).status_code == 403
        for path in ("/people/demo", f"/people/{gone.id}/undelete"):
            assert (await looking.post(path)).status_code == 403


async def test_looks_and_searches_are_noted_with_those_they_showed(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    ada = await pipeline.create(last_name="Sato")
    await read(client)
    await search(client, query="Sato")
    rows = await pipeline.rows("SELECT action, subject_ids FROM audit_log ORDER BY id")
    looks = [(row["action"], row["subject_ids"]) for row in rows]
    assert looks[-2:] == [("people.list", [ada.id]), ("people.search", [ada.id])]


async def test_a_page_is_light(client: httpx.AsyncClient, pipeline: Pipeline) -> None:
    """Half of what a page may weigh, before compression, goes to the frame's own files."""
    for number in range(USUAL_PAGE):
        await pipeline.create(last_name=f"Sato {number}", birthday_date="1990-03-14")
    assert len((await client.get("/people")).content) < 110_000


async def test_very_many_are_told_about_not_counted(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.execute(
        "INSERT INTO users (first_name, last_name, email, timezone, deleted_at) "
        "SELECT 'A', 'B', n || '@example.com', 'UTC', "
        "CASE WHEN n > 2345 THEN timestamptz '2027-01-01 00:00+00' END "
        "FROM generate_series(1, 3000) n"
    )
    await pipeline.execute("ANALYZE users")
    assert "about 2,300 people, in no particular order." in (await read(client)).words
