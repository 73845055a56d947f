"""What a button does to a person: leaving, coming back, and the end of their data."""

from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from heyday.domain.models import User
from tests.factories import Pipeline
from tests.integration.web.markup import Markup, landed, sent

BORN = {"timezone": "Europe/London", "birthday_date": "1990-01-15"}


@pytest.fixture
async def ada(pipeline: Pipeline) -> User:
    """Somebody who is to be greeted tomorrow."""
    return await pipeline.create(**BORN)


async def press(
    client: httpx.AsyncClient, user_id: UUID, deed: str, page: str = "", **changed: str
) -> httpx.Response:
    """Press a button on the page of a person, or on one of those that ask first."""
    markup = Markup((await client.get(f"/people/{user_id}{page}")).text)
    path = f"/people/{user_id}/{deed}"
    return await client.post(path, data=sent(markup, path, **changed))


@pytest.mark.parametrize("page", ["", "/delete"])
async def test_a_deletion_is_asked_for_and_can_be_taken_back(
    client: httpx.AsyncClient, pipeline: Pipeline, ada: User, page: str
) -> None:
    after = await landed(client, await press(client, ada.id, "delete", page))
    assert "Deleted on Thu 14 Jan 2027, 00:00:00 UTC." in after.words
    assert await pipeline.statuses(ada.id) == ["CANCELLED"]
    assert f"/people/{ada.id}/delete" not in after.links
    assert f"/people/{ada.id}/unsubscribe" not in after.forms
    back = await landed(client, await press(client, ada.id, "undelete"))
    assert "The deletion was taken back." in back.words
    assert await pipeline.statuses(ada.id) == ["SCHEDULED"]


async def test_to_ask_changes_nothing(
    client: httpx.AsyncClient, pipeline: Pipeline, ada: User
) -> None:
    for question in ("delete", "erase"):
        page = Markup((await client.get(f"/people/{ada.id}/{question}")).text)
        assert ada.email in page.words
        assert f"/people/{ada.id}" in page.links
    assert await pipeline.statuses(ada.id) == ["SCHEDULED"]


async def test_a_deletion_sent_twice_is_as_one(
    client: httpx.AsyncClient, pipeline: Pipeline, ada: User
) -> None:
    path = f"/people/{ada.id}/delete"
    for _ in range(2):
        assert (await client.post(path)).headers["location"] == f"/people/{ada.id}"
    assert "They are deleted already." in Markup((await client.get(path)).text).words
    assert await pipeline.statuses(ada.id) == ["CANCELLED"]


async def test_among_the_deleted_each_can_be_taken_back(
    client: httpx.AsyncClient, pipeline: Pipeline, ada: User
) -> None:
    await pipeline.users.delete(ada.id)
    listed = Markup((await client.get("/people?state=deleted")).text)
    path = f"/people/{ada.id}/undelete"
    assert (await client.post(path, data=listed.forms[path])).status_code == 303
    assert (await pipeline.users.get(ada.id)).deleted_at is None


async def test_an_address_that_is_somebody_elses_by_now_keeps_a_deletion(
    client: httpx.AsyncClient, pipeline: Pipeline, ada: User
) -> None:
    await pipeline.users.delete(ada.id)
    await pipeline.create(email=ada.email)
    response = await press(client, ada.id, "undelete")
    assert response.status_code == 409
    assert "another person already has this email address" in Markup(response.text).words


async def test_greetings_of_one_type_are_stopped_and_come_again(
    client: httpx.AsyncClient, pipeline: Pipeline, ada: User
) -> None:
    kind = {"message_type": "BIRTHDAY"}
    page = Markup((await client.get(f"/people/{ada.id}")).text)
    assert "Not wanted" not in page.words
    response = await client.post(f"/people/{ada.id}/unsubscribe", data=kind)
    left = await landed(client, response)
    assert "Done: no more birthday greetings. What had not left is cancelled." in left.words
    assert "Not wanted since Thu 14 Jan 2027, 00:00:00 UTC" in left.words
    assert "Unsubscribed from BIRTHDAY greetings on" in left.words
    assert await pipeline.statuses(ada.id) == ["CANCELLED"]
    response = await client.post(f"/people/{ada.id}/resubscribe", data=kind)
    assert "Done: birthday greetings come again." in (await landed(client, response)).words
    assert await pipeline.statuses(ada.id) == ["SCHEDULED"]


async def test_all_greetings_are_stopped_and_come_again(
    client: httpx.AsyncClient, pipeline: Pipeline, ada: User
) -> None:
    kind = {"message_type": "ALL"}
    response = await client.post(f"/people/{ada.id}/unsubscribe", data=kind)
    left = await landed(client, response)
    assert "No greetings, since Thu 14 Jan 2027, 00:00:00 UTC." in left.words
    assert (await pipeline.users.get(ada.id)).unsubscribed_at
    again = await landed(client, await press(client, ada.id, "resubscribe"))
    assert "Done: greetings of any kind come again." in again.words
    assert await pipeline.statuses(ada.id) == ["SCHEDULED"]


async def test_of_all_that_were_left_one_type_may_come_again(
    client: httpx.AsyncClient, pipeline: Pipeline, ada: User
) -> None:
    await pipeline.users.unsubscribe(ada.id)
    path = f"/people/{ada.id}/resubscribe"
    await client.post(path, data={"message_type": "BIRTHDAY"})
    stored = await pipeline.users.get(ada.id)
    assert (stored.unsubscribed_at, stored.unsubscribed_types) == (None, ["ANNIVERSARY"])


@pytest.mark.parametrize("deed", ["unsubscribe", "resubscribe"])
@pytest.mark.parametrize("form", [{}, {"message_type": ""}, {"message_type": "birthday "}])
async def test_a_type_that_is_none_stops_nothing(
    client: httpx.AsyncClient, pipeline: Pipeline, ada: User, deed: str, form: dict[str, str]
) -> None:
    response = await client.post(f"/people/{ada.id}/{deed}", data=form)
    assert response.status_code == 422
    assert "Nothing was changed" in Markup(response.text).words
    assert await pipeline.statuses(ada.id) == ["SCHEDULED"]


async def test_all_about_a_person_is_handed_over_as_a_file(
    client: httpx.AsyncClient, pipeline: Pipeline, ada: User
) -> None:
    await pipeline.users.delete(ada.id)
    response = await client.get(f"/people/{ada.id}/export")
    assert response.headers["content-disposition"] == (
        f'attachment; filename="person-{ada.id}.json"'
    )
    assert response.headers["content-type"] == "application/json"
    handed, by_api = response.json(), (await client.get(f"/api/v1/users/{ada.id}/export")).json()
    # That it was handed over has become a part of what is known.
    assert [deed["action"] for deed in by_api.pop("deeds")][-1] == "person.export"
    handed.pop("deeds")
    assert handed == by_api
    assert handed["person"][0]["email"] == ada.email


@pytest.mark.parametrize("typed", ["ERASE", " erase ", "id"])
async def test_a_person_is_erased_by_whoever_types_the_word(
    client: httpx.AsyncClient, pipeline: Pipeline, ada: User, typed: str
) -> None:
    confirm = str(ada.id) if typed == "id" else typed
    response = await press(client, ada.id, "erase", "/erase", confirm=confirm)
    after = await landed(client, response)
    assert response.headers["location"] == "/people"
    assert "Erased, for good. Their address will be greeted no more." in after.words
    assert (await client.get(f"/people/{ada.id}")).status_code == 404
    erased = "SELECT erased_at IS NOT NULL AND email <> $2 FROM users WHERE id = $1"
    assert await pipeline.value(erased, ada.id, ada.email)


@pytest.mark.parametrize("typed", ["", "yes", "ERASE!", "8a6f2b1e-4c7d-4e30-8f3c-5d0a9b7e4d1c"])
async def test_without_the_word_nobody_is_erased(
    client: httpx.AsyncClient, pipeline: Pipeline, ada: User, typed: str
) -> None:
    response = await press(client, ada.id, "erase", "/erase", confirm=typed)
    assert response.status_code == 422
    assert "Not erased: is not ERASE; nothing was erased" in Markup(response.text).words
    assert await pipeline.users.get(ada.id) == ada


async def test_whoever_is_being_imported_is_not_erased_yet(
    client: httpx.AsyncClient, pipeline: Pipeline, ada: User
) -> None:
    header = "first_name,last_name,email,timezone"
    rows = f"{header}\nAda,Lovelace,{ada.email},UTC\n".encode()
    response = await client.post(
        "/api/v1/imports", content=rows, headers={"Content-Type": "text/csv"}
    )
    assert response.status_code == 202
    response = await press(client, ada.id, "erase", "/erase", confirm="ERASE")
    assert response.status_code == 409
    assert "a file that is being imported names this person" in Markup(response.text).words
    assert await pipeline.users.get(ada.id) == ada


async def test_deeds_are_noted_by_the_names_that_the_api_has_for_them(
    client: httpx.AsyncClient, pipeline: Pipeline, ada: User
) -> None:
    kind = {"message_type": "ALL"}
    for deed in ("unsubscribe", "resubscribe", "delete", "undelete"):
        await client.post(f"/people/{ada.id}/{deed}", data=kind)
    await client.post(f"/people/{ada.id}/erase", data={"confirm": "ERASE"})
    rows = await pipeline.rows(
        "SELECT DISTINCT action, min(id) FROM audit_log WHERE subject_ids = ARRAY[$1::uuid] "
        "AND actor_kind = 'key' GROUP BY 1 ORDER BY 2",
        ada.id,
    )
    assert [row["action"] for row in rows] == [
        "person.unsubscribe", "person.resubscribe", "person.delete", "person.undelete",
        "person.erase",
    ]  # fmt: skip


async def test_who_comes_back_is_greeted_today_if_it_is_still_their_day(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    zone = await pipeline.create(timezone="Asia/Tokyo", birthday_date="1990-01-14")
    assert (await pipeline.message(zone.id))["scheduled_send_time"] == datetime(
        2027, 1, 14, tzinfo=UTC
    )
    await client.post(f"/people/{zone.id}/delete")
    page = await landed(client, await client.post(f"/people/{zone.id}/undelete"))
    assert "Will be sent" in page.words
