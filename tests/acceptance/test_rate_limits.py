"""The API's limit as callers meet it, at processes of their own."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest

from tests.acceptance.processes import Heyday, get, heyday
from tests.keys import bearer, key_at
from tests.redis import PASSWORD, RedisServer

LIMIT = 6
NOBODY = f"/api/v1/users/{UUID(int=1)}"
FREE, REFUSED = 404, 429

Starter = Callable[..., Awaitable["Api"]]


class Api:
    """One process that serves the API."""

    def __init__(self, process: Heyday, port: str, key: str) -> None:
        self.process = process
        self.key = key
        self.url = f"http://127.0.0.1:{port}"

    async def ask(self, session: aiohttp.ClientSession, caller: str) -> aiohttp.ClientResponse:
        """Ask as a proxy on this machine would, which may be believed whom it asks for."""
        headers = {"X-Forwarded-For": caller, **bearer(self.key)}
        async with session.get(f"{self.url}{NOBODY}", headers=headers) as reply:
            await reply.read()
            return reply

    async def counted(self) -> str:
        health = await get(f"{self.url}/health")
        return str(health["rate_limits"])


@pytest.fixture
async def start(database_url: str, tmp_path: Path) -> AsyncIterator[Starter]:
    """What starts one more process, behind a proxy on this machine."""
    key = await key_at(database_url)
    async with contextlib.AsyncExitStack() as stack:

        async def started(**settings: str) -> Api:
            own = {"DATABASE_URL": database_url, "PORT": "0", "HEYDAY_TRUSTED_PROXIES": "127.0.0.1"}
            process = await stack.enter_async_context(
                heyday("api", cwd=tmp_path, **{**own, **settings})
            )
            return Api(process, (await process.said(r"started\s+port=(\d+)"))[1], key)

        yield started


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def statuses(
    session: aiohttp.ClientSession, *apis: Api, caller: str = "192.0.2.1", tries: int = 12
) -> Counter[int]:
    """Return how so many requests are answered, which go to each in turn."""
    asked = [await apis[number % len(apis)].ask(session, caller) for number in range(tries)]
    return Counter(reply.status for reply in asked)


async def shared_statuses(session: aiohttp.ClientSession, *apis: Api) -> Counter[int]:
    """Return the same once Redis has answered each time: a busy machine may be late at first."""

    async def look() -> Counter[int] | None:
        before = [api.process.text.count("redis_") for api in apis]
        found = await statuses(session, *apis, caller=f"192.0.2.{next(callers)}")
        is_shared = [await api.counted() == "shared" for api in apis]
        after = [api.process.text.count("redis_") for api in apis]
        return found if all(is_shared) and before == after else None

    callers = count(2)
    return await apis[0].process.until(look)


async def test_two_processes_share_the_limit_and_each_has_its_own_while_redis_is_away(
    start: Starter, session: aiohttp.ClientSession, redis_server: RedisServer
) -> None:
    settings = {"REDIS_URL": redis_server.url, "HEYDAY_API_RATE_LIMIT": str(LIMIT)}
    one, other = await start(**settings), await start(**settings)
    assert await shared_statuses(session, one, other) == {FREE: LIMIT, REFUSED: 12 - LIMIT}
    for path in ("/health/live", "/health/ready", "/metrics", "/docs", "/inbox"):
        async with session.get(f"{one.url}{path}", headers=bearer(one.key)) as unlimited:
            # The database of the test has other months: it is not ready, and says so.
            assert unlimited.status == (503 if path == "/health/ready" else 200)

    redis_server.kill()
    for api in (one, other):
        assert await statuses(session, api) == {FREE: LIMIT, REFUSED: 12 - LIMIT}
        assert await api.counted() == "own"
        await api.process.said("redis_away")
        assert PASSWORD not in api.process.text
    metrics = await get(f"{one.url}/metrics", one.key)
    assert "heyday_redis_away 1.0" in metrics
    assert await one.process.stop(10) == 0


async def test_without_redis_each_process_counts_by_itself(
    start: Starter, session: aiohttp.ClientSession
) -> None:
    api = await start(HEYDAY_API_RATE_LIMIT=str(LIMIT))
    assert await statuses(session, api) == {FREE: LIMIT, REFUSED: 12 - LIMIT}
    assert await api.counted() == "own"
    reply = await api.ask(session, "192.0.2.1")
    assert 0 < int(reply.headers["Retry-After"]) <= 60 // LIMIT
    assert await statuses(session, api, caller="192.0.2.2") == {FREE: LIMIT, REFUSED: 12 - LIMIT}


async def test_without_a_limit_redis_is_not_even_asked(
    start: Starter, session: aiohttp.ClientSession
) -> None:
    api = await start(REDIS_URL="redis://127.0.0.1:9/0")
    assert await statuses(session, api, tries=50) == {FREE: 50}
    assert await api.counted() == "none"
    assert "redis" not in api.process.text


async def test_nobody_is_believed_whom_they_ask_for_unless_they_are_trusted(
    start: Starter, session: aiohttp.ClientSession
) -> None:
    api = await start(HEYDAY_API_RATE_LIMIT=str(LIMIT), HEYDAY_TRUSTED_PROXIES="")
    callers = [f"192.0.2.{number}" for number in range(12)]
    asked = [await api.ask(session, caller) for caller in callers]
    assert Counter(reply.status for reply in asked) == {FREE: LIMIT, REFUSED: 12 - LIMIT}


async def test_what_a_caller_puts_before_the_proxys_word_does_not_count(
    start: Starter, session: aiohttp.ClientSession
) -> None:
    api = await start(HEYDAY_API_RATE_LIMIT=str(LIMIT))
    callers = [f"192.0.2.{number}, 198.51.100.7" for number in range(12)]
    asked = [await api.ask(session, caller) for caller in callers]
    assert Counter(reply.status for reply in asked) == {FREE: LIMIT, REFUSED: 12 - LIMIT}


async def test_a_key_has_a_limit_of_its_own_from_wherever_it_comes(
    start: Starter, session: aiohttp.ClientSession, database_url: str
) -> None:
    api = await start(HEYDAY_API_KEY_RATE_LIMIT=str(LIMIT))
    callers = [f"192.0.2.{number}" for number in range(12)]
    asked = [await api.ask(session, caller) for caller in callers]
    assert Counter(reply.status for reply in asked) == {FREE: LIMIT, REFUSED: 12 - LIMIT}
    api.key = await key_at(database_url)
    assert (await api.ask(session, callers[0])).status == FREE
