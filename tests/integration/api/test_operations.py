"""What operators look at over HTTP: kinds of greeting, forecast, explanation, runs, books."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from heyday.domain.message_types import BIRTHDAY
from tests.factories import Pipeline
from tests.fakes import FakeClock

V1 = "/api/v1"


async def shown(client: httpx.AsyncClient, path: str, **params: object) -> Any:
    reply = await client.get(f"{V1}/{path}", params={k: str(v) for k, v in params.items()})
    assert reply.status_code == 200, reply.text
    return reply.json()


async def refused(client: httpx.AsyncClient, path: str, **params: object) -> set[str]:
    """Return the parameters that a reply refuses."""
    reply = await client.get(f"{V1}/{path}", params={k: str(v) for k, v in params.items()})
    assert (reply.status_code, reply.json()["type"]) == (422, "/problems/invalid-input")
    assert "SECRET" not in reply.text
    return {error["parameter"] for error in reply.json()["errors"]}


# --- Kinds of greeting ---------------------------------------------------------------------------


async def test_kinds_of_greeting_are_shown_with_their_policies(client: httpx.AsyncClient) -> None:
    items = (await shown(client, "message-types"))["items"]
    assert [item["name"] for item in items] == ["BIRTHDAY", "ANNIVERSARY"]
    birthday = await shown(client, "message-types/birthday")
    assert birthday == items[0]
    assert birthday == {
        "name": "BIRTHDAY",
        "date_field": "birthday_date",
        "text": BIRTHDAY.text,
        "text_for_one": BIRTHDAY.text_for_one,
        "text_without_year": BIRTHDAY.text_without_year,
        "first_year": 0,
        "policies": {
            "send_time": "09:00:00",
            "leap_day": "BACKWARD",
            "gap": "SHIFT",
            "overlap": "FIRST",
            "missing_date": "FORWARD",
            "spread_seconds": 0.0,
            "late_window_seconds": 86400.0,
            "late_join": True,
            "same_occasion_seconds": 15552000.0,
            "ambiguity": "RETRY",
        },
    }


async def test_an_unknown_kind_is_not_found(client: httpx.AsyncClient) -> None:
    reply = await client.get(f"{V1}/message-types/SECRET")
    assert (reply.status_code, reply.json()["type"]) == (404, "/problems/no-such-message-type")
    assert "known: BIRTHDAY, ANNIVERSARY" in reply.json()["detail"]
    assert "SECRET" not in reply.text


# --- Forecast ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("by", "rows"), [("hour", 48), ("day", 2), ("zone", 1), ("type", 2)])
async def test_a_forecast_is_told_by(
    client: httpx.AsyncClient, pipeline: Pipeline, by: str, rows: int
) -> None:
    await pipeline.insert(timezone="UTC", birthday_date="1990-01-15")
    told = await shown(client, "forecast", days=2, by=by)
    assert (told["from"], told["until"]) == ("2027-01-14T00:00:00Z", "2027-01-16T00:00:00Z")
    assert (told["by"], told["total"], len(told["rows"])) == (by, 1, rows)
    assert told["message_types"] == {"BIRTHDAY": 1, "ANNIVERSARY": 0}
    assert told["busiest"] == {"at": "2027-01-15T09:00:00Z", "count": 1}
    assert sum(row["total"] for row in told["rows"]) == 1
    assert all(set(row) <= {by, "total", "BIRTHDAY", "ANNIVERSARY"} for row in told["rows"])


async def test_a_forecast_begins_where_it_is_asked_to(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.insert(timezone="UTC", birthday_date="1990-01-15")
    later = {"from": "2027-01-15T12:00:00+02:00", "days": 1}
    told = await shown(client, "forecast", **later)
    assert (told["from"], told["total"]) == ("2027-01-15T10:00:00Z", 0)
    assert (await shown(client, "forecast"))["total"] == 1


async def test_a_forecast_from_the_end_of_time_is_no_fault(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.insert(timezone="UTC", birthday_date="1990-01-15")
    for at in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        await shown(client, "forecast", days=2, **{"from": at})


async def test_what_cannot_be_forecast_is_named(client: httpx.AsyncClient) -> None:
    wrong = {"days": 1101, "by": "SECRET", "from": "SECRET"}
    assert await refused(client, "forecast", **wrong) == set(wrong)
    assert await refused(client, "forecast", **{"from": "2027-01-14T09:00:00"}) == {"from"}


# --- Explanation ---------------------------------------------------------------------------------


async def test_why_somebody_is_greeted_is_explained(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await pipeline.create(timezone="UTC", birthday_date="1990-01-15", first_name="Ada")
    path = f"users/{user.id}/explanation"
    told = await shown(client, path)
    assert told["person"] == {
        "id": str(user.id),
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": user.email,
        "timezone": "UTC",
    }
    birthday, anniversary = told["message_types"]
    assert (birthday["verdict"], birthday["on"]) == ("WILL", "2027-01-15")
    assert birthday["send_at"] == "2027-01-15T09:00:00Z"
    assert anniversary["verdict"] == "NOT"
    (only,) = (await shown(client, path, message_type="BIRTHDAY"))["message_types"]
    assert only == birthday
    other = await shown(client, path, on="2027-03-01", message_type="BIRTHDAY")
    assert "not on this date" in other["message_types"][0]["summary"]


async def test_who_was_deleted_is_explained_and_who_never_was_is_not_found(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await pipeline.create()
    await pipeline.users.delete(user.id)
    assert (await shown(client, f"users/{user.id}/explanation"))["person"]["id"] == str(user.id)
    reply = await client.get(f"{V1}/users/{uuid4()}/explanation")
    assert (reply.status_code, reply.json()["type"]) == (404, "/problems/not-found")


async def test_what_cannot_be_explained_is_named(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    path = f"users/{(await pipeline.create()).id}/explanation"
    wrong = {"on": "2027-02-29", "message_type": "SECRET"}
    assert await refused(client, path, **wrong) == set(wrong)
    assert await refused(client, path, on="1899-12-31") == {"on"}
    assert await refused(client, path, on="9999-12-31") == {"on"}


# --- Runs ----------------------------------------------------------------------------------------


async def test_runs_are_listed_the_latest_first(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    await pipeline.daily.run_once()
    clock.advance(timedelta(minutes=1))
    await pipeline.minute.run_once()
    await pipeline.recovery.run_once(clock.now())
    page = await shown(client, "job-runs")
    assert [run["name"] for run in page["items"]] == ["recovery", "minute", "daily"]
    recovery, minute, daily = page["items"]
    assert (recovery["is_manual"], minute["is_manual"]) == (True, False)
    assert (daily["started_at"], daily["window_end"]) == (
        "2027-01-14T00:00:00Z",
        "2027-01-16T00:00:00Z",
    )
    assert {"planned", "retimed"} <= set(daily["counts"])
    assert daily["error"] is None
    assert [run["name"] for run in (await shown(client, "job-runs", name="daily"))["items"]] == [
        "daily"
    ]
    await pipeline.execute("UPDATE job_runs SET error = 'DatabaseError' WHERE name = 'minute'")
    for is_failed, names in (("true", ["minute"]), ("false", ["recovery", "daily"])):
        found = (await shown(client, "job-runs", is_failed=is_failed))["items"]
        assert [run["name"] for run in found] == names


async def test_pages_of_runs_hold_each_once_also_when_more_begin(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    for _ in range(5):
        await pipeline.minute.run_once()
    seen: list[int] = []
    after: int | None = None
    while True:
        page = await shown(client, "job-runs", limit=2, **({"after": after} if after else {}))
        seen += [run["id"] for run in page["items"]]
        after = page["next"]
        if after is None:
            break
        await pipeline.minute.run_once()
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(set(seen)) == 5


async def test_wrong_parameters_of_runs_are_named(client: httpx.AsyncClient) -> None:
    wrong = {"name": "SECRET", "is_failed": "SECRET", "limit": 0, "after": 2**63}
    assert await refused(client, "job-runs", **wrong) == set(wrong)


# --- Books ---------------------------------------------------------------------------------------


async def test_the_books_tell_of_the_days_that_are_asked_about(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    await pipeline.create(timezone="UTC", birthday_date="1990-01-15")
    await pipeline.insert(timezone="Mars/Olympus")
    clock.set(datetime.fromisoformat("2027-01-15T09:00:00Z"))
    await pipeline.send_due()
    clock.advance(timedelta(seconds=1))
    told = await shown(client, "reconciliation")
    counts = {"due": 1, "sent": 1, "failed": 0, "cancelled": 0, "skipped": 0, "unknown": 0}
    counts |= {"live": 0, "unplanned": 0, "overdue": 0, "late": 0, "balanced": True}
    types = told.pop("message_types")
    assert told == {**counts, "days": 31, "ungreetable": 1}
    assert types == {
        "BIRTHDAY": counts,
        "ANNIVERSARY": {**dict.fromkeys(counts, 0), "balanced": True},
    }
    clock.advance(timedelta(days=2))
    assert (await shown(client, "reconciliation", days=1))["due"] == 0
    assert (await shown(client, "reconciliation", days=3))["due"] == 1
    await pipeline.execute("UPDATE message_logs SET status = 'QUEUED'")
    told = await shown(client, "reconciliation")
    assert (told["live"], told["overdue"], told["balanced"]) == (1, 1, False)


async def test_wrong_days_are_named(client: httpx.AsyncClient) -> None:
    for days in (0, 367, "SECRET"):
        assert await refused(client, "reconciliation", days=days) == {"days"}
