"""Greetings to a provider with faults, by processes of their own, some of which are killed."""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from heyday.db.types import AnyConnection
from tests.acceptance.moments import Moment, moment_in, post_person, seconds_until, write_people
from tests.acceptance.processes import Finished, Heyday, heyday, run
from tests.keys import key_at
from tests.provider import Act, Provider, Received

PEOPLE = 240
STOPS_WITHIN = 10.0
# Each time it is told so, Heyday halves its pace.
TIMES_BUSY = 2
# What one in so many messages meets at its first attempt; the rest is taken at once.
ONE_IN = 16
FAULTS = (
    Act.ERROR,
    Act.ERROR_ACCEPTED,
    Act.HANG,
    Act.HANG_ACCEPTED,
    Act.RESET_ACCEPTED,
    Act.BUSY,
)
NOT_ENDED = "status NOT IN ('SENT', 'FAILED', 'CANCELLED', 'SKIPPED', 'UNKNOWN')"
LIVE = f"SELECT count(*) FROM message_logs WHERE {NOT_ENDED}"  # noqa: S608 - a constant
TAKEN_OVER = "SELECT sum((counts ->> 'expired')::integer) FROM job_runs"
# Two minutes pass: claims of the dead run out, and the batches that they held show again.
TIME_PASSES = """
UPDATE message_logs SET lease_until = now() WHERE status = 'SENDING';
UPDATE queue_batches SET visible_at = now()
WHERE delivery_count > 0 AND visible_at > now();
"""


def misbehave(request: Received) -> Act:
    """Refuse some for good, fail others once; by key, whatever the order of arrival."""
    fate = zlib.crc32(request.key.encode()) % ONE_IN
    if fate == len(FAULTS):
        return Act.REFUSE
    return FAULTS[fate] if fate < len(FAULTS) and not request.earlier else Act.OK


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    busy = iter(range(TIMES_BUSY))

    def behave(request: Received) -> Act:
        act = misbehave(request)
        return Act.OK if act is Act.BUSY and next(busy, None) is None else act

    async with Provider(behave) as provider:
        yield provider


async def command(*words: str, cwd: Path, **settings: str) -> Finished:
    return await asyncio.to_thread(run, *words, cwd=cwd, **settings)


async def test_greetings_leave_at_their_instant_once_although_workers_are_killed(
    database_url: str,
    connection: AnyConnection,
    provider: Provider,
    carrier: dict[str, str],
    tmp_path: Path,
) -> None:
    settings = {
        **carrier,
        "DATABASE_URL": database_url,
        "EMAIL_SERVICE_URL": provider.url,
        "HEYDAY_CALL_TIMEOUT": "1s",
        "HEYDAY_BATCH_SIZE": "5",
        "PORT": "0",
    }
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:

        async def start(*words: str) -> Heyday:
            return await stack.enter_async_context(heyday(*words, cwd=tmp_path, **settings))

        began = loop.time()
        workers = [await start("worker"), await start("worker")]
        for worker in workers:
            await worker.said("started")
        # As much time for the four processes to come as this machine needs.
        moment = moment_in(10 + 4 * (loop.time() - began))
        settings["SEND_TIME"] = f"{moment.local:%H:%M:%S}"
        api, *schedulers = [await start("api"), await start("scheduler"), await start("scheduler")]
        texts = write_people(tmp_path / "people.csv", moment, PEOPLE)
        await command("users", "import", "people.csv", cwd=tmp_path, **settings)
        port = (await api.said(r"started\s+port=(\d+)"))[1]
        key = await key_at(database_url)
        texts |= await post_person(f"http://127.0.0.1:{port}", key, moment)
        for scheduler in schedulers:
            await scheduler.said("started")
        assert seconds_until(moment) > 0, "the instant came too soon"
        assert provider.requests == []

        await wait_for_a_call_in_flight(provider, len(texts) // 6)
        for worker in workers:
            await worker.kill()
        await connection.execute(TIME_PASSES)
        workers = [await start("worker"), await start("worker")]
        await command("jobs", "run", "recovery", cwd=tmp_path, **settings)
        await workers[1].until(lambda: is_all_ended(connection))
        books = await command("reconcile", "--json", cwd=tmp_path, **settings)
        statuses = await asyncio.gather(
            *(process.stop(STOPS_WITHIN) for process in (api, *schedulers, *workers))
        )
    assert statuses == [0] * 5
    # By the recovery, or by a sweep that came before it.
    assert await connection.fetchval(TAKEN_OVER) > 0
    assert (books.status, books.json["due"], books.json["balanced"]) == (0, len(texts), True)
    assert_on_time(provider, moment)
    await assert_once(provider, connection, texts)


async def wait_for_a_call_in_flight(provider: Provider, after: int) -> None:
    """Return as soon as a call hangs that came after the first so many."""
    await provider.wait_for(after)
    hanging = provider.acts[Act.HANG] + provider.acts[Act.HANG_ACCEPTED]
    while provider.acts[Act.HANG] + provider.acts[Act.HANG_ACCEPTED] == hanging:
        await provider.wait_for(len(provider.requests) + 1)


def assert_on_time(provider: Provider, moment: Moment) -> None:
    """By the provider's clock: nothing before the instant, and the first within seconds of it."""
    first = min(request.received_at for request in provider.requests)
    assert timedelta() <= first - moment.at < timedelta(seconds=5)


async def assert_once(provider: Provider, connection: AnyConnection, texts: dict[str, str]) -> None:
    """Every key taken once and recorded so, or refused and recorded so; words and keys right."""
    rows = await connection.fetch(
        "SELECT m.*, u.email FROM message_logs m JOIN users u ON u.id = m.user_id"
    )
    keys = {f"{row['user_id']}:BIRTHDAY:{row['delivery_date']}": row for row in rows}
    assert {row["idempotency_key"] for row in rows} == set(keys)
    for request in provider.requests:
        email = keys[request.key]["email"]
        assert (request.email, request.message) == (email, texts[email])
    taken = {key for key, row in keys.items() if row["status"] == "SENT"}
    refused = {key for key, row in keys.items() if row["status"] == "FAILED"}
    assert len(rows) == len(texts) == len(taken) + len(refused)
    assert provider.accepted == dict.fromkeys(taken, 1)
    # Otherwise this would have shown nothing: each kind of fault came up.
    assert refused
    assert all(provider.acts[act] for act in (*FAULTS, Act.REFUSE))


@pytest.mark.parametrize("in_call", ["0", "1000"])
async def test_a_provider_that_is_away_gets_everything_when_it_is_back(
    database_url: str, connection: AnyConnection, tmp_path: Path, in_call: str
) -> None:
    async with Provider() as away:
        url = away.url
    # Nine o'clock has passed there, so these people are greeted as soon as they are known.
    moment = moment_in(0)
    texts = write_people(tmp_path / "people.csv", moment, PEOPLE)
    settings = {"DATABASE_URL": database_url, "EMAIL_SERVICE_URL": url, "PORT": "0"}
    settings["HEYDAY_PROVIDER_BATCH"] = in_call
    async with heyday("up", cwd=tmp_path, **settings) as up:
        await up.said("/inbox")
        await command("users", "import", "people.csv", cwd=tmp_path, **settings)
        refused = "SELECT count(*) FROM message_attempts WHERE outcome = 'not_accepted'"
        await up.until(lambda: connection.fetchval(refused))
        async with Provider(port=int(url.rpartition(":")[2])) as back:
            await back.wait_for(PEOPLE)
            await up.until(lambda: is_all_ended(connection))
            assert await up.stop(STOPS_WITHIN) == 0
    assert len(back.accepted) == back.accepted.total() == len(texts)
    assert bool(back.batches) == (in_call != "0")
    rows = await connection.fetch("SELECT status, ambiguous_count, retry_count FROM message_logs")
    assert {(row["status"], row["ambiguous_count"]) for row in rows} == {("SENT", 0)}
    # Those that were tried while it was away, and no more: the rest was left alone.
    assert sum(row["retry_count"] > 0 for row in rows) >= 1
    assert max(row["retry_count"] for row in rows) <= 2


async def is_all_ended(connection: AnyConnection) -> bool:
    return not await connection.fetchval(LIVE)
