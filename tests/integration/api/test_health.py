"""Health over HTTP, with runs that the real schedulers wrote."""

from datetime import timedelta

import httpx

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
        "rate_limits": "none",
        "schedulers": [{"name": "daily", **ran}, {"name": "minute", **ran}],
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
    (run,) = (await client.get("/health/schedulers")).json()
    assert run["name"] == "daily"
    assert run["started_at"] == run["finished_at"] == "2027-01-14T00:00:00Z"
    assert run["window_end"] == "2027-01-16T00:00:00Z"
    assert run["counts"]["planned"] == 0
    assert run["error"] is None


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
    assert (await client.get("/health/ready")).json() == {"status": "ready"}


async def test_without_a_database_heyday_lives_but_is_not_ready(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.database.close()
    assert (await client.get("/health/live")).status_code == 200
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()) == (503, {"status": "not ready"})
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
