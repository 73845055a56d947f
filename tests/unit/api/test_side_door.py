"""What a process without an API shows: its metrics, that it lives, and whether it works."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from heyday.api.side_door import SideDoor
from heyday.domain.errors import DatabaseUnavailable
from heyday.telemetry import Metrics
from tests.fakes import FakeGuard


class Part:
    """Have a trouble, or none."""

    trouble: str | None = None


class Guard(FakeGuard):
    """Be away, or keep silent."""

    fault: Exception | None = None
    is_silent = False

    async def check(self) -> None:
        if self.is_silent:
            await asyncio.Event().wait()
        if self.fault:
            raise self.fault
        await super().check()


class Door:
    """Hold a side door, what it stands on, and a client."""

    def __init__(self) -> None:
        self.metrics, self.guard, self.parts = Metrics(), Guard(), [Part(), Part()]
        patience = timedelta(milliseconds=20)
        app = SideDoor(self.metrics.registry, self.guard, self.parts, patience)
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type] # Litestar's scope is narrower
        self.client = httpx.AsyncClient(transport=transport, base_url="http://localhost")

    async def readiness(self) -> tuple[int, list[str]]:
        reply = await self.client.get("/health/ready")
        return reply.status_code, reply.json().get("troubles", [])


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    async with door.client:
        yield door


async def test_metrics_are_those_of_the_process(door: Door) -> None:
    door.metrics.fenced.inc(7)
    reply = await door.client.get("/metrics")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/plain; version=")
    assert "\nheyday_fenced_total 7.0\n" in reply.text
    assert "heyday_build_info{" in reply.text
    assert "\nprocess_open_fds " in reply.text


async def test_it_lives_whatever_is_wrong(door: Door) -> None:
    door.guard.fault, door.parts[0].trouble = DatabaseUnavailable("away"), "stuck"
    reply = await door.client.get("/health/live")
    assert (reply.status_code, reply.json()) == (200, {"status": "alive"})


async def test_it_is_ready_while_it_does_its_work(door: Door) -> None:
    reply = await door.client.get("/health/ready")
    assert (reply.status_code, reply.json()) == (200, {"status": "ready"})
    door.parts[1].trouble = "the minute job has failed 3 times in a row"
    assert await door.readiness() == (503, ["the minute job has failed 3 times in a row"])
    door.parts[1].trouble = None
    assert await door.readiness() == (200, [])


async def test_it_is_not_ready_without_the_time_or_the_database(door: Door) -> None:
    door.guard.reason = "this machine's clock has jumped"
    assert await door.readiness() == (503, ["this machine's clock has jumped"])
    door.guard.fault = DatabaseUnavailable("at postgresql://user:password@host")
    assert await door.readiness() == (503, ["PostgreSQL does not answer"])
    door.guard.is_silent = True
    assert await door.readiness() == (503, ["PostgreSQL does not answer"])


async def test_what_else_is_asked_for_is_not_there(door: Door) -> None:
    for path in ("/", "/api/v1/users", "/metrics/", "/health"):
        reply = await door.client.get(path)
        assert reply.status_code == 404, path
        assert "/health/ready" in reply.json()["detail"]
