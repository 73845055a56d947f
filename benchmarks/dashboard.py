"""Measure the pages with 10,000,000 people and 30,000,000 greetings: `make bench-dashboard`.

One process of `heyday api`, as a company runs it, on a private PostgreSQL, durable, whose years of
greetings were written for it. Each page is asked for again and again, for other people and days
each time, one request after the other; the time is that from the request to the last byte.

    python -m benchmarks.dashboard --people 100000        a trial, page of the docs as it is
    python -m benchmarks.dashboard --folder /big/disk/it  keep the database there, or find it there
"""

import argparse
import asyncio
import contextlib
import gzip
import math
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import aiohttp
from asyncpg import Record

from benchmarks import machine
from benchmarks.api import heyday_api
from benchmarks.history import write_history
from benchmarks.pages import facts_table, publish
from heyday.db import migrate
from heyday.db.connection import connect
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.db.seeding.copying import copy_population
from heyday.db.seeding.population import Population
from tests.keys import bearer, key_at

PEOPLE, MONTHS, ROUNDS = 10_000_000, 36, 60
MOST_MS, MOST_BYTES, FIRST_BYTE_MS = 150, 150 * 1024, 100
_PATIENCE = aiohttp.ClientTimeout(total=60)
_SAMPLE = 200
_FEW_PEOPLE = "SELECT id, last_name FROM users TABLESAMPLE SYSTEM (1) LIMIT $1"
_FEW_MESSAGES = """
SELECT id FROM message_logs WHERE scheduled_send_time >= $2 ORDER BY random() LIMIT $1
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold what one page took. times, first: milliseconds to its last byte, and to its first.

    size: bytes of the page itself, compressed.
    """

    times: list[float]
    first: list[float]
    size: int

    def at(self, share: float) -> float:
        """Return the time within which a share of the requests was answered, in milliseconds."""
        return sorted(self.times)[math.ceil(share * len(self.times)) - 1]


@dataclass(frozen=True, slots=True)
class Measured:
    """Hold everything that one call of this program found out. pages: by what they are called."""

    command: str
    facts: dict[str, str]
    people: int
    greetings: int
    pages: dict[str, Asked]


class Question(NamedTuple):
    """Say what is asked for: a page; or with a form, what an address may not hold."""

    path: str
    form: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Things:
    """Hold whom and what pages are asked about. now: when."""

    people: Sequence[str]
    names: Sequence[str]
    messages: Sequence[str]
    now: datetime

    def questions(self, number: int) -> Mapping[str, Question]:
        """Return what is asked for in a round, by the name of the page."""
        name = self.names[number % len(self.names)]
        ahead = f"/calendar/{self.now + timedelta(days=3 + number):%Y-%m-%d}"
        pages = {page: Question(path) for page, path in self._paths(number, ahead).items()}
        return pages | {
            "People, a name": Question("/people/search", {"query": name}),
            "Why not somebody": Question(f"{ahead}/why", {"query": name}),
        }

    def _paths(self, number: int, ahead: str) -> Mapping[str, str]:
        person = self.people[number % len(self.people)]
        message = self.messages[number % len(self.messages)]
        past = f"{self.now - timedelta(days=1 + number):%Y-%m-%d}"
        status = ("SENT", "FAILED", "UNKNOWN", "CANCELLED")[number % 4]
        return {
            "Today": "/today",
            "Today, a day that is over": f"/today?on={past}",
            "Calendar": "/calendar",
            "Calendar, tomorrow": f"/calendar/{self.now + timedelta(days=1):%Y-%m-%d}",
            "Calendar, a day ahead": ahead,
            "Calendar, a day in Japan": f"{ahead}?country=JP",
            "Calendar, a day that is over": f"/calendar/{past}",
            "People": "/people",
            "People of a zone": "/people?timezone=Asia/Tokyo",
            "People of a birthday": f"/people?birthday_month=2&birthday_day={1 + number % 28}",
            "A person": f"/people/{person}",
            "A person's form": f"/people/{person}/edit",
            "Imports": "/people/import",
            "Messages": "/messages",
            "Messages of a status": f"/messages?status={status}",
            "Messages of a zone and day": f"/messages?zone=Europe/Berlin&from={past}&to={past}",
            "Messages of a person": f"/messages?person={person}",
            "A message": f"/messages/{message}",
            "Texts": "/texts",
            "A text": "/texts/BIRTHDAY/de",
            "Health": "/status",
            "Inbox": "/inbox",
        }


async def bring(url: str, people: int, months: int) -> int:
    """Bring people and their past greetings in, unless they are there; return how many of these."""
    now = datetime.now(UTC)  # noqa: TID251 - the API goes by the real clock
    await migrate.upgrade(url, now)
    connection = await connect(url)
    try:
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM users)"):
            print(f"bringing {people:,} people", flush=True)
            await copy_population(connection, Population(1, now), people, lambda *_: None)
            await write_history(connection, months, now, lambda said: print(said, flush=True))
        count: int = await connection.fetchval(
            "SELECT sum(reltuples)::bigint FROM pg_partition_tree('message_logs') AS tree"
            " JOIN pg_class c ON c.oid = tree.relid WHERE tree.isleaf"
        )
    finally:
        await connection.close()
    return count


async def ask(address: str, key: str, things: Things, rounds: int) -> dict[str, Asked]:
    """Ask for every page so often; the first round is not counted. Raises for what is refused."""
    found: dict[str, Asked] = {name: Asked([], [], 0) for name in things.questions(0)}
    async with aiohttp.ClientSession(
        address, headers=bearer(key), timeout=_PATIENCE, auto_decompress=False
    ) as session:
        for number in range(-1, rounds):
            for name, (path, form) in things.questions(number).items():
                began = time.perf_counter()
                asking = session.get(path) if form is None else session.post(path, data=form)
                async with asking as response:
                    first = (time.perf_counter() - began) * 1000
                    body = await response.read()
                taken = (time.perf_counter() - began) * 1000
                if response.status != 200:  # noqa: PLR2004 - as HTTP has it
                    raise RuntimeError(f"{path}: {response.status}")
                if number < 0:
                    continue
                size = max(found[name].size, _size(body, response.headers))
                before = found[name]
                found[name] = Asked([*before.times, taken], [*before.first, first], size)
    return found


def _size(body: bytes, headers: Mapping[str, str]) -> int:
    """Return how large a page is on its way."""
    return len(body) if headers.get("Content-Encoding") else len(gzip.compress(body))


async def measure(home: Path, people: int, months: int, rounds: int) -> Measured:
    """Bring everything, start the API, and ask."""
    facts = machine.describe(home)
    async with _database(home) as url:
        greetings = await bring(url, people, months)
        things, version = await _things(url)
        key = await key_at(url)
        with heyday_api(url, home) as service:
            address = f"http://127.0.0.1:{service.port}"
            pages = await ask(address, key, things, rounds)
    command = f"python -m benchmarks.dashboard --people {people} --months {months}"
    facts |= {"PostgreSQL": version, "rounds": str(rounds)}
    return Measured(f"{command} --rounds {rounds}", facts, people, greetings, pages)


@contextlib.asynccontextmanager
async def _database(home: Path) -> AsyncIterator[str]:
    server = EmbeddedServer(EmbeddedConfig(home=home))
    url = await asyncio.to_thread(server.start_blocking)
    try:
        yield url
    finally:
        await asyncio.to_thread(server.stop_blocking)


async def _things(url: str) -> tuple[Things, str]:
    """Return whom and what to ask about, and what PostgreSQL this is."""
    now = datetime.now(UTC)  # noqa: TID251 - the API goes by the real clock
    connection = await connect(url)
    try:
        people = await connection.fetch(_FEW_PEOPLE, _SAMPLE)
        messages = await connection.fetch(_FEW_MESSAGES, _SAMPLE, now - timedelta(days=2))
        version: str = await connection.fetchval("SHOW server_version")
    finally:
        await connection.close()
    names = [str(row["last_name"]) for row in people]
    return Things(_ids(people), names, _ids(messages), now), version


def _ids(rows: Sequence[Record]) -> list[str]:
    return [str(row["id"]) for row in rows]


def section(measured: Measured) -> str:
    """Return what docs/performance.md says of it."""
    rows = [
        f"| {name} | {page.at(0.5):.0f} | {page.at(0.95):.0f} | {max(page.times):.0f} | "
        f"{statistics.median(page.first):.0f} | {page.size / 1024:.0f} | "
        f"{'yes' if is_met(page) else 'no'} |"
        for name, page in measured.pages.items()
    ]
    return f"""
## The pages

With {measured.people:,} people and {measured.greetings:,} greetings: one process of `heyday api`,
one request after the other, each for other people and days. Milliseconds on the loopback; what a
page weighs is the page alone, compressed. Asked for is a 95th percentile of {MOST_MS} ms, a first
byte within {FIRST_BYTE_MS} ms, and less than {MOST_BYTES // 1024} KiB.
Measured by `{measured.command}`.

| page | median | 95 % | longest | first byte, median | KiB | met |
|---|---|---|---|---|---|---|
{chr(10).join(rows)}

{facts_table(measured.facts)}
"""


def is_met(page: Asked) -> bool:
    """Tell whether a page is as quick and as light as it is to be."""
    is_quick = page.at(0.95) <= MOST_MS and statistics.median(page.first) <= FIRST_BYTE_MS
    return is_quick and page.size < MOST_BYTES


@contextlib.contextmanager
def _home(folder: Path | None) -> Iterator[Path]:
    """Return where the database lies: for good, or until the end."""
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="heyday-bench-") as temporary:
        yield Path(temporary)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write docs/performance.md and docs/dashboard.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--months", type=int, default=MONTHS, help="of past greetings")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="requests for each page")
    parser.add_argument("--folder", type=Path, help="keep the database here")
    options = parser.parse_args(arguments)
    with _home(options.folder) as home:
        measured = asyncio.run(measure(home, options.people, options.months, options.rounds))
    print(section(measured))
    if options.people >= PEOPLE and options.rounds >= ROUNDS:
        publish(
            "dashboard.json",
            asdict(measured),
            "performance.md",
            "make bench-dashboard",
            section(measured),
        )
    return 0 if all(is_met(page) for page in measured.pages.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
