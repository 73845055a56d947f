"""A real process that dies at a named point, and the next one that makes up for it."""

import asyncio
import signal
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import asyncpg

from tests.acceptance.processes import Heyday, heyday, run
from tests.factories import person
from tests.keys import bearer
from tests.provider import Provider


async def greet_somebody_now(up: Heyday) -> None:
    """Create a person who is to be greeted at once; the process may die of it."""
    address = (await up.said(r"(http://\S+)/inbox"))[1]
    headers = bearer(await up.first_key())
    today = datetime.now(UTC).date()  # noqa: TID251 - the process looks at the real clock
    # Their nine o'clock has passed, and their day has not: settings of the process see to it.
    body = person(timezone="UTC", birthday_date=f"{today.replace(year=1988)}")
    async with (
        aiohttp.ClientSession(headers=headers, raise_for_status=True) as session,
        session.post(f"{address}/api/v1/users", json=body),
    ):
        pass


async def test_a_worker_killed_after_the_yes_costs_one_more_call_and_no_second_letter(
    database_url: str, tmp_path: Path
) -> None:
    async with Provider() as provider:
        settings = {
            "DATABASE_URL": database_url,
            "EMAIL_SERVICE_URL": provider.url,
            "PORT": "0",
            "SEND_TIME": "00:00",
        }
        point = {"HEYDAY_FAILPOINTS": "call.after_accepted=kill"}
        async with heyday("up", cwd=tmp_path, **settings, **point) as up:
            await up.said("failpoints_armed.*call.after_accepted=kill#1")
            await greet_somebody_now(up)
            await up.said("failpoint_reached.*call.after_accepted")
            async with asyncio.timeout(10):
                assert await up.process.wait() == -signal.SIGKILL

        connection = await asyncpg.connect(database_url)
        try:
            status = "SELECT status FROM message_logs"
            assert await connection.fetchval(status) == "SENDING"
            # As if the time had passed until the claim of the dead ran out.
            await connection.execute("UPDATE message_logs SET lease_until = now()")
            async with heyday("up", cwd=tmp_path, **settings) as up:
                await up.until(lambda: is_sent(connection))
        finally:
            await connection.close()
        assert (len(provider.requests), provider.accepted.total()) == (2, 1)


async def is_sent(connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    return bool(await connection.fetchval("SELECT status = 'SENT' FROM message_logs"))


async def test_a_point_that_does_not_exist_is_refused_at_start(tmp_path: Path) -> None:
    done = await asyncio.to_thread(
        run, "jobs", "run", "daily", cwd=tmp_path, HEYDAY_FAILPOINTS="claim=kill"
    )
    assert done.status == 2
    assert "claim.after_commit" in done.err
    assert not (tmp_path / ".heyday").exists()
