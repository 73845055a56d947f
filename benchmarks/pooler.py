"""Measure what a pooler costs: the same work directly, and through a PgBouncer on this machine.

A private PostgreSQL, durable, set as `make run` sets it. Both ways take turns, batch by batch and
person by person, so that they meet the same machine.
"""

import argparse
import asyncio
import contextlib
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import aiohttp

from benchmarks import machine
from heyday.bootstrap import App, open_app
from heyday.db import migrate
from heyday.db.connection import connect
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.db.polling import Polling
from heyday.domain.models import ClaimedMessage, Recorded
from heyday.domain.sender_plan import Assigned
from heyday.domain.timezone import Window
from heyday.domain.transitions import Status
from heyday.services.scheduling import make_batch
from heyday.settings import Settings
from tests.acceptance.processes import heyday
from tests.keys import bearer, key_at
from tests.pgbouncer import pgbouncer, through
from tests.provider import Provider

DAY = timedelta(days=1)
MIDNIGHT = datetime(2027, 1, 10, tzinfo=UTC)
NINE = MIDNIGHT + timedelta(hours=9)
BATCH = 500
LEASE = timedelta(minutes=1)
THROUGH = Assigned(["http"] * BATCH)
PEOPLE = """
INSERT INTO users (first_name, last_name, email, timezone, birthday_date, eligible_since)
SELECT 'Person', n::text, 'person.' || n || '@example.com', 'UTC', '1990-01-10', '-infinity'
FROM generate_series(1, $1::integer) AS n
"""


@dataclass(frozen=True, slots=True)
class Way:
    """Hold one way to PostgreSQL, and the milliseconds that were measured on it by what was done.

    url: of the server, this way.
    """

    name: str
    url: str
    pooler: str
    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def settings(self, database: str) -> dict[str, str]:
        """Return the settings that lead this way to a database of the server."""
        url = urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))
        return {"DATABASE_URL": url, "HEYDAY_POOLER": self.pooler}

    @contextlib.contextmanager
    def timing(self, what: str) -> Iterator[None]:
        """Measure how long something takes."""
        began = time.perf_counter()
        yield
        self.took[what].append((time.perf_counter() - began) * 1e3)


async def measure(batches: int, people: int) -> tuple[list[Way], dict[str, str]]:
    """Do everything both ways, on a new server; return what was measured, and on what."""
    with tempfile.TemporaryDirectory(prefix="heyday-bench-") as folder:
        facts = machine.describe(Path(folder))
        async with EmbeddedServer(EmbeddedConfig(home=Path(folder))) as url:
            with pgbouncer(url, default_pool_size="20") as port:
                ways = [
                    Way("directly", url, "none"),
                    Way("through PgBouncer", through(port, url), "transaction"),
                ]
                await measure_batches(url, ways, batches)
                await measure_lateness(url, ways, people)
    return ways, facts


async def measure_batches(url: str, ways: Sequence[Way], batches: int) -> None:
    """Queue, claim and record greetings, a batch each way in turn."""
    await migrate.upgrade(url, MIDNIGHT)
    # Half as many again: what is left over at the end is there for looks to find.
    await run(url, PEOPLE, len(ways) * batches * BATCH * 3 // 2)
    name = urlsplit(url).path.strip("/")
    async with contextlib.AsyncExitStack() as stack:
        apps = [await stack.enter_async_context(_app(way, name)) for way in ways]
        await apps[0].planner.plan_window(apps[0].database, Window(MIDNIGHT, NINE + DAY), MIDNIGHT)
        await run(url, "ANALYZE")
        turn = list(zip(ways, apps, strict=True))
        for _ in range(batches):
            for way, app in turn:
                await deliver(way, app)
            turn.reverse()


def _app(way: Way, database: str) -> contextlib.AbstractAsyncContextManager[App]:
    return open_app(Settings.model_validate(way.settings(database)), is_server=True)


async def deliver(way: Way, app: App) -> None:
    """Take a batch from SCHEDULED to SENT, and do what else happens all the time."""
    rules = app.planner.claim_rules(NINE)
    store = app.database
    with way.timing("queue 500 greetings"):
        due = await store.in_transaction(
            lambda s: s.messages.enqueue_due(NINE, NINE + LEASE, rules, BATCH)
        )
    batch = make_batch(NINE, due)
    with way.timing("claim 500 greetings"):
        claim = await store.in_transaction(
            lambda s: s.messages.claim(batch, NINE, rules, LEASE, THROUGH)
        )
    assert len(claim.messages) == BATCH  # noqa: S101 - else it measured something else
    outcomes = [sent(message, NINE) for message in claim.messages]
    with way.timing("record 500 outcomes"):
        await store.in_transaction(lambda s: s.messages.record(outcomes))
    with way.timing("one statement: find a person"):
        async with store.session() as session:
            await session.users.find(claim.messages[0].user_id)
    polling = Polling(store, app.clock, lambda _: rules)
    with way.timing("look whether there is news"):
        await polling.look()


def sent(message: ClaimedMessage, at: datetime) -> Recorded:
    """Return the outcome of a plain success."""
    return Recorded(
        message_id=message.id,
        scheduled_send_at=message.scheduled_send_at,
        epoch=message.epoch,
        status=Status.SENT,
        attempt=1,
        outcome="accepted",
        finished_at=at,
        retry_count=0,
        ambiguous_count=0,
        response_code=200,
        response_body='{"success": true}',
        sender=message.sender,
    )


async def measure_lateness(url: str, ways: Sequence[Way], people: int) -> None:
    """Add people who are greeted at once, one each way in turn, and wait for their letters."""
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(aiohttp.ClientSession())
        doors = [await stack.enter_async_context(_running(url, way)) for way in ways]
        turn = list(zip(ways, doors, strict=True))
        for number in range(people):
            for way, (address, key, provider) in turn:
                # Whoever waits for the next second is met at any point of it.
                await asyncio.sleep(number * 0.618 % 1)
                with way.timing("from a call of the API to the provider, a person after nine"):
                    before = len(provider.requests)
                    door = f"{address}/api/v1/users"
                    posted = client.post(door, json=_person(), headers=bearer(key))
                    async with posted as response:
                        response.raise_for_status()
                    await provider.wait_for(before + 1)
            turn.reverse()


@contextlib.asynccontextmanager
async def _running(url: str, way: Way) -> AsyncIterator[tuple[str, str, Provider]]:
    """Run API, scheduler and worker on a database of their own; lend the API's address and key."""
    name = f"bench_{uuid4().hex[:8]}"
    await run(url, f"CREATE DATABASE {name}")
    settings = {**way.settings(name), "PORT": "0", "SEND_TIME": "00:00"}
    now = datetime.now(UTC)  # noqa: TID251 - processes live by the real clock
    await migrate.upgrade(settings["DATABASE_URL"], now)
    # Not through the pooler, which may not hold connections that come one by one.
    key = await key_at(urlunsplit(urlsplit(url)._replace(path=f"/{name}")))
    async with contextlib.AsyncExitStack() as stack:
        provider = await stack.enter_async_context(Provider())
        cwd = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings["EMAIL_SERVICE_URL"] = provider.url
        api, *others = [
            await stack.enter_async_context(heyday(role, cwd=cwd, **settings))
            for role in ("api", "scheduler", "worker")
        ]
        for process in others:
            await process.said("started")
        port = (await api.said(r"started\s+port=(\d+)"))[1]
        yield f"http://127.0.0.1:{port}", key, provider


def _person() -> dict[str, str]:
    today = datetime.now(UTC).date()  # noqa: TID251 - theirs is today
    return {
        "first_name": "Ada",
        "last_name": "Byron",
        "email": f"{uuid4()}@example.com",
        "timezone": "UTC",
        "birthday_date": f"1988-{today:%m-%d}",
    }


async def run(url: str, statement: str, *values: object) -> None:
    """Run one statement."""
    connection = await connect(url)
    await connection.execute(statement, *values)
    await connection.close()


def page(ways: Sequence[Way], facts: dict[str, str]) -> str:
    """Return a table: medians, with the 99th percentile in brackets, in milliseconds."""
    lines = [
        f"| {what} | " + " | ".join(_spread(way.took[what]) for way in ways) + " |"
        for what in ways[0].took
    ]
    head = f"| ms, median (p99) | {' | '.join(way.name for way in ways)} |\n|---|---|---|"
    machine_line = ", ".join(f"{name} {value}" for name, value in facts.items())
    return "\n".join((head, *lines, "", machine_line))


def _spread(values: Sequence[float]) -> str:
    p99 = statistics.quantiles(values, n=100, method="inclusive")[98]
    return f"{statistics.median(values):.1f} ({p99:.1f})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--batches", type=int, default=50, help="each way")
    parser.add_argument("--people", type=int, default=100, help="added after nine, each way")
    options = parser.parse_args()
    print(page(*asyncio.run(measure(options.batches, options.people))))


if __name__ == "__main__":
    main()
