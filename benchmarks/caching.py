"""Measure what a cache in Redis would save: `make bench-caching`.

A private PostgreSQL, durable, and a private Redis, both on this machine; people from the product's
own seeder. One reader, one look after another, all ways in turn in one run. Redis keeps what is
cached as MessagePack, which msgspec reads; with hiredis, its parser in C, and without.
"""

import argparse
import asyncio
import contextlib
import hashlib
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from redis._parsers import _AsyncHiredisParser, _AsyncRESP3Parser
from redis.asyncio import ConnectionPool, Redis

from benchmarks import machine
from benchmarks.pages import facts_table, publish, spread
from heyday.api.app import ApiServices, create_app
from heyday.api.doors import Access
from heyday.bootstrap import App, open_app
from heyday.db import migrate
from heyday.db.connection import Database, connect
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.db.seeding.copying import copy_population
from heyday.db.seeding.population import Population
from heyday.domain.models import User
from heyday.domain.rate_limit import RateLimit, Whose
from heyday.domain.timezone import Window
from heyday.rate_limits import OwnRateLimits, SharedConfig, SharedRateLimits
from heyday.settings import Settings
from heyday.telemetry import configure_logging
from tests.redis import RedisServer

START_AT = datetime(2027, 1, 10, tzinfo=UTC)
PLANNED = Window(START_AT, START_AT + timedelta(days=2))
READERS = {"hiredis": _AsyncHiredisParser, "no hiredis": _AsyncRESP3Parser}
KEPT_FOR = 1.0
TTL = 3600

_BY_ADDRESS = """
SELECT id, first_name, last_name, email, timezone, birthday_date, anniversary_date,
       location_city, location_country, created_at, updated_at, unsubscribed_at,
       '{}'::text[] AS unsubscribed_types, xmin::text AS version
FROM users WHERE lower(email) = lower($1) AND deleted_at IS NULL
"""
_LIVE = "SELECT count(*) FROM users WHERE deleted_at IS NULL"
_BY_STATUS = """
SELECT status, count(*) FROM message_logs
WHERE scheduled_send_time >= $1::timestamptz
  AND scheduled_send_time < $1::timestamptz + interval '1 day'
GROUP BY status
"""

Counts = dict[str, int]
Look = Callable[[User], Awaitable[object]]
_WRITE = msgspec.msgpack.encode
_READ_USER = msgspec.msgpack.Decoder(User).decode
_READ_COUNTS = msgspec.msgpack.Decoder(Counts).decode

KEY = {"name": "a benchmark", "scopes": ["users:read"]}


@dataclass(frozen=True, slots=True)
class Run:
    """Hold microseconds a look: on the wall clock, and of this process's CPU."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Hold everything that one call of this program found out. runs: by what is looked at how."""

    command: str
    facts: dict[str, str]
    people: int
    greetings: int
    runs: dict[str, list[Run]]


class KeptCounts:
    """Keep counts in the process for a second; who asks while they are read waits for that."""

    def __init__(self, read: Callable[[], Awaitable[Counts]]) -> None:
        self._read = read
        self._lock = asyncio.Lock()
        self._counts: Counts = {}
        self._stale_from = 0.0

    async def get(self) -> Counts:
        """Return counts that are a second old at the most."""
        if time.perf_counter() >= self._stale_from:
            async with self._lock:
                if time.perf_counter() >= self._stale_from:
                    self._counts = await self._read()
                    self._stale_from = time.perf_counter() + KEPT_FOR
        return self._counts


async def measure(people: int, runs: int, looks: int) -> Measured:
    """Fill a new PostgreSQL and a new Redis with the same people, and look at them."""
    with tempfile.TemporaryDirectory(prefix="heyday-bench-") as folder:
        home = Path(folder)
        facts = machine.describe(home)
        async with contextlib.AsyncExitStack() as stack:
            enter = stack.enter_async_context
            url = await enter(EmbeddedServer(EmbeddedConfig(home=home)))
            server = RedisServer(home)
            stack.callback(server.kill)
            await asyncio.to_thread(server.start)
            await seed(url, people)
            app = await enter(open_app(Settings(DATABASE_URL=url)))
            greetings = await app.planner.plan_window(app.database, PLANNED, START_AT)
            await analyze(url)
            clients = [await enter(client(server.url, parser)) for parser in READERS.values()]
            sample = await fill(app, clients[0])
            facts |= await versions(app.database, clients[0])
            key = (await app.access.keys.create(KEY)).text
            ways = {**ways_to_people(app, clients, key), **ways_to_counts(app.database, clients)}
            ways.update(ways_to_limits(app, server.url))
            found = await look_in_turn(ways, sample, runs, looks)
    command = f"python -m benchmarks.caching --people {people} --runs {runs} --looks {looks}"
    return Measured(command, facts, people, greetings, found)


@contextlib.asynccontextmanager
async def client(url: str, parser: type[Any]) -> AsyncIterator[Redis]:
    """Lend a client without time limits, which would cost more."""
    pool = ConnectionPool.from_url(
        url, parser_class=parser, socket_timeout=None, max_connections=20
    )
    async with Redis.from_pool(pool) as lent:
        yield lent


async def seed(url: str, people: int) -> None:
    """Migrate the database and bring people in."""
    await migrate.upgrade(url, START_AT)
    connection = await connect(url)
    await copy_population(connection, Population(1, START_AT), people, lambda *_: None)
    await connection.close()


async def analyze(url: str) -> None:
    """Leave the tables as autovacuum would."""
    connection = await connect(url)
    await connection.execute("VACUUM (ANALYZE) users, message_logs")
    await connection.close()


async def versions(database: Database, cache: Redis) -> dict[str, str]:
    """Return what the servers are."""
    async with database.connection() as connection:
        postgres = await connection.fetchval("SHOW server_version")
    return {"PostgreSQL": postgres, "Redis": (await cache.info("server"))["redis_version"]}


async def fill(app: App, cache: Redis) -> list[User]:
    """Put people into Redis as a cache would hold them, and counts; return those people."""
    async with app.database.session() as session:
        users = await session.users.list_page(None, 5000)
    for user in users:
        value = _WRITE(user)
        await cache.set(f"user:{user.id}", value, ex=TTL)
        await cache.set(address_key(user.email), value, ex=TTL)
    await cache.set("counts", _WRITE(await read_counts(app.database)), ex=TTL)
    return users


def address_key(email: str) -> str:
    """Return a key that shows no address."""
    return "address:" + hashlib.blake2b(email.lower().encode(), key=b"k" * 32).hexdigest()


async def read_counts(database: Database) -> Counts:
    """Return what a dashboard would show: live people, and the day's greetings by status."""
    async with database.connection() as connection:
        live = await connection.fetchval(_LIVE)
        rows = await connection.fetch(_BY_STATUS, START_AT)
    return {"people": live} | {row["status"]: row["count"] for row in rows}


def ways_to_people(app: App, clients: Sequence[Redis], key: str) -> Mapping[str, Look]:
    """Return the ways to find a person."""
    database = app.database

    async def by_id(user: User) -> User | None:
        async with database.session() as session:
            return await session.users.find(user.id)

    async def by_address(user: User) -> User:
        async with database.connection() as connection:
            row = await connection.fetchrow(_BY_ADDRESS, user.email)
        return User(**dict(row or {}))

    ways: dict[str, Look] = {
        "a whole GET /api/v1/users/{id}": request(app, key),
        "of it, the person by id: PostgreSQL": by_id,
    }
    for reader, cache in zip(READERS, clients, strict=True):
        ways[f"the same: Redis, {reader}"] = from_cache(cache, lambda user: f"user:{user.id}")
    ways["a person by address: PostgreSQL"] = by_address
    for reader, cache in zip(READERS, clients, strict=True):
        ways[f"the same by address: Redis, {reader}"] = from_cache(
            cache, lambda user: address_key(user.email)
        )
    ways["a person who is not cached: asked for, found, and put there"] = miss(database, clients[0])
    ways["what a change adds: both keys of a person deleted"] = forget(clients[0])
    return ways


def miss(database: Database, cache: Redis) -> Look:
    """Return what a look costs that Redis cannot answer."""

    async def look(user: User) -> None:
        if await cache.get(f"nobody:{user.id}") is None:
            async with database.session() as session:
                found = await session.users.find(user.id)
            await cache.set(f"user:{user.id}", _WRITE(found), ex=TTL)

    return look


def forget(cache: Redis) -> Look:
    """Return what has to follow each change of a person, of one who is not cached."""

    async def look(user: User) -> None:
        await cache.delete(f"nobody:{user.id}", f"no{address_key(user.email)}")

    return look


def ways_to_limits(app: App, cache: str) -> Mapping[str, Look]:
    """Return the ways to count a caller of the API."""
    limit = RateLimit(1_000_000)
    own = OwnRateLimits({Whose.ADDRESS: limit}, app.clock, app.metrics)
    shared = SharedRateLimits(SharedConfig(cache), own, app.clock, app.metrics)

    async def in_redis(user: User) -> object:
        return await shared.take(Whose.ADDRESS, str(user.id))

    async def in_process(user: User) -> object:
        return await own.take(Whose.ADDRESS, str(user.id))

    return {"the limit: a caller counted in Redis": in_redis, "in the process": in_process}


async def kept(cache: Redis, key: str) -> bytes:
    """Return what is cached there."""
    found = await cache.get(key)
    if not isinstance(found, bytes):
        raise RuntimeError(f"nothing is cached at {key}")  # noqa: TRY004 - no type is wrong
    return found


def from_cache(cache: Redis, key: Callable[[User], str]) -> Look:
    """Return the way to a person through Redis."""

    async def look(user: User) -> User:
        return _READ_USER(await kept(cache, key(user)))

    return look


def ways_to_counts(database: Database, clients: Sequence[Redis]) -> Mapping[str, Look]:
    """Return the ways to the counts."""
    recent = KeptCounts(lambda: read_counts(database))

    async def ask(_: User) -> Counts:
        return await read_counts(database)

    async def from_process(_: User) -> Counts:
        return await recent.get()

    ways: dict[str, Look] = {"counts: PostgreSQL": ask}
    for reader, cache in zip(READERS, clients, strict=True):
        ways[f"counts: Redis, {reader}"] = counts_from(cache)
    ways["counts: kept in the process for a second"] = from_process
    return ways


def counts_from(cache: Redis) -> Look:
    """Return the way to the counts through Redis."""

    async def look(_: User) -> Counts:
        return _READ_COUNTS(await kept(cache, "counts"))

    return look


def request(app: App, key: str) -> Look:
    """Return what makes a whole request of the API, but for the HTTP server's part."""
    parts, registry = app.access, app.metrics.registry
    access = Access(parts.ring, parts.failures, app.metrics)
    services = ApiServices(
        app.users,
        app.health,
        registry,
        version="0",
        bulk=app.imports.bulk,
        imports=app.imports.jobs,
        keys=parts.keys,
        access=access,
        privacy=app.privacy.people,
    )
    asgi: Any = create_app(services)

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def look(user: User) -> bytes:
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        path = f"/api/v1/users/{user.id}"
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "headers": [(b"host", b"localhost"), (b"authorization", f"Bearer {key}".encode())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        await asgi(scope, receive, send)
        if sent[0]["status"] != HTTPStatus.OK:
            raise RuntimeError(f"{path}: {sent[0]}")
        return b"".join(message.get("body", b"") for message in sent[1:])

    return look


async def look_in_turn(
    ways: Mapping[str, Look], sample: Sequence[User], runs: int, looks: int
) -> dict[str, list[Run]]:
    """Look so often by each way, one way after the other, so many times over."""
    chance = random.Random(1)  # noqa: S311 - chooses whom to look at
    found: dict[str, list[Run]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, look in ways.items():
            # Counts in PostgreSQL take thousands of times as long as what is kept.
            often = looks if "counts: PostgreSQL" not in name else max(looks // 100, 1)
            users = chance.choices(sample, k=often)
            await look(users[0])
            wall, cpu = time.perf_counter(), time.process_time()
            for user in users:
                await look(user)
            spent = Run(time.perf_counter() - wall, time.process_time() - cpu)
            found[name].append(Run(spent.wall / often * 1e6, spent.cpu / often * 1e6))
    return found


def section(measured: Measured) -> str:
    """Return what docs/performance.md says of it."""
    lines = [
        f"| {name} | {spread([r.wall for r in runs], '{:,.1f}')} "
        f"| {spread([r.cpu for r in runs], '{:,.1f}')} |"
        for name, runs in measured.runs.items()
    ]
    count = len(next(iter(measured.runs.values())))
    return f"""
## Caching

What a cache in Redis would save, and why there is none: [adr/0022](adr/0022-redis.md).
Microseconds a look, medians of {count} runs with the range in brackets; one reader, all ways in
turn. CPU is that of the process which asks. A request is without the HTTP server's part.
Measured by `{measured.command}`.

| what is looked at, and where | wall, us | CPU, us |
|---|---|---|
{chr(10).join(lines)}

{measured.people:,} people; counts are those of live people, and of the day's greetings by status.
PostgreSQL, Redis and the reader share the cores.

{facts_table(measured.facts)}
"""


def main() -> None:
    """Measure, print, and write a section of docs/performance.md and docs/caching.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--people", type=int, default=100_000, help="people in the database")
    parser.add_argument("--runs", type=int, default=9, help="runs of each way")
    parser.add_argument("--looks", type=int, default=2000, help="looks in one run")
    parser.add_argument("--dry", action="store_true", help="print only, write no file")
    options = parser.parse_args()
    configure_logging("warning", as_json=False)  # a line for each request would drown the figures
    measured = uvloop.run(measure(options.people, options.runs, options.looks))
    print(text := section(measured))
    if not options.dry:
        publish("caching.json", asdict(measured), "performance.md", "make bench-caching", text)


if __name__ == "__main__":
    main()
