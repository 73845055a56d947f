"""Messages over HTTP: who sees what of them, in which order, and what may be decided."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from heyday.domain.access import Scope
from tests.factories import Pipeline
from tests.fakes import FakeClock, RecordingSender
from tests.keys import Doors, bearer

MESSAGES = "/api/v1/messages"
DAY = timedelta(days=1)
# What must never be shown to who may read messages alone.
MARKED = {
    "first_name": "Zebedee",
    "last_name": "Quux",
    "email": "canary@example.com",
    "timezone": "Asia/Kathmandu",
    "birthday_date": "1983-01-15",
    "location_city": "Pokhara",
    "location_country": "Nepal",
}
CANARIES = ("Zebedee", "Quux", "canary", "1983", "Kathmandu", "Pokhara", "Nepal", "answered with")
GREETING = """
    INSERT INTO message_logs (
        user_id, message_type, delivery_date, scheduled_send_time, status, ambiguous_count,
        idempotency_key, message_content, occasion_date, timezone, tzdb_version,
        api_response_body, error_message)
    SELECT $1::uuid, $2::varchar, ($3::timestamptz AT TIME ZONE 'UTC')::date, $3, $4, $5,
           $1::uuid || ':' || $2::varchar || ':' || gen_random_uuid(), 'Hey, Zebedee Quux',
           '1983-01-15', 'Asia/Kathmandu', '2026f', 'answered with canary@example.com',
           'no answer came in time'
    RETURNING id
"""


async def marked(pipeline: Pipeline) -> UUID:
    """Store the person whose traits would be found in a reply; nothing is planned."""
    return await pipeline.insert(**MARKED)


async def greeting(  # noqa: PLR0913, PLR0917 - one for each thing that filters tell apart
    pipeline: Pipeline,
    user_id: UUID,
    at: datetime,
    status: str = "SENT",
    message_type: str = "BIRTHDAY",
    ambiguous: int = 0,
) -> str:
    await pipeline.planner.prepare(pipeline.database, at)
    values = (user_id, message_type, at, status, ambiguous)
    return str(await pipeline.value(GREETING, *values))


async def listed(client: httpx.AsyncClient, **params: object) -> list[str]:
    reply = await client.get(MESSAGES, params={k: str(v) for k, v in params.items()})
    assert reply.status_code == 200, reply.text
    return [item["id"] for item in reply.json()["items"]]


async def unknown(pipeline: Pipeline) -> str:
    at = pipeline.clock.now() - timedelta(hours=1)
    return await greeting(pipeline, await marked(pipeline), at, "UNKNOWN", ambiguous=2)


# --- Lists ---------------------------------------------------------------------------------------


async def test_each_filter_keeps_what_it_names(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    now, ada, zoe = clock.now(), await pipeline.insert(), await pipeline.insert()
    first = await greeting(pipeline, ada, now - 2 * DAY, "SENT")
    second = await greeting(pipeline, ada, now - DAY, "FAILED", "ANNIVERSARY")
    third = await greeting(pipeline, zoe, now, "SENT", "ANNIVERSARY", ambiguous=1)
    assert await listed(client) == [first, second, third]
    assert await listed(client, status="SENT") == [first, third]
    assert await listed(client, message_type="ANNIVERSARY") == [second, third]
    assert await listed(client, user_id=ada) == [first, second]
    assert await listed(client, is_ambiguous="true") == [third]
    assert await listed(client, is_ambiguous="false") == [first, second]
    day = (now - DAY).date()
    assert await listed(client, delivery_date_from=day) == [second, third]
    assert await listed(client, delivery_date_to=day) == [first, second]
    assert await listed(client, delivery_date_from=day, delivery_date_to=day) == [second]
    at = (now - DAY).isoformat()
    assert await listed(client, scheduled_send_time_from=at) == [second, third]
    assert await listed(client, scheduled_send_time_to=at) == [first]
    everything = {
        "status": "SENT",
        "message_type": "ANNIVERSARY",
        "user_id": zoe,
        "is_ambiguous": "true",
        "delivery_date_from": date(2027, 1, 14),
        "delivery_date_to": date(2027, 1, 14),
        "scheduled_send_time_from": now.isoformat(),
        "scheduled_send_time_to": (now + DAY).isoformat(),
    }
    assert await listed(client, **everything) == [third]
    assert await listed(client, **{**everything, "user_id": ada}) == []


async def test_an_unbounded_list_begins_a_month_ago_and_says_so(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    now, ada = clock.now(), await pipeline.insert()
    old = await greeting(pipeline, ada, now - 100 * DAY, "SENT")
    waiting = await greeting(pipeline, ada, now - 99 * DAY, "UNKNOWN")
    recent = await greeting(pipeline, ada, now - DAY, "SENT")
    page = (await client.get(MESSAGES)).json()
    assert [item["id"] for item in page["items"]] == [recent]
    assert page["scheduled_send_time_from"] == "2026-12-14T00:00:00Z"
    assert await listed(client, status="UNKNOWN") == [waiting]
    assert await listed(client, user_id=ada) == [old, waiting, recent]
    assert await listed(client, scheduled_send_time_from="2026-01-01T00:00:00Z") == [
        old,
        waiting,
        recent,
    ]


async def test_pages_hold_everything_once_also_what_arrives_between_them(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    now, ada = clock.now(), await pipeline.insert()
    # Many have one and the same instant, and their ids are in no order.
    before = [await greeting(pipeline, ada, now) for _ in range(7)]
    before += [await greeting(pipeline, ada, now + timedelta(microseconds=1)) for _ in range(2)]
    seen: list[str] = []
    added: list[str] = []
    after: str | None = None
    while True:
        cursor = {"after": after} if after else {}
        page = (await client.get(MESSAGES, params={"limit": 2, **cursor})).json()
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
        if len(added) < 4:
            added += [await greeting(pipeline, ada, now - DAY), await greeting(pipeline, ada, now)]
    assert len(seen) == len(set(seen))
    assert set(before) <= set(seen) <= {*before, *added}
    whole = await listed(client, scheduled_send_time_from=now.isoformat())
    assert [found for found in whole if found in seen] == seen


async def test_a_full_last_page_has_no_next(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    await greeting(pipeline, await pipeline.insert(), clock.now())
    page = (await client.get(MESSAGES, params={"limit": 1})).json()
    assert (len(page["items"]), page["next"]) == (1, None)


async def test_wrong_parameters_are_named(client: httpx.AsyncClient) -> None:
    wrong = {
        "status": "SECRET",
        "message_type": "SECRET",
        "user_id": "SECRET",
        "is_ambiguous": "SECRET",
        "delivery_date_from": "2027-02-30",
        "delivery_date_to": "SECRET",
        "scheduled_send_time_from": "SECRET",
        "scheduled_send_time_to": "SECRET",
        "limit": "201",
        "after": "SECRET",
    }
    reply = await client.get(MESSAGES, params=wrong)
    assert (reply.status_code, reply.json()["type"]) == (422, "/problems/invalid-input")
    assert {error["parameter"] for error in reply.json()["errors"]} == set(wrong)
    assert "SECRET" not in reply.text
    naive = {"scheduled_send_time_from": "2027-01-14T09:00:00"}
    reply = await client.get(MESSAGES, params=naive)
    assert [error["parameter"] for error in reply.json()["errors"]] == list(naive)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
async def test_an_instant_at_the_end_of_time_is_a_bound_as_any(
    client: httpx.AsyncClient, at: str
) -> None:
    for name in ("scheduled_send_time_from", "scheduled_send_time_to"):
        assert (await client.get(f"{MESSAGES}?{name}={at}")).status_code == 200
    for name in ("delivery_date_from", "delivery_date_to"):
        assert (await client.get(f"{MESSAGES}?{name}={at[:10]}")).status_code == 200


# --- One -----------------------------------------------------------------------------------------


async def test_a_message_is_shown_with_its_timeline_and_attempts(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    clock.set(datetime.fromisoformat("2027-01-14T08:00:00Z"))
    user = await pipeline.create(timezone="UTC", birthday_date="1990-01-14")
    clock.set(datetime.fromisoformat("2027-01-14T09:00:00Z"))
    assert await pipeline.send_due() == len(sender.sent) == 1
    await pipeline.execute("UPDATE message_logs SET created_at = $1", clock.now() - DAY)
    (given,) = await listed(client)
    shown = (await client.get(f"{MESSAGES}/{given}")).json()
    assert (shown["id"], shown["user_id"], shown["status"]) == (given, str(user.id), "SENT")
    assert shown["idempotency_key"] == f"{user.id}:BIRTHDAY:2027-01-14"
    assert shown["allowed"] == []
    assert [(event["at"], event["text"]) for event in shown["timeline"]] == [
        ("2027-01-13T09:00:00Z", "planned"),
        ("2027-01-14T09:00:00Z", "due"),
        ("2027-01-14T09:00:00Z", "queued, for the last time"),
        ("2027-01-14T09:00:00Z", "accepted at the first attempt through test: SENT"),
    ]
    assert shown["attempts"] == []


async def test_nothing_of_the_person_is_shown_but_the_id(
    client: httpx.AsyncClient, pipeline: Pipeline, doors: Doors
) -> None:
    given = await unknown(pipeline)
    client.headers.update(bearer(await doors.key(Scope.MESSAGES_READ, Scope.MESSAGES_WRITE)))
    replies = [
        await client.get(MESSAGES, params={"status": "UNKNOWN"}),
        await client.get(f"{MESSAGES}/{given}"),
        await client.post(f"{MESSAGES}/{given}/cancel", json={"note": "no"}),
        await client.post(f"{MESSAGES}/{given}/resolve", json={"as": "failed", "note": "a@b.de"}),
        await client.post(f"{MESSAGES}/{given}/resolve", json={"as": "failed"}),
        await client.post(f"{MESSAGES}/{given}/retry"),
        await client.get("/api/v1/queue"),
        await client.get("/api/v1/queue/dead-letters"),
        await client.get("/api/v1/job-runs"),
        await client.get("/api/v1/reconciliation"),
        await client.get("/api/v1/forecast", params={"by": "day", "days": 30}),
        await client.get("/api/v1/message-types"),
    ]
    assert [reply.status_code for reply in replies] == [200, 200, 409, 422, 200, 409, *[200] * 6]
    assert (await client.get(f"/api/v1/users/{uuid4()}/explanation")).status_code == 403
    for reply in replies:
        found = [canary for canary in CANARIES if canary in reply.text]
        assert not found, (reply.request.url, found)


async def test_an_unknown_message_is_not_found(client: httpx.AsyncClient) -> None:
    path = f"{MESSAGES}/{uuid4()}"
    for reply in (
        await client.get(path),
        await client.post(f"{path}/retry"),
        await client.post(f"{path}/cancel", json={"note": "why"}),
        await client.post(f"{path}/resolve", json={"as": "sent"}),
    ):
        assert (reply.status_code, reply.json()["type"]) == (404, "/problems/no-such-message")
        assert "no greeting with this id" in reply.json()["detail"]


# --- Decisions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("resolve", {"as": "sent", "note": "in its log"}, "SENT"),
        ("resolve", {"as": "failed"}, "FAILED"),
        ("resolve", {"as": "retry"}, "RETRYING"),
        ("retry", None, "RETRYING"),
    ],
)
async def test_what_is_unknown_is_settled(
    client: httpx.AsyncClient, pipeline: Pipeline, action: str, body: Any, status: str
) -> None:
    given = await unknown(pipeline)
    assert (await client.get(f"{MESSAGES}/{given}")).json()["allowed"] == ["retry", "resolve"]
    reply = await client.post(f"{MESSAGES}/{given}/{action}", json=body)
    assert (reply.status_code, reply.json()["status"]) == (200, status)
    assert reply.json() == (await client.get(f"{MESSAGES}/{given}")).json()
    (attempt,) = reply.json()["attempts"]
    note = (body or {}).get("note")
    assert (attempt["outcome"], attempt["status"], attempt["error_message"]) == (
        "resolved",
        status,
        note,
    )
    assert await pipeline.statuses() == [status]


async def test_a_message_is_cancelled_for_good(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    await pipeline.create(timezone="UTC", birthday_date="1990-01-15")
    (given,) = await listed(client)
    assert (await client.get(f"{MESSAGES}/{given}")).json()["allowed"] == ["cancel"]
    reply = await client.post(f"{MESSAGES}/{given}/cancel", json={"note": "they asked"})
    assert (reply.status_code, reply.json()["status"]) == (200, "CANCELLED")
    assert reply.json()["error_message"] == "cancelled by a person: they asked"
    assert reply.json()["allowed"] == []
    clock.set(datetime.fromisoformat("2027-01-15T09:00:00Z"))
    await pipeline.recovery.run_once()
    assert await pipeline.send_due() == len(sender.sent) == 0
    again = await client.post(f"{MESSAGES}/{given}/cancel", json={"note": "again"})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/illegal-move")


@pytest.mark.parametrize(
    ("status", "action", "body", "said"),
    [
        (
            "SENT",
            "cancel",
            {"note": "no"},
            "from SENT to CANCELLED; there is nothing left",
        ),
        ("SENDING", "cancel", {"note": "no"}, "it is being sent right now"),
        (
            "UNKNOWN",
            "cancel",
            {"note": "no"},
            "may make of it now: FAILED, RETRYING, SENT.",
        ),
        (
            "FAILED",
            "retry",
            None,
            "from FAILED to RETRYING; an attempt of it may have been taken",
        ),
        ("SENDING", "resolve", {"as": "sent"}, "it is being sent right now"),
        ("SCHEDULED", "resolve", {"as": "sent"}, "what a person may make of it now: CANCELLED."),
    ],
)
async def test_what_is_not_allowed_is_a_conflict_that_says_what_is(  # noqa: PLR0913, PLR0917
    client: httpx.AsyncClient, pipeline: Pipeline, status: str, action: str, body: Any, said: str
) -> None:
    given = await unknown(pipeline)
    await pipeline.execute(
        "UPDATE message_logs SET status = $1, lease_until = now() + interval '1 h'", status
    )
    reply = await client.post(f"{MESSAGES}/{given}/{action}", json=body)
    assert (reply.status_code, reply.json()["type"]) == (409, "/problems/illegal-move")
    assert said in reply.json()["detail"]
    assert await pipeline.statuses() == [status]


async def test_a_retry_that_comes_too_late_is_a_conflict(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    given = await unknown(pipeline)
    clock.advance(2 * DAY)
    for reply in (
        await client.post(f"{MESSAGES}/{given}/retry"),
        await client.post(f"{MESSAGES}/{given}/resolve", json={"as": "retry"}),
    ):
        assert (reply.status_code, reply.json()["type"]) == (409, "/problems/conflict")
        assert "settle it as sent or as failed" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("action", "body", "pointers"),
    [
        ("resolve", {}, ["/as"]),
        ("resolve", {"as": "SECRET", "note": 5, "x": 1}, ["/x", "/as", "/note"]),
        ("resolve", {"as": "sent", "note": "SECRET@example.com"}, ["/note"]),
        ("resolve", {"as": "sent", "note": "two\nlines"}, ["/note"]),
        ("cancel", {}, ["/note"]),
        ("cancel", {"note": ""}, ["/note"]),
        ("cancel", {"note": "SECRET" * 100}, ["/note"]),
        ("cancel", {"note": "\u202etxet"}, ["/note"]),
    ],
)
async def test_what_a_body_may_not_hold_is_named(
    client: httpx.AsyncClient, pipeline: Pipeline, action: str, body: Any, pointers: list[str]
) -> None:
    given = await unknown(pipeline)
    await pipeline.execute(
        "UPDATE message_logs SET status = 'SCHEDULED' WHERE $1", action == "cancel"
    )
    reply = await client.post(f"{MESSAGES}/{given}/{action}", json=body)
    assert (reply.status_code, reply.json()["type"]) == (422, "/problems/invalid-input")
    assert [error["pointer"] for error in reply.json()["errors"]] == pointers
    assert "SECRET" not in reply.text


@pytest.mark.parametrize("action", ["cancel", "resolve"])
async def test_what_is_no_json_object_is_refused(
    client: httpx.AsyncClient, pipeline: Pipeline, action: str
) -> None:
    path = f"{MESSAGES}/{await unknown(pipeline)}/{action}"
    json = {"Content-Type": "application/json"}
    assert (await client.post(path, content=b"[]", headers=json)).status_code == 400
    assert (await client.post(path)).status_code == 400
    assert (await client.post(path, content=b"as=sent")).status_code == 415
    long = b'{"note": "' + b"x" * 70_000 + b'"}'
    assert (await client.post(path, content=long, headers=json)).status_code == 413
    assert await pipeline.statuses() == ["UNKNOWN"]


async def test_of_decisions_made_at_once_one_wins(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    path = f"{MESSAGES}/{await unknown(pipeline)}"
    replies = await asyncio.gather(
        client.post(f"{path}/resolve", json={"as": "sent"}),
        client.post(f"{path}/resolve", json={"as": "failed"}),
        client.post(f"{path}/retry"),
    )
    assert sorted(reply.status_code for reply in replies) == [200, 409, 409]
    (won,) = [reply.json()["status"] for reply in replies if reply.status_code == 200]
    assert await pipeline.statuses() == [won]
