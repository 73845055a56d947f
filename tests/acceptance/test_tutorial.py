"""What docs/tutorial.md has a newcomer do, done: from `make run` to another hour, and the end."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import psutil  # type: ignore[import-untyped]  # it has no stubs of its own
import pytest

from tests.acceptance.processes import Heyday, get, heyday
from tests.keys import bearer

ROOT = Path(__file__).parents[2]
_STOPS_WITHIN = 10.0
# From nine to half past ten.
LATER = timedelta(minutes=90)


@contextlib.asynccontextmanager
async def make_run(home: Path, **settings: str) -> AsyncIterator[Heyday]:
    """Run it as a newcomer does; afterwards Heyday is gone, and not only make."""
    where = {"HEYDAY_HOME": str(home), "PORT": "0"}
    async with heyday("run", cwd=ROOT, program=("make",), **where, **settings) as make:
        await make.said(r"Next: |Nobody is to be greeted")
        (up,) = psutil.Process(make.process.pid).children()
        try:
            yield make
        finally:
            # As Ctrl-C reaches what make has started, and what would outlive make.
            os.kill(up.pid, signal.SIGINT)
            async with asyncio.timeout(_STOPS_WITHIN):
                status = await make.process.wait()
        assert status == 0, make.text
        assert not up.is_running()


async def planned(address: str, key: str) -> dict[str, datetime]:
    """Return when each greeting is to leave that has not left."""
    found = (await get(f"{address}/api/v1/messages?status=SCHEDULED", key))["items"]
    return {each["id"]: datetime.fromisoformat(each["scheduled_send_time"]) for each in found}


async def add_yourself(address: str, key: str) -> None:
    """Add somebody whose day is today, and has been for nine hours and more."""
    zone = next(
        name
        for name in ("Etc/GMT-14", "Etc/GMT-6", "UTC", "Etc/GMT+3")
        if datetime.now(ZoneInfo(name)).hour >= 10  # noqa: TID251 - Heyday runs by this clock
    )
    today = datetime.now(ZoneInfo(zone))  # noqa: TID251 - the same
    person = {
        "first_name": "Ida",
        "last_name": "Holm",
        "email": "ida@example.com",
        "timezone": zone,
        "birthday_date": f"--{today:%m-%d}",
    }
    async with (
        aiohttp.ClientSession(headers=bearer(key)) as session,
        session.post(f"{address}/api/v1/users", json=person) as reply,
    ):
        assert reply.status == 201, await reply.text()


@pytest.mark.skipif((ROOT / ".env").exists(), reason="a file .env here says what to do instead")
async def test_the_first_five_minutes(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with make_run(home) as make:
        address, key = (await make.said(r"(http://\S+)/inbox"))[1], await make.first_key()
        assert "Imported 537 real people: members of the US Congress." in make.text
        await add_yourself(address, key)

        async def letter() -> dict[str, Any] | None:
            letters = (await get(f"{address}/inbox/messages", key))["letters"]
            return next((each for each in letters if each["email"] == "ida@example.com"), None)

        found = await make.until(letter, 20.0)
        assert found["message"] == "Hey, Ida Holm it's your birthday"
        before = await planned(address, key)
        assert before

    async with make_run(home, SEND_TIME="10:30") as make:
        address = (await make.said(r"(http://\S+)/inbox"))[1]

        async def moved() -> bool | None:
            after = await planned(address, key)
            # What has left meanwhile, or was planned since, has nothing to be compared with.
            both = before.keys() & after.keys()
            return (both and all(after[each] - before[each] == LATER for each in both)) or None

        assert await make.until(moved, 20.0)
