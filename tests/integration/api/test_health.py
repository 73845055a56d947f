"""Health over HTTP, with runs that the real schedulers wrote."""

from datetime import timedelta

import httpx
import pytest

from heyday.domain.tzdb import PINNED
from tests.factories import Pipeline


async def test_after_its_runs_everything_is_well(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.daily.run_once()
    await pipeline.minute.run_once()
    reply = await client.get("/health")
    assert reply.status_code == 200
    ran = {"last_run_at": "2027-01-14T00:00:00Z", "is_overdue": False, "has_failed": False}
    assert reply.json() == {
        "status": "ok",
        "version": "1.2.3",
        "tzdb_version": PINNED.version,
        "database": "ok",
        "broker": "none",
        "clock": "ok",
        "sending": "ok",
        "rate_limits": "none",
        "schedulers": [{"name": "daily", **ran}, {"name": "minute", **ran}],
        "database_version": await pipeline.value(
            "SELECT split_part(current_setting('server_version'), ' ', 1)"
        ),
        "transport": "postgresql",
    }


async def test_a_scheduler_that_stopped_is_seen(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.daily.run_once()
    await pipeline.minute.run_once()
    pipeline.clock.advance(timedelta(minutes=3))  # type: ignore[attr-defined] # a FakeClock
    health = (await client.get("/health")).json()
    assert health["status"] == "degraded"
    assert [s["name"] for s in health["schedulers"] if s["is_overdue"]] == ["minute"]


async def test_the_latest_runs_are_shown(client: httpx.AsyncClient, pipeline: Pipeline) -> None:
    await pipeline.create(birthday_date="1990-01-15")
    await pipeline.daily.run_once()
    run, never = (await client.get("/health/schedulers")).json()
    assert run["name"] == "daily"
    assert run["started_at"] == run["finished_at"] == "2027-01-14T00:00:00Z"
    assert run["window_end"] == "2027-01-16T00:00:00Z"
    assert run["counts"]["planned"] == 0
    assert run["error"] is None
    assert run["next_run_at"] == "2027-01-15T00:00:00Z"
    assert (run["lag_seconds"], run["failures_in_a_row"], run["is_overdue"]) == (0, 0, False)
    assert (never["name"], never["started_at"], never["counts"]) == ("minute", None, {})


async def test_failures_in_a_row_and_the_lag_are_counted(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.minute.run_once()
    await pipeline.execute(
        "INSERT INTO job_runs (name, started_at, finished_at, error, is_manual) "
        "SELECT 'minute', at, at, 'DatabaseError', false FROM generate_series("
        "timestamptz '2027-01-14T00:01Z', '2027-01-14T00:04Z', interval '1 minute') AS at"
    )
    await pipeline.execute(
        "INSERT INTO job_runs (name, started_at, finished_at, error, is_manual) "
        "VALUES ('minute', '2027-01-14T00:04:30Z', '2027-01-14T00:04:30Z', 'ByHand', true)"
    )
    pipeline.clock.advance(timedelta(minutes=7))  # type: ignore[attr-defined] # a FakeClock
    _, run = (await client.get("/health/schedulers")).json()
    assert (run["error"], run["failures_in_a_row"]) == ("DatabaseError", 4)
    assert (run["next_run_at"], run["lag_seconds"]) == ("2027-01-14T00:05:00Z", 120)
    assert run["is_overdue"]


async def test_a_run_by_hand_does_not_hide_a_scheduler_that_stopped(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.daily.run_once()
    pipeline.clock.advance(timedelta(days=2))  # type: ignore[attr-defined] # a FakeClock
    await pipeline.daily.run_once(pipeline.clock.now())
    daily = (await client.get("/health")).json()["schedulers"][0]
    assert daily["last_run_at"] == "2027-01-14T00:00:00Z"
    assert daily["is_overdue"]


async def test_probes_answer(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live")).json() == {"status": "alive"}
    parts = dict.fromkeys(("database", "transport", "migrations", "partitions"), "ok")
    assert (await client.get("/health/ready")).json() == {"status": "ready", **parts}


@pytest.mark.parametrize(
    ("statement", "part", "said"),
    [
        (
            "UPDATE alembic_version SET version_num = '0001'",
            "migrations",
            "at 0001, expected ",
        ),
        ("DROP TABLE alembic_version", "migrations", "at none, expected "),
        ("DROP TABLE message_logs_y2027m01", "partitions", "none for 2027-01; run: heyday db"),
        ("DROP TABLE idempotency_keys_y2027m02", "partitions", "none for 2027-02; run: heyday db"),
    ],
)
async def test_what_is_missing_is_named_and_nothing_is_ready(
    client: httpx.AsyncClient, pipeline: Pipeline, statement: str, part: str, said: str
) -> None:
    await pipeline.execute(statement)
    ready = await client.get("/health/ready")
    assert ready.status_code == 503
    told = ready.json()
    assert told.pop("status") == "not ready"
    assert told.pop(part).startswith(said)
    assert set(told.values()) == {"ok"}


async def test_without_a_database_heyday_lives_but_is_not_ready(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.database.close()
    assert (await client.get("/health/live")).status_code == 200
    ready = await client.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json() == {
        "status": "not ready",
        "database": "PostgreSQL does not answer",
        "transport": "ok",
        "migrations": "unknown",
        "partitions": "unknown",
    }
    health = await client.get("/health")
    assert (health.status_code, health.json()["status"]) == (503, "down")
    assert (health.json()["database"], health.json()["schedulers"]) == ("down", [])


async def test_metrics_are_those_of_the_process(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    pipeline.metrics.job_runs.labels("daily", "finished").inc()
    reply = await client.get("/metrics")
    assert reply.headers["content-type"].count("charset") == 1
    assert 'heyday_job_runs_total{job="daily",result="finished"} 1.0' in reply.text
