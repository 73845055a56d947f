"""The forms by which people are added and changed: what they take, refuse and show again."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime

import httpx
import pytest

from heyday.domain.models import User
from tests.factories import Pipeline
from tests.fakes import FakeClock
from tests.integration.web.markup import Markup, landed, sent

NEW = "/people/new"
GIVEN = {
    "first_name": "Yuki",
    "last_name": "Sato",
    "email": "yuki@example.jp",
    "timezone": "Asia/Tokyo",
}


async def draft(client: httpx.AsyncClient, **given: str) -> httpx.Response:
    """Fill in the form of a new person, and send it."""
    form = Markup((await client.get(NEW)).text)
    return await client.post(NEW, data=sent(form, NEW, **GIVEN | given))


async def edit(client: httpx.AsyncClient, user: User, **changed: str) -> httpx.Response:
    """Open the form of a person, change some fields, and send it."""
    path = f"/people/{user.id}/edit"
    form = Markup((await client.get(path)).text)
    return await client.post(path, data=sent(form, path, **changed))


async def only(pipeline: Pipeline) -> User:
    """Return the only person there is."""
    (user,) = await pipeline.users.list_page(None, 2)
    return user


async def test_a_person_is_added_and_shown(client: httpx.AsyncClient, pipeline: Pipeline) -> None:
    response = await draft(
        client, birthday_date_day="14", birthday_date_month="3", birthday_date_year="1990",
        anniversary_date_day="29", anniversary_date_month="2", locale="ja", location_city=" Kobe ",
    )  # fmt: skip
    user = await only(pipeline)
    assert response.headers["location"] == f"/people/{user.id}"
    assert "Yuki" not in response.headers["set-cookie"]
    assert (user.birthday_date, user.anniversary_date) == (date(1990, 3, 14), date(1604, 2, 29))
    assert (user.locale, user.location_city, user.location_country) == ("ja", "Kobe", None)
    page = await landed(client, response)
    assert "Added. What comes next is below." in page.words
    assert "Added." not in Markup((await client.get(f"/people/{user.id}")).text).words


async def test_the_deed_is_noted_with_the_person(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await draft(client)
    user = await only(pipeline)
    await edit(client, user, first_name="Yukiko")
    rows = await pipeline.rows("SELECT action, subject_ids, fields FROM audit_log ORDER BY id")
    deeds = {row["action"]: row for row in rows}
    assert deeds["person.create"]["subject_ids"] == [user.id]
    assert deeds["person.replace"]["subject_ids"] == [user.id]
    assert deeds["person.replace"]["fields"] == ["first_name"]


@pytest.mark.parametrize(
    ("given", "said", "target"),
    [
        ({"first_name": " "}, "First name is required", "first_name"),
        ({"last_name": "x" * 101}, "has 101 characters; at most 100", "last_name"),
        ({"email": "yuki"}, "Address is not an email address", "email"),
        ({"timezone": "Tokyo"}, "did you mean Asia/Tokyo?", "timezone"),
        ({"timezone": "germany"}, "did you mean Europe/Berlin?", "timezone"),
        ({"birthday_date_day": "30", "birthday_date_month": "2"}, "is not a day of the calendar",
         "birthday_date_day"),
        ({"birthday_date_day": "30"}, "a date needs a day and a month", "birthday_date_month"),
        ({"birthday_date_year": "1990"}, "a date needs a day and a month", "birthday_date_day"),
        ({"birthday_date_day": "x", "birthday_date_month": "2"}, "Birthday must be a number",
         "birthday_date_day"),
        ({"birthday_date_day": "1", "birthday_date_month": "2", "birthday_date_year": "90"},
         "must lie between 1900-01-01 and today", "birthday_date_day"),
        ({"anniversary_date_day": "1", "anniversary_date_month": "2",
          "anniversary_date_year": "2099"}, "and today", "anniversary_date_day"),
        ({"locale": "klingonisch!"}, "Language is not a language tag", "locale"),
    ],
)  # fmt: skip
async def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(
    client: httpx.AsyncClient, pipeline: Pipeline, given: dict[str, str], said: str, target: str
) -> None:
    response = await draft(client, **{"location_city": "Kobe"} | given)
    assert response.status_code == 422
    page = Markup(response.text)
    assert said in page.words
    assert "Nothing was saved: 1 field is not right." in page.words
    assert f"#{target}" in page.links
    assert f'id="{target}"' in response.text
    assert page.forms[NEW] == {**page.forms[NEW], "location_city": "Kobe"} | given
    described = f"{target.rsplit('_', 1)[0] if 'date' in target else target}-problem"
    assert f'id="{described}"' in response.text
    assert f'aria-describedby="{described}' in response.text
    assert await pipeline.users.list_page(None, 1) == []


async def test_every_field_that_is_wrong_is_named_once_in_order(client: httpx.AsyncClient) -> None:
    response = await draft(client, first_name="", email="x", birthday_date_year="1")
    page = Markup(response.text)
    assert "3 fields are not right." in page.words
    assert [link for link in page.links if link.startswith("#")] == [
        "#content", "#first_name", "#email", "#birthday_date_day",
    ]  # fmt: skip


async def test_an_address_that_is_taken_is_told_of(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.create(email=GIVEN["email"])
    response = await draft(client)
    assert response.status_code == 409
    assert "another person already has this email address" in Markup(response.text).words


async def test_a_form_that_is_sent_twice_adds_one(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    twice = await asyncio.gather(draft(client), draft(client))
    assert sorted(response.status_code for response in twice) == [303, 409]
    assert (await only(pipeline)).email == GIVEN["email"]


async def test_a_form_shows_what_is_stored_and_changes_nothing_by_itself(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await pipeline.create(
        birthday_date="--02-29", anniversary_date="2015-03-02", locale="pt-BR",
        location_city="São Paulo", location_country="Brasil",
    )  # fmt: skip
    page = await landed(client, await edit(client, user))
    assert "Saved." in page.words
    stored = await pipeline.users.get(user.id)
    assert replace(stored, updated_at=user.updated_at) == user


async def test_fields_are_emptied(client: httpx.AsyncClient, pipeline: Pipeline) -> None:
    user = await pipeline.create(birthday_date="1990-01-15", locale="de")
    empty = {f"birthday_date_{part}": "" for part in ("day", "month", "year")}
    await edit(client, user, locale="", **empty)
    changed = await pipeline.users.get(user.id)
    assert (changed.birthday_date, changed.locale) == (None, None)
    assert await pipeline.statuses(user.id) == ["CANCELLED"]


async def test_another_zone_tells_how_the_greeting_moved(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await pipeline.create(timezone="Asia/Tokyo", birthday_date="1990-01-15")
    page = await landed(client, await edit(client, user, timezone="Europe/Berlin"))
    assert (
        "Saved. The birthday greeting would have left on Fri 15 Jan 2027, 09:00:00 in Tokyo, Japan "
        "(Fri 15 Jan 2027, 00:00:00 UTC); now it leaves on Fri 15 Jan 2027, 09:00:00 in Berlin, "
        "Germany (Fri 15 Jan 2027, 08:00:00 UTC)."
    ) in page.words
    row = await pipeline.message(user.id)
    assert row["scheduled_send_time"] == datetime(2027, 1, 15, 8, tzinfo=UTC)


async def test_what_was_sent_is_not_said_to_move(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await pipeline.create(timezone="Asia/Tokyo", birthday_date="1990-01-15")
    clock.set(datetime(2027, 1, 15, tzinfo=UTC))
    await pipeline.send_due()
    page = await landed(client, await edit(client, user, timezone="Europe/Berlin"))
    assert "would have left" not in page.words


async def test_a_date_that_comes_or_goes_is_told_of(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await pipeline.create(timezone="Asia/Tokyo")
    day = {"birthday_date_day": "15", "birthday_date_month": "1"}
    page = await landed(client, await edit(client, user, **day))
    assert "The birthday greeting leaves on Fri 15 Jan 2027, 09:00:00 in Tokyo" in page.words
    page = await landed(client, await edit(client, user, **dict.fromkeys(day, "")))
    assert "it does not leave any more." in page.words


async def test_whoever_was_slower_sees_both_values_and_decides(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await pipeline.create(first_name="Ada", birthday_date="1990-01-15")
    path = f"/people/{user.id}/edit"
    form = Markup((await client.get(path)).text)
    await pipeline.users.patch(user.id, {"first_name": "Augusta", "birthday_date": "1990-01-16"})
    mine = sent(form, path, first_name="Adah", location_city="London")
    response = await client.post(path, data=mine)
    assert response.status_code == 409
    page = Markup(response.text)
    for said in (
        "Nothing was saved: somebody else has changed this person",
        "First name Adah Augusta",
        "Birthday 15 1 1990 16 1 1990",
        "City London empty",
    ):
        assert said in page.words, said
    assert (await pipeline.users.get(user.id)).first_name == "Augusta"
    assert path in page.links
    # Sent once more, with the version that was just shown, it is what the visitor has decided.
    assert (await client.post(path, data=page.forms[path])).status_code == 303
    stored = await pipeline.users.get(user.id)
    assert (stored.first_name, stored.birthday_date) == ("Adah", date(1990, 1, 15))


async def test_of_two_forms_at_once_one_is_saved(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await pipeline.create()
    both = await asyncio.gather(
        edit(client, user, first_name="One"), edit(client, user, first_name="Two")
    )
    codes = sorted(response.status_code for response in both)
    assert codes == [303, 409]


@pytest.mark.parametrize("version", ["", "1-1"])
async def test_a_form_without_its_version_saves_nothing(
    client: httpx.AsyncClient, pipeline: Pipeline, version: str
) -> None:
    user = await pipeline.create(first_name="Ada")
    response = await edit(client, user, first_name="Eve", version=version)
    assert response.status_code == 409
    assert (await pipeline.users.get(user.id)).first_name == "Ada"


async def test_a_person_who_was_deleted_meanwhile_is_not_changed(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await pipeline.create()
    path = f"/people/{user.id}/edit"
    form = Markup((await client.get(path)).text)
    await pipeline.users.delete(user.id)
    response = await client.post(path, data=form.forms[path])
    assert response.status_code == 404
    assert (await client.get(path)).status_code == 404


async def test_a_form_may_come_in_parts_and_with_fields_that_are_none(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    given = {**GIVEN, "is_admin": "yes"}
    parts: dict[str, tuple[None, str]] = {name: (None, text) for name, text in given.items()}
    assert (await client.post(NEW, files=parts)).status_code == 303
    assert (await only(pipeline)).email == GIVEN["email"]
    upload = {"email": ("a.txt", b"me@example.com")}
    rest = {name: text for name, text in GIVEN.items() if name != "email"}
    assert (await client.post(NEW, data=rest, files=upload)).status_code == 422


async def test_the_form_is_light(client: httpx.AsyncClient) -> None:
    """It holds every zone that one may choose."""
    response = await client.get(NEW)
    assert '<option value="Asia/Tokyo">Tokyo, Japan (UTC+09:00)</option>' in response.text
    assert len(response.content) < 60_000
