"""Many people in one call: what is stored, what is refused, and what is said of each."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from heyday.domain.people_tables import PersonFields, StoredPeople
from heyday.services.bulk import MOST_PEOPLE
from tests.factories import Pipeline, person
from tests.fakes import FakeClock

PEOPLE = "/api/v1/users"
BULK = f"{PEOPLE}/bulk"


async def upsert(client: httpx.AsyncClient, *rows: object) -> dict[str, Any]:
    reply = await client.post(BULK, json={"people": list(rows)})
    assert reply.status_code == 200, reply.text
    report = dict(reply.json())
    assert [result["index"] for result in report["results"]] == list(range(len(rows)))
    return report


def outcomes(report: dict[str, Any]) -> list[str]:
    return [result["outcome"] for result in report["results"]]


async def test_people_come_in_with_their_plans_and_each_gets_an_id(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    rows = [person(birthday_date="1990-01-15"), person(timezone="Asia/Tokyo")]
    report = await upsert(client, *rows)
    assert (report["created"], report["updated"], report["rejected"]) == (2, 0, 0)
    for row, result in zip(rows, report["results"], strict=True):
        shown = (await client.get(f"{PEOPLE}/{result['id']}")).json()
        assert row.items() <= shown.items()
    assert await pipeline.statuses(UUID(report["results"][0]["id"])) == ["SCHEDULED"]


async def test_who_is_there_is_overwritten_as_by_put_and_replanned(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    old = person(birthday_date="1990-01-15", location_city="London")
    (created,) = (await upsert(client, old))["results"]
    clock.advance(timedelta(seconds=1))
    changed = {**old, "email": str(old["email"]).upper(), "first_name": "Grace"}
    del changed["location_city"], changed["birthday_date"]
    report = await upsert(client, changed, person())
    assert outcomes(report) == ["updated", "created"]
    assert report["results"][0]["id"] == created["id"]
    shown = (await client.get(f"{PEOPLE}/{created['id']}")).json()
    assert (shown["first_name"], shown["location_city"]) == ("Grace", None)
    assert await pipeline.statuses(UUID(created["id"])) == ["CANCELLED"]


async def test_the_same_call_again_changes_nothing(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    rows = [person(birthday_date="1990-01-15") for _ in range(3)]
    first = await upsert(client, *rows)
    versions = "SELECT array_agg(xmin::text || id::text ORDER BY id) FROM users"
    before = await pipeline.value(versions)
    again = await upsert(client, *rows)
    assert (again["created"], again["updated"]) == (0, 3)
    assert [r["id"] for r in again["results"]] == [r["id"] for r in first["results"]]
    assert await pipeline.value(versions) == before


async def test_a_wrong_row_is_named_by_pointer_and_costs_no_other(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    rows = [
        person(),
        person(email="SECRET", timezone="Mars/SECRET"),
        "SECRET",
        None,
        person(nick=1),
        person(**{"SECRET 1": 1}),
        {},
        person(),
    ]
    report = await upsert(client, *rows)
    assert outcomes(report) == ["created", *["rejected"] * 6, "created"]
    assert (report["created"], report["updated"], report["rejected"]) == (2, 0, 6)
    pointers = [[error["pointer"] for error in r["errors"]] for r in report["results"]]
    assert pointers[:6] == [
        [],
        ["/people/1/email", "/people/1/timezone"],
        ["/people/2"],
        ["/people/3"],
        ["/people/4/nick"],
        ["/people/5"],
    ]
    assert [r["id"] is None for r in report["results"]] == [False, *[True] * 6, False]
    assert "SECRET" not in json.dumps(report)
    assert await pipeline.value("SELECT count(*) FROM users") == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [("ada@example.com", "ADA@example.com"), ("éva@example.com", "Éva@example.com")],
)
async def test_of_two_rows_with_one_address_the_later_is_refused(
    client: httpx.AsyncClient, first: str, second: str
) -> None:
    wrong = person(email=first, first_name="")
    report = await upsert(client, wrong, person(email=first), person(email=second))
    assert outcomes(report) == ["rejected", "created", "rejected"]
    (error,) = report["results"][2]["errors"]
    assert error["pointer"] == "/people/2/email"
    assert "row 1" in error["detail"]


async def test_who_is_deleted_meanwhile_is_created_anew(
    client: httpx.AsyncClient, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unchanged person is not locked, and may be gone before their id is read."""
    row = person()
    (old,) = (await upsert(client, row))["results"]
    from heyday.db.users import UserRepository  # noqa: PLC0415 - replaced for this test alone

    store = UserRepository.upsert_many
    calls = 0

    async def store_and_lose(
        users: UserRepository, people: list[PersonFields], *rest: Any
    ) -> StoredPeople:
        nonlocal calls
        calls += 1
        changes = await store(users, people, *rest)
        if calls == 1:
            await pipeline.execute("UPDATE users SET deleted_at = now()")
        return changes

    monkeypatch.setattr(UserRepository, "upsert_many", store_and_lose)
    (new,) = (await upsert(client, row))["results"]
    assert (calls, new["outcome"]) == (2, "created")
    assert new["id"] != old["id"]


async def test_nobody_is_no_fault(client: httpx.AsyncClient) -> None:
    assert await upsert(client) == {"created": 0, "updated": 0, "rejected": 0, "results": []}


async def test_a_thousand_are_taken_and_one_more_is_not(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    rows = [person(birthday_date="1990-01-15") for _ in range(MOST_PEOPLE)]
    assert (await upsert(client, *rows))["created"] == MOST_PEOPLE
    assert await pipeline.value("SELECT count(*) FROM message_logs") == MOST_PEOPLE
    reply = await client.post(BULK, json={"people": [*rows, person()]})
    assert reply.status_code == 422
    assert [error["pointer"] for error in reply.json()["errors"]] == ["/people"]
    assert await pipeline.value("SELECT count(*) FROM users") == MOST_PEOPLE


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[]", 400),
        (b'{"people": [], "people": []}', 400),
        (b'{"people": [{"email": "a", "email": "b"}]}', 400),
        (b'{"people": ' + b"[" * 500_000, 400),
        (b'{"people": [' + b"9" * 5000 + b"]}", 400),
        (b"{}", 422),
        (b'{"people": {}}', 422),
        (b'{"people": [], "SECRET": 1}', 422),
        (b'{"people": ["' + b"x" * 1024 * 1024 + b'"]}', 413),
    ],
)
async def test_a_body_that_is_wrong_as_a_whole_is_refused(
    client: httpx.AsyncClient, body: bytes, status: int
) -> None:
    headers = {"Content-Type": "application/json"}
    reply = await client.post(BULK, content=body, headers=headers)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"


async def test_another_media_type_is_refused(client: httpx.AsyncClient) -> None:
    reply = await client.post(BULK, content=b"{}", headers={"Content-Type": "text/csv"})
    assert reply.status_code == 415


async def test_a_body_that_only_many_people_may_have_is_refused_elsewhere(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.post(PEOPLE, json={"x": "x" * 70_000})).status_code == 413
    assert (await upsert(client, person(location_city="x" * 70_000)))["rejected"] == 1
