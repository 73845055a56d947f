"""The wall clock of real processes jumps by hours and a day: nothing leaves early or is lost."""

import asyncio
import contextlib
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from heyday.db import migrate
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.db.embedded.binaries import find_binaries
from tests.acceptance.processes import Heyday, get, heyday, run
from tests.factories import person
from tests.keys import bearer
from tests.provider import Provider
from tests.servers import missing

SECOND = timedelta(seconds=1)
HOUR, DAY = 3600, 86400
# Time enough for the process to start and for the first jump to be seen: so much, and so many
# times what a small command takes on this machine now.
UNTIL_DUE = 12 * SECOND
AS_LONG_AS_COMMANDS = 10
FOLDERS = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime")
LIBRARIES = [p for folder in FOLDERS for p in Path("/").glob(f"{folder[1:]}/libfaketime.so.1")]


@pytest.fixture(autouse=True, scope="module")
def _is_installed() -> None:
    if not LIBRARIES:
        missing("libfaketime", "apt-get install libfaketime")


def real_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the clock that nobody fakes


@dataclass(frozen=True)
class Wall:
    """The wall clock of all processes that get `environment`; their monotonic one stays."""

    file: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, seconds: int) -> None:
        """Set it so far from the real one, all at once for all."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n", "ascii")
        new.chmod(0o644)
        new.replace(self.file)


@pytest.fixture
def wall() -> Iterator[Wall]:
    folder = Path(tempfile.mkdtemp(prefix="heyday-wall-"))
    folder.chmod(0o755)  # PostgreSQL may run as another user
    wall = Wall(folder / "wall")
    wall.set(0)
    yield wall
    shutil.rmtree(folder)


@dataclass
class Day:
    """A process that is to greet people at an instant, on the wall clock that jumps."""

    up: Heyday
    address: str
    key: str
    provider: Provider
    wall: Wall
    due_at: datetime
    zone: str
    birthday: str

    async def add(self) -> None:
        """Create a person who is to be greeted at the instant."""
        body = person(timezone=self.zone, birthday_date=self.birthday)
        async with (
            aiohttp.ClientSession(headers=bearer(self.key), raise_for_status=True) as session,
            session.post(f"{self.address}/api/v1/users", json=body),
        ):
            pass

    async def until_it_jumped(self, seconds: int) -> None:
        """Set the wall, and return when the process has noticed how far."""
        self.wall.set(seconds)
        jump = re.compile(r"^heyday_clock_jump_seconds (\S+)$", re.MULTILINE)

        async def is_noticed() -> bool:
            shown = jump.search(await get(f"{self.address}/metrics", self.key))
            return shown is not None and abs(float(shown[1]) - seconds) < 1

        await self.up.until(is_noticed, 15)

    async def health(self) -> Any:
        return await get(f"{self.address}/health")


@contextlib.asynccontextmanager
async def day(url: str, wall: Wall, folder: Path) -> AsyncIterator[Day]:
    began = real_now()
    await asyncio.to_thread(run, "settings", cwd=folder)
    until_due = UNTIL_DUE + AS_LONG_AS_COMMANDS * (real_now() - began)
    due_at = (real_now() + until_due).replace(microsecond=0)
    # A zone in which it is about noon, so that no date ends in the middle of the test.
    hours = 12 - due_at.hour
    local = due_at + timedelta(hours=hours)
    async with Provider() as provider:
        settings = {
            "DATABASE_URL": url,
            "EMAIL_SERVICE_URL": provider.url,
            "PORT": "0",
            "SEND_TIME": f"{local:%H:%M:%S}",
            **wall.environment,
        }
        async with heyday("up", cwd=folder, **settings) as up:
            address = (await up.said(r"(http://\S+)/inbox"))[1]
            key, zone = await up.first_key(), f"Etc/GMT{-hours:+d}"
            yield Day(up, address, key, provider, wall, due_at, zone, f"1988-{local:%m-%d}")
            # An orderly end, with which libfaketime takes its shared memory along.
            assert await up.stop(20) == 0


async def jump_and_come_back(day: Day, url: str) -> None:
    """An hour ahead before the instant, a day ahead over it, an hour behind, and right again."""
    for _ in range(3):
        await day.add()
    await day.up.said(r"enqueued=[13]")
    await day.until_it_jumped(HOUR)
    await day.up.said("clock_untrusted")
    health = await day.health()
    assert (health["status"], health["clock"][:34]) == (
        "degraded",
        "this machine's clock has jumped by",
    )
    assert real_now() < day.due_at, "the machine is too slow for this test"
    assert day.provider.requests == []

    await day.until_it_jumped(DAY)
    await day.add()
    await day.up.said("batch_held")
    assert real_now() >= day.due_at
    await day.until_it_jumped(-HOUR)
    assert day.provider.requests == []

    await day.until_it_jumped(0)
    await day.up.said("clock_trusted")
    async with asyncio.timeout(30):
        await day.provider.wait_for(4)
    connection = await asyncpg.connect(url)
    try:

        async def is_sent() -> bool:
            return not await connection.fetchval(
                "SELECT count(*) FROM message_logs WHERE status <> 'SENT'"
            )

        await day.up.until(is_sent)
        assert await connection.fetchval("SELECT count(*) FROM message_logs") == 4
    finally:
        await connection.close()
    assert day.provider.accepted.total() == len(day.provider.accepted) == 4
    assert min(request.received_at for request in day.provider.requests) >= day.due_at
    assert (await day.health())["clock"] == "ok"


async def test_the_clock_of_the_processes_jumps(
    database_url: str, wall: Wall, tmp_path: Path
) -> None:
    async with day(database_url, wall, tmp_path) as today:
        await jump_and_come_back(today, database_url)


@pytest.fixture
def server_programs(wall: Wall) -> Path:
    """The programs of a PostgreSQL that lives on the same wall clock."""
    real, folder = find_binaries(), wall.file.parent / "bin"
    folder.mkdir()
    faked = "".join(f"export {name}={value}\n" for name, value in wall.environment.items())
    for name, before in (("initdb", ""), ("postgres", faked)):
        program = folder / name
        program.write_text(f'#!/bin/sh\n{before}exec {real / name} "$@"\n', "ascii")
        program.chmod(0o755)
    return folder


async def test_the_clock_of_postgresql_jumps_along(
    wall: Wall, server_programs: Path, tmp_path: Path
) -> None:
    """As on one machine: PostgreSQL bears the wrong time out."""
    config = EmbeddedConfig(home=tmp_path / "server", bin_dir=server_programs, durable=False)
    async with EmbeddedServer(config) as url:
        await migrate.upgrade(url, real_now())
        connection = await asyncpg.connect(url)
        try:
            wall.set(DAY)
            ahead = await connection.fetchval("SELECT clock_timestamp()") - real_now()
            assert abs(ahead - timedelta(days=1)) < SECOND, "its clock is not faked"
            wall.set(0)
        finally:
            await connection.close()
        async with day(url, wall, tmp_path) as today:
            await jump_and_come_back(today, url)


async def test_a_process_that_starts_on_a_wrong_clock_sends_nothing_until_it_is_right(
    database_url: str, wall: Wall, tmp_path: Path
) -> None:
    wall.set(HOUR)
    async with day(database_url, wall, tmp_path) as today:
        await today.up.said("clock_untrusted")
        await today.add()
        await today.up.said("job_paused")
        assert (await today.health())["clock"].startswith("PostgreSQL's clock is -3")
        assert today.provider.requests == []
        wall.set(0)
        await today.up.said("clock_adopted")
        async with asyncio.timeout(60):
            await today.provider.wait_for(1)
    assert min(request.received_at for request in today.provider.requests) >= today.due_at
