"""What is changed seconds before nine counts at nine: real processes, real time, by REST."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from heyday.clock import SystemClock
from tests.acceptance.processes import get, heyday
from tests.factories import person
from tests.keys import bearer

SECOND = timedelta(seconds=1)
UNTIL_NINE = 12 * SECOND
"""Time enough for the process to start."""
LAST_ZONE = "Etc/GMT+12"
"""Where noon is still to come whenever it is noon elsewhere."""


def zone_of_noon(now: datetime) -> str:
    """Return a zone in which it is about noon, so that no date ends in the middle of the test."""
    return f"Etc/GMT{now.hour - 12:+d}"


async def call(key: str, method: str, url: str, **fields: object) -> Any:
    async with (
        aiohttp.ClientSession(headers=bearer(key), raise_for_status=True) as session,
        session.request(method, url, json=fields or None) as response,
    ):
        return await response.json() if response.content_type == "application/json" else None


async def letters_of(address: str, key: str) -> dict[str, float]:
    """Return how many seconds late each letter came, by the first name in it."""
    letters = (await get(f"{address}/inbox/messages", key))["letters"]
    return {letter["message"].split()[1]: letter["late_seconds"] for letter in letters}


async def test_what_is_changed_seconds_before_counts(database_url: str, tmp_path: Path) -> None:
    clock = SystemClock()
    nine_at = (clock.now() + UNTIL_NINE).replace(microsecond=0)
    zone = zone_of_noon(nine_at)
    local = nine_at + timedelta(hours=12 - nine_at.hour)
    settings = {"DATABASE_URL": database_url, "PORT": "0", "SEND_TIME": f"{local:%H:%M:%S}"}
    today, another_day = f"1990-{local:%m-%d}", "1990-06-30" if local.month != 6 else "1990-07-30"

    async with heyday("up", cwd=tmp_path, **settings) as up:
        address = (await up.said(r"(http://\S+)/inbox"))[1]
        people, key = f"{address}/api/v1/users", await up.first_key()

        async def come(name: str, **fields: object) -> str:
            given = {"first_name": name, "timezone": zone, "birthday_date": today, **fields}
            return f"{people}/{(await call(key, 'POST', people, **person(**given)))['id']}"

        await come("Stays")
        leaves, unsubscribes = await come("Leaves"), await come("Unsubscribes")
        is_corrected, turns_up = await come("Corrected"), await come("Moved", timezone=LAST_ZONE)
        assert clock.now() < nine_at - 3 * SECOND, "the machine is too slow for this test"
        await clock.sleep_until(nine_at - 2 * SECOND)
        await call(key, "DELETE", leaves)
        await call(key, "POST", f"{unsubscribes}/unsubscribe")
        await call(key, "PATCH", is_corrected, birthday_date=another_day)
        await call(key, "PATCH", turns_up, timezone=zone)
        await come("Late")
        assert clock.now() < nine_at, "the machine is too slow for this test"
        await up.until(lambda: all_are_there(address, key, {"Stays", "Moved", "Late"}), 20)
        lateness = await letters_of(address, key)

    assert lateness.keys() == {"Stays", "Moved", "Late"}
    assert all(0 <= seconds < 5 for seconds in lateness.values()), lateness


async def all_are_there(address: str, key: str, names: set[str]) -> bool:
    return names <= (await letters_of(address, key)).keys()
