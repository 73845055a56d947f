"""Simulate: share the people out to processes, each with a database, and gather what they found."""

import asyncio
import gc
import multiprocessing
import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import uvloop

from heyday.bootstrap.database import open_database
from heyday.db.connection import connect, explained
from heyday.db.types import AnyConnection
from heyday.domain.errors import ConfigurationError
from heyday.domain.tzdb import TzDatabase
from heyday.settings import Settings
from heyday.simulation.people import EveryBirthday, People, SeededPopulation
from heyday.simulation.promises import Broken
from heyday.simulation.scenario import PINNED_PACKAGE, Scenario
from heyday.simulation.shard import Lived, Shard, ShardRun
from heyday.simulation.zones import share_out
from heyday.telemetry import configure_logging

_MOST_PROCESSES = 8
_MOST_BROKEN = 100
# Only how fast the throw-away database is differs from a real one.
_HASTE = (
    "synchronous_commit = off",
    "enable_seqscan = off",
    "plan_cache_mode = force_generic_plan",
)


@dataclass(frozen=True, slots=True)
class Report:
    """Hold what a simulation showed.

    sent, skipped: greetings for the dates of interest, and those of them that an outage kept for
    longer than the late window.   around: letters for the days before and after.
    broken: the first hundred broken promises, of `broken_count`.
    earliest, latest: seconds after the promised instant.
    """

    people: int
    sent: int
    skipped: int
    around: int
    attempts: int
    failed_jobs: int
    broken_count: int
    broken: Sequence[Broken]
    earliest: float | None
    latest: float | None
    sent_on: Counter[date]
    tzdb_versions: Sequence[str]


async def simulate_everyone(settings: Settings, scenario: Scenario, users: int | None) -> Report:
    """Simulate one person for each zone and birthday, or so many seeded ones, on all cores."""
    releases = _releases(scenario)
    names = releases[0].names & releases[-1].served
    shares = share_out(releases[0], names, _processes(), scenario.first_on.year)
    people: list[tuple[People, tuple[str, ...]]] = [
        (SeededPopulation(users, zones) if users else EveryBirthday(zones), tuple(zones))
        for zones in shares
    ]
    async with _databases(settings, len(people)) as urls:
        shards = [
            Shard(_hasty(settings), url, scenario, some, zones)
            for url, (some, zones) in zip(urls, people, strict=True)
        ]
        lived = await _in_processes(shards)
    return _report(lived, releases)


async def simulate_people(settings: Settings, scenario: Scenario, people: People) -> Report:
    """Simulate these people in one database, in this process."""
    releases = _releases(scenario)
    zones = tuple(releases[0].served | releases[-1].served)
    async with _databases(settings, 1) as (url,):
        lived = [await ShardRun(Shard(_hasty(settings), url, scenario, people, zones)).run()]
    return _report(lived, releases)


def run_shard(shard: Shard) -> Lived:
    """Run a shard in a process of its own."""
    configure_logging("error", as_json=shard.settings.log_format == "json")
    # Nearly all that is made is dropped at once; looking for cycles would be a tenth of the time.
    gc.disable()
    return uvloop.run(ShardRun(shard).run())


async def _in_processes(shards: Sequence[Shard]) -> list[Lived]:
    # Not forked: the loop and the connections of this process are no child's business.
    context = multiprocessing.get_context("spawn")
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(len(shards), mp_context=context) as pool:
        running = [loop.run_in_executor(pool, run_shard, shard) for shard in shards]
        return list(await asyncio.gather(*running))


def _processes() -> int:
    return min(os.cpu_count() or 1, _MOST_PROCESSES)


def _hasty(settings: Settings) -> Settings:
    """Return the settings with a single call at a time: to a provider that takes no time."""
    return settings.model_copy(update={"concurrency": 1})


def _releases(scenario: Scenario) -> list[TzDatabase]:
    """Return the releases of the tz database that are in force, one after the other."""
    packages = [scenario.tzdata, PINNED_PACKAGE] if scenario.tz_update_on else [PINNED_PACKAGE]
    return [TzDatabase(package) for package in packages]


@asynccontextmanager
async def _databases(settings: Settings, count: int) -> AsyncIterator[list[str]]:
    """Lend the URLs of new databases; whatever happens, they are dropped."""
    async with open_database(settings) as url:
        names = [f"heyday_simulation_{uuid4().hex[:12]}" for _ in range(count)]
        connection = await connect(url)
        try:
            with explained():
                await _create(connection, names)
            yield [urlunsplit(urlsplit(url)._replace(path=f"/{name}")) for name in names]
        finally:
            for name in names:
                await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await connection.close()


async def _create(connection: AnyConnection, names: Sequence[str]) -> None:
    """Create databases. Raises ConfigurationError where the account may not."""
    try:
        for name in names:
            await connection.execute(f"CREATE DATABASE {name}")
            for setting in _HASTE:
                await connection.execute(f"ALTER DATABASE {name} SET {setting}")
    except asyncpg.InsufficientPrivilegeError:
        raise ConfigurationError(
            "a simulation needs databases of its own, and this account may create none; "
            "leave DATABASE_URL empty, or run as a superuser: ALTER ROLE <account> CREATEDB"
        ) from None


def _report(lived: Sequence[Lived], releases: Sequence[TzDatabase]) -> Report:
    findings = [part.findings for part in lived]
    broken = sorted(b for found in findings for b in found.broken)
    sent_on = sum((found.sent_on for found in findings), Counter[date]())
    earliest = [f.earliest for f in findings if f.earliest is not None]
    latest = [f.latest for f in findings if f.latest is not None]
    return Report(
        people=sum(part.people for part in lived),
        sent=sent_on.total(),
        skipped=sum(found.skipped for found in findings),
        around=sum(found.around for found in findings),
        attempts=sum(part.attempts for part in lived),
        failed_jobs=sum(part.failed_jobs for part in lived),
        broken_count=len(broken),
        broken=broken[:_MOST_BROKEN],
        earliest=min(earliest, default=None),
        latest=max(latest, default=None),
        sent_on=sent_on,
        tzdb_versions=[release.version for release in releases],
    )
