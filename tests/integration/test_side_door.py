"""Each process shows its metrics and its health to those who watch it, without a key."""

import math
import re
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from heyday.domain.standing_ports import Stage
from tests.acceptance.processes import get, heyday
from tests.rabbitmq import free_port


def value(text: str, sample: str) -> float | None:
    """Return the value of a sample, by its name and labels as they are shown."""
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


@pytest.mark.parametrize("command", ["api", "worker", "scheduler"])
async def test_a_process_shows_itself(database_url: str, tmp_path: Path, command: str) -> None:
    port = free_port()
    settings = {"DATABASE_URL": database_url, "HEYDAY_METRICS_PORT": str(port), "PORT": "0"}
    url = f"http://127.0.0.1:{port}"
    async with heyday(command, cwd=tmp_path, **settings, HEYDAY_POOL_MAX="7") as process:
        told = (await process.said(r"started +port=(\d+)"))[1]
        assert (told == str(port)) is (command != "api"), "an API tells its own"
        assert await get(f"{url}/health/live") == {"status": "alive"}
        assert await get(f"{url}/health/ready") == {"status": "ready"}
        text = await get(f"{url}/metrics")
        assert value(text, "heyday_database_connections_most") == 7
        used, idle = (
            value(text, f'heyday_database_connections{{state="{state}"}}')
            for state in ("used", "idle")
        )
        assert used is not None
        assert idle is not None
        assert 1 <= used + idle <= 7
        assert re.search(r'^heyday_tzdb_info\{version="\d{4}[a-z]"\} 1.0$', text, re.MULTILINE)
        if command == "scheduler":
            await process.until(lambda: facts(url))
        else:
            assert math.isnan(value(text, "heyday_months_ahead") or 0)
        assert await process.stop(10) == 0


async def facts(url: str) -> bool:
    """Tell whether the process has looked how Heyday stands; assert what it shows then."""
    text = await get(f"{url}/metrics")
    looked = ("heyday_facts_read_timestamp_seconds", "heyday_queue_away")
    # Zero is a value; what nobody looked at is NaN.
    if any((seen := value(text, name)) is None or math.isnan(seen) for name in looked):
        return False
    for stage in Stage:
        assert value(text, f'heyday_backlog_greetings{{stage="{stage.value}"}}') == 0
    assert value(text, "heyday_queue_away") == 0
    return value(text, 'heyday_job_failures_in_a_row{job="minute"}') == 0


async def test_a_worker_without_its_database_lives_and_is_not_ready(
    database_url: str, tmp_path: Path, postgres_url: str
) -> None:
    port, name = free_port(), database_url.rpartition("/")[2].partition("?")[0]
    settings = {"DATABASE_URL": database_url, "HEYDAY_METRICS_PORT": str(port)}
    async with heyday("worker", cwd=tmp_path, **settings) as process:
        await process.said("started")

        async def troubles() -> list[str]:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{port}/health/ready") as reply,
            ):
                found: list[str] = (await reply.json()).get("troubles", [])
                assert reply.status == (503 if found else 200)
                return found

        assert await troubles() == []
        await shut(postgres_url, name)

        async def is_told() -> bool:
            return "PostgreSQL does not answer" in await troubles()

        await process.until(is_told)
        assert await get(f"http://127.0.0.1:{port}/health/live") == {"status": "alive"}


async def shut(postgres_url: str, name: str) -> None:
    """Let nobody into a database any more, and put out who is there."""
    server = await asyncpg.connect(postgres_url)
    try:
        await server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
    finally:
        await server.close()
