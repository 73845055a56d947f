"""The whole of Heyday, as processes of its own, through four connections to PostgreSQL."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from heyday.db.types import AnyConnection
from tests.acceptance.moments import moment_in, post_person, seconds_until, write_people
from tests.acceptance.processes import Heyday, heyday, run
from tests.keys import key_at
from tests.pgbouncer import pgbouncer, through
from tests.provider import Provider

PEOPLE = 150
SERVERS = 4
STOPS_WITHIN = 10.0
# How long somebody who comes after nine may wait; the next full minute is no part of it.
SOON = timedelta(seconds=10)
LIVE = "SELECT count(*) FROM message_logs WHERE status <> 'SENT'"
OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture
def pooled(postgres_url: str, database_url: str) -> Iterator[dict[str, str]]:
    """The settings of whoever goes through a PgBouncer as it comes, but for two of its own."""
    # Every process begins with more connections than there are servers.
    with pgbouncer(postgres_url, default_pool_size=str(SERVERS)) as port:
        yield {"DATABASE_URL": through(port, database_url), "HEYDAY_POOLER": "transaction"}


async def test_everybody_is_greeted_once_and_on_time(
    pooled: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        provider = await stack.enter_async_context(Provider())
        direct: AnyConnection = await asyncpg.connect(database_url)
        stack.push_async_callback(direct.close)
        settings = {
            **pooled,
            "EMAIL_SERVICE_URL": provider.url,
            "HEYDAY_BATCH_SIZE": "10",
            "PORT": "0",
        }

        async def start(*words: str) -> Heyday:
            process = await stack.enter_async_context(heyday(*words, cwd=tmp_path, **settings))
            await process.said("started")
            return process

        loop = asyncio.get_running_loop()
        began = loop.time()
        workers = [await start("worker") for _ in range(3)]
        # As much time for the others to come as this machine needs.
        moment = moment_in(10 + 2 * (loop.time() - began))
        settings["SEND_TIME"] = f"{moment.local:%H:%M:%S}"
        api, *schedulers = [await start("api"), await start("scheduler"), await start("scheduler")]
        texts = write_people(tmp_path / "people.csv", moment, PEOPLE)
        words = ("users", "import", "people.csv")
        imported = await asyncio.to_thread(run, *words, cwd=tmp_path, **settings)
        assert imported.status == 0, imported.err
        assert seconds_until(moment) > 0, "the instant came too soon"
        assert provider.requests == []

        await workers[0].until(lambda: everybody_greeted(provider, PEOPLE))
        port = (await api.said(r"started\s+port=(\d+)"))[1]
        key = await key_at(database_url)
        joined_at = loop.time()
        texts |= await post_person(f"http://127.0.0.1:{port}", key, moment)
        await workers[0].until(lambda: everybody_greeted(provider, PEOPLE + 1))
        took = timedelta(seconds=loop.time() - joined_at)
        assert await direct.fetchval(OTHERS) == SERVERS
        await workers[0].until(lambda: is_all_sent(direct))
        books = await asyncio.to_thread(run, "reconcile", "--json", cwd=tmp_path, **settings)
        processes = (api, *schedulers, *workers)
        statuses = await asyncio.gather(*(process.stop(STOPS_WITHIN) for process in processes))
    assert statuses == [0] * len(processes)
    assert (books.status, books.json["due"], books.json["balanced"]) == (0, len(texts), True)
    assert {request.email: request.message for request in provider.requests} == texts
    assert sorted(provider.accepted.values()) == [1] * len(texts) == [1] * len(provider.requests)
    first = min(request.received_at for request in provider.requests)
    assert timedelta() <= first - moment.at < timedelta(seconds=5)
    assert took < SOON
    assert "Error" not in "".join(process.text for process in processes)


async def everybody_greeted(provider: Provider, count: int) -> bool:
    return len(provider.accepted) >= count


async def is_all_sent(connection: AnyConnection) -> bool:
    return not await connection.fetchval(LIVE)


async def test_who_does_not_say_that_there_is_a_pooler_is_told(
    pooled: dict[str, str], tmp_path: Path
) -> None:
    del pooled["HEYDAY_POOLER"]
    told = await asyncio.to_thread(run, "reconcile", cwd=tmp_path, **pooled)
    assert (told.status, told.out) == (2, "")
    assert "HEYDAY_POOLER=transaction" in told.err
    assert "Traceback" not in told.err
