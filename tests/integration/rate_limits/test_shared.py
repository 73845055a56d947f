"""Callers counted in Redis, by all together; and Redis away, silent, flushed, or with garbage."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from heyday.clock import SystemClock
from heyday.db.embedded.cluster import free_port
from heyday.domain.ports import Clock
from heyday.domain.rate_limit import Counted, RateLimit, Whose
from heyday.rate_limits import KEY_PREFIX, TAKE, OwnRateLimits, SharedConfig, SharedRateLimits
from heyday.telemetry import Metrics
from tests.chaos.waiting import wait_until
from tests.fakes import FakeClock
from tests.proxy import Proxy, open_proxy
from tests.redis import PASSWORD, RedisServer, url_at

LIMIT = RateLimit(5)
ADDRESS = "192.0.2.77"
NONE = timedelta()
# So much that a busy machine is not taken for a Redis that is away; and, where it is silent, less.
PATIENCE, SHORT = timedelta(seconds=5), timedelta(milliseconds=200)
AGAIN = timedelta(milliseconds=300)
WITHIN = 10.0

Opener = Callable[..., SharedRateLimits]


@pytest.fixture
async def open_limits() -> AsyncIterator[Opener]:
    """What opens the counting of one more process."""
    async with contextlib.AsyncExitStack() as stack:

        def opened(
            url: str,
            limit: RateLimit = LIMIT,
            metrics: Metrics | None = None,
            clock: Clock | None = None,
            patience: timedelta = PATIENCE,
        ) -> SharedRateLimits:
            clock, metrics = clock or SystemClock(), metrics or Metrics()
            config = SharedConfig(url, patience=patience, ask_again=AGAIN)
            own = OwnRateLimits({Whose.ADDRESS: limit}, clock, metrics)
            limits = SharedRateLimits(config, own, clock, metrics)
            stack.push_async_callback(limits.close)
            return limits

        yield opened


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    """What looks into Redis."""
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
async def proxy(redis_server: RedisServer) -> AsyncIterator[Proxy]:
    async with open_proxy(redis_server.port) as proxy:
        yield proxy


async def let_through(*limits: SharedRateLimits, caller: str = ADDRESS, tries: int = 20) -> int:
    """Return how many of so many requests are, which come to each in turn."""
    async with asyncio.timeout(WITHIN):
        waits = [
            await limits[number % len(limits)].take(Whose.ADDRESS, caller)
            for number in range(tries)
        ]
    return waits.count(NONE)


async def until_counted(limits: SharedRateLimits, where: Counted) -> None:
    """Ask, for somebody else, until callers are counted there."""

    async def look() -> bool:
        async with asyncio.timeout(1):
            await limits.take(Whose.ADDRESS, "somebody else")
        return limits.counted is where

    await wait_until(look, WITHIN, f"counted {where}")


async def keys_of(client: Redis) -> list[bytes]:
    return [key async for key in client.scan_iter("*")]


class TestTogether:
    async def test_all_processes_share_one_limit(self, redis_url: str, open_limits: Opener) -> None:
        metrics = Metrics()
        one, other = open_limits(redis_url, metrics=metrics), open_limits(redis_url)
        assert await let_through(one, other) == LIMIT.requests
        assert await let_through(one, caller="192.0.2.78") == LIMIT.requests
        refused = metrics.registry.get_sample_value(
            "heyday_api_refused_total", {"counted": "shared", "whose": "address"}
        )
        assert refused == 7 + 15
        assert one.counted is other.counted is Counted.SHARED

    async def test_who_waits_as_told_is_let_through(
        self, redis_url: str, open_limits: Opener
    ) -> None:
        limits = open_limits(redis_url, RateLimit(2, timedelta(seconds=1)))
        assert await let_through(limits, tries=2) == 2
        wait = await limits.take(Whose.ADDRESS, ADDRESS)
        assert NONE < wait <= timedelta(seconds=0.5)
        began = time.perf_counter()

        async def look() -> bool:
            return await limits.take(Whose.ADDRESS, ADDRESS) == NONE

        await wait_until(look, WITHIN, "let through")
        # Not sooner than told; Redis's clock and this one may differ by a little.
        assert time.perf_counter() - began > wait.total_seconds() - 0.05

    async def test_many_at_once_are_counted_each(self, redis_url: str, open_limits: Opener) -> None:
        limits = open_limits(redis_url)
        await limits.take(Whose.ADDRESS, "somebody else")  # connects
        waits = await asyncio.gather(*(limits.take(Whose.ADDRESS, ADDRESS) for _ in range(40)))
        assert waits.count(NONE) == LIMIT.requests

    async def test_redis_counts_as_the_domain_does(self, client: Redis) -> None:
        chance = random.Random(7)  # noqa: S311 - chooses when requests come
        limit = RateLimit(4, timedelta(milliseconds=2))
        script = client.register_script(TAKE.replace("redis.call('TIME')", "{ARGV[3], ARGV[4]}"))
        clear_at, now, key = 0, 1_800_000_000_000_000, f"{KEY_PREFIX}twin"
        for _ in range(2000):
            now += chance.choice([0, 1, 300, 700, 5000, -3000])
            seconds, micro = divmod(now, 1_000_000)
            # It would be gone after two milliseconds of the real time.
            await client.set(key, clear_at)
            wait = await script([key], [limit.cost, limit.requests, seconds, micro])
            clear_at, expected = limit.take(clear_at, now)
            assert wait == expected
            if not wait and (kept := await client.get(key)):
                assert int(kept) == clear_at


class TestWhatRedisHolds:
    async def test_no_address_and_nothing_that_stays(
        self, redis_url: str, open_limits: Opener, client: Redis
    ) -> None:
        before = set(await keys_of(client))
        limits = open_limits(redis_url)
        for caller in (ADDRESS, "2001:db8::/64", "unknown"):
            await limits.take(Whose.ADDRESS, caller)
        keys = [key for key in await keys_of(client) if key not in before]
        assert len(keys) == 3
        for key in keys:
            assert key.startswith(KEY_PREFIX.encode())
            assert ADDRESS.encode() not in key
            assert 0 < await client.pttl(key) <= 60_000
            assert int(await client.get(key) or 0) > 0

    async def test_whoever_reads_the_keys_cannot_try_addresses_without_the_password(
        self, redis_server: RedisServer, open_limits: Opener
    ) -> None:
        async with Redis.from_url(redis_server.url) as client:
            await open_limits(redis_server.url).take(Whose.ADDRESS, ADDRESS)
            first = set(await keys_of(client))
            await client.config_set("requirepass", "an0ther")
            await open_limits(url_at(redis_server.port, "an0ther")).take(Whose.ADDRESS, ADDRESS)
            assert first < set(await keys_of(client))

    @pytest.mark.parametrize(
        "garbage",
        [b"", b"garbage", b"\xff\x00", b"nan", b"-inf", b"1e400", b"9" * 400, b"99999999999999999"],
    )
    async def test_what_is_not_ours_at_our_keys_counts_for_nothing(
        self, redis_url: str, open_limits: Opener, client: Redis, garbage: bytes
    ) -> None:
        limits = open_limits(redis_url)
        await limits.take(Whose.ADDRESS, ADDRESS)
        (key,) = [key async for key in client.scan_iter(f"{KEY_PREFIX}*")]
        await client.set(key, garbage)
        assert await let_through(limits) == LIMIT.requests
        assert 0 < await client.pttl(key) <= 60_000
        assert limits.counted is Counted.SHARED

    async def test_nor_does_what_is_no_string(
        self, redis_url: str, open_limits: Opener, client: Redis
    ) -> None:
        limits = open_limits(redis_url)
        await limits.take(Whose.ADDRESS, ADDRESS)
        (key,) = [key async for key in client.scan_iter(f"{KEY_PREFIX}*")]
        await client.delete(key)
        await client.lpush(key, "1", "2")
        assert await let_through(limits) == LIMIT.requests
        assert limits.counted is Counted.SHARED

    async def test_nor_do_keys_of_another_version(
        self, redis_url: str, open_limits: Opener, client: Redis
    ) -> None:
        limits = open_limits(redis_url)
        assert await let_through(limits) == LIMIT.requests
        (key,) = [key async for key in client.scan_iter(f"{KEY_PREFIX}*")]
        other = key.replace(b":1:", b":0:")
        try:
            await client.rename(key, other)
            assert await let_through(limits) == LIMIT.requests
        finally:
            await client.delete(other)

    async def test_flushed_it_counts_anew(
        self, redis_server: RedisServer, open_limits: Opener
    ) -> None:
        limits = open_limits(redis_server.url)
        with capture_logs() as logs:
            assert await let_through(limits) == LIMIT.requests
            async with Redis.from_url(redis_server.url) as client:
                await client.flushall()
                await client.script_flush()
            assert await let_through(limits) == LIMIT.requests
        assert logs == []

    async def test_restarted_it_counts_anew_and_nobody_notices(
        self, redis_server: RedisServer, open_limits: Opener
    ) -> None:
        limits = open_limits(redis_server.url)
        with capture_logs() as logs:
            assert await let_through(limits) == LIMIT.requests
            redis_server.kill()
            redis_server.start()
            assert await let_through(limits) == LIMIT.requests
        assert logs == []
        assert limits.counted is Counted.SHARED


class TestAway:
    async def test_one_line_tells_of_its_loss_and_one_of_its_return(
        self, redis_server: RedisServer, open_limits: Opener, clock: FakeClock
    ) -> None:
        limits = open_limits(redis_server.url, clock=clock)
        with capture_logs() as logs:
            await limits.take(Whose.ADDRESS, ADDRESS)
            redis_server.kill()
            for _ in range(4):
                await limits.take(Whose.ADDRESS, ADDRESS)
                clock.advance(AGAIN)
            redis_server.start()
            await limits.take(Whose.ADDRESS, ADDRESS)
        assert [entry["event"] for entry in logs] == ["redis_away", "redis_back"]
        assert logs[1]["seconds"] == round(4 * AGAIN.total_seconds(), 1)
        assert PASSWORD not in str(logs)

    async def test_killed_while_serving_each_counts_by_itself_until_it_is_back(
        self, redis_server: RedisServer, open_limits: Opener
    ) -> None:
        metrics = Metrics()
        one, other = open_limits(redis_server.url, metrics=metrics), open_limits(redis_server.url)
        assert await let_through(one, other) == LIMIT.requests
        redis_server.kill()
        assert await let_through(one) == LIMIT.requests
        assert await let_through(other) == LIMIT.requests
        assert one.counted is Counted.OWN
        assert metrics.registry.get_sample_value("heyday_redis_away") == 1
        redis_server.start()
        for limits in (one, other):
            await until_counted(limits, Counted.SHARED)
        assert await let_through(one, other) == LIMIT.requests
        assert metrics.registry.get_sample_value("heyday_redis_away") == 0

    async def test_absent_at_the_start_it_may_come_later(
        self, redis_server: RedisServer, open_limits: Opener
    ) -> None:
        redis_server.kill()
        one, other = open_limits(redis_server.url), open_limits(redis_server.url)
        assert await let_through(one) == LIMIT.requests
        assert await let_through(other) == LIMIT.requests
        redis_server.start()
        for limits in (one, other):
            await until_counted(limits, Counted.SHARED)
        assert await let_through(one, other) == LIMIT.requests

    async def test_silent_it_is_waited_for_once_and_shortly(
        self, proxy: Proxy, open_limits: Opener
    ) -> None:
        limits = open_limits(url_at(proxy.port), patience=SHORT)
        await until_counted(limits, Counted.SHARED)
        proxy.hold()
        began = time.perf_counter()
        assert await let_through(limits, tries=500) == LIMIT.requests
        # Each of the 500 would have waited for 0.2 s.
        assert time.perf_counter() - began < 10 * SHORT.total_seconds()
        assert limits.counted is Counted.OWN

    async def test_while_one_request_asks_again_no_other_waits(
        self, proxy: Proxy, open_limits: Opener
    ) -> None:
        limits = open_limits(url_at(proxy.port), patience=5 * SHORT)
        proxy.hold()
        await limits.take(Whose.ADDRESS, ADDRESS)

        async def is_asking() -> list[asyncio.Task[timedelta]]:
            tasks = [asyncio.create_task(limits.take(Whose.ADDRESS, ADDRESS)) for _ in range(20)]
            await asyncio.wait(tasks, timeout=2 * SHORT.total_seconds())
            slow = [task for task in tasks if not task.done()]
            await asyncio.gather(*tasks)
            return slow

        assert len(await wait_until(is_asking, WITHIN, "one asks again")) == 1

    async def test_an_answer_that_comes_too_late_is_nobody_elses(
        self, proxy: Proxy, open_limits: Opener
    ) -> None:
        limits = open_limits(url_at(proxy.port), patience=2 * SHORT)
        await until_counted(limits, Counted.SHARED)
        assert await let_through(limits) == LIMIT.requests
        proxy.hold()
        # The answer to this one, a refusal, is held up.
        await limits.take(Whose.ADDRESS, ADDRESS)
        proxy.mend()
        await until_counted(limits, Counted.SHARED)
        assert await let_through(limits, caller="192.0.2.78") == LIMIT.requests
        assert await limits.take(Whose.ADDRESS, ADDRESS) > NONE

    async def test_what_is_no_redis_or_does_not_let_us_in_is_as_none(
        self, redis_server: RedisServer, open_limits: Opener
    ) -> None:
        async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(b":HTTP/1.1 400 Bad Request\r\n\r\n" * 5)
            await reader.read()
            writer.close()

        server = await asyncio.start_server(babble, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            for url in (
                url_at(port),
                url_at(redis_server.port, "wrong"),
                url_at(free_port()),
                "redis://no-such-host.invalid:6379/0",
            ):
                limits = open_limits(url, patience=SHORT)
                assert await let_through(limits) == LIMIT.requests
                assert limits.counted is Counted.OWN
                await limits.close()
