"""Count the API's callers: in this process, or in Redis together with all others.

Redis is never needed. While it is away, slow, or answers nonsense, each process counts by itself,
and asks it again every few seconds.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from heyday.domain.errors import Unreachable
from heyday.domain.ports import Clock
from heyday.domain.rate_limit import Counted, RateLimit, Whose
from heyday.telemetry import Metrics

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger()

KEY_PREFIX = "heyday:1:calls:"
"""How all keys begin. The number goes up when what they hold changes its meaning."""

_LEAST_SWEPT = 1024
_MICROSECOND = timedelta(microseconds=1)

TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost = tonumber(ARGV[1])
local furthest = cost * ARGV[2]
local clear_at = tonumber(redis.pcall('GET', KEYS[1]))
if not (clear_at and clear_at >= now and clear_at <= now + furthest) then clear_at = now end
local wait = clear_at + cost - now - furthest
if wait > 0 then return wait end
clear_at = clear_at + cost
redis.call('SET', KEYS[1], clear_at, 'PX', math.ceil((clear_at - now) / 1000))
return 0
"""
"""RateLimit.take on Redis's clock. What stands at the key and no request wrote is replaced."""


class OwnRateLimits:
    """Count callers in this process alone."""

    counted = Counted.OWN

    def __init__(self, limits: Mapping[Whose, RateLimit], clock: Clock, metrics: Metrics) -> None:
        self.limits = limits
        self._clock = clock
        self._refused = metrics.api_refused
        self._clear_at: dict[tuple[Whose, str], int] = {}
        self._swept_at = _LEAST_SWEPT

    async def take(self, whose: Whose, caller: str) -> timedelta:
        """Count a request; return for how long the caller has to wait, nothing if it need not."""
        limit = self.limits.get(whose)
        if limit is None:
            return timedelta()
        now = int(self._clock.monotonic() * 1_000_000)
        clear_at = self._clear_at.get((whose, caller), now)
        self._clear_at[whose, caller], wait = limit.take(clear_at, now)
        if wait:
            self._refused.labels(self.counted.value, whose.value).inc()
        if len(self._clear_at) >= self._swept_at:
            self._sweep(now)
        return wait * _MICROSECOND

    async def close(self) -> None:
        """Hold nothing that would have to be given back."""

    def _sweep(self, now: int) -> None:
        """Forget whoever may send all requests again; next time when there are twice as many."""
        self._clear_at = {c: clear_at for c, clear_at in self._clear_at.items() if clear_at > now}
        self._swept_at = max(_LEAST_SWEPT, 2 * len(self._clear_at))


@dataclass(frozen=True, slots=True)
class SharedConfig:
    """Reach Redis.

    patience: how long a request waits for it.   ask_again: how long it is left alone after that.
    """

    url: str
    connections: int = 16
    patience: timedelta = timedelta(milliseconds=100)
    ask_again: timedelta = timedelta(seconds=5)


class SharedRateLimits:
    """Count callers in Redis; in this process while it is away.

    Redis holds no address, and no API key: what it counts by are hashes, keyed by its own password,
    and gone after a minute.
    """

    def __init__(
        self, config: SharedConfig, own: OwnRateLimits, clock: Clock, metrics: Metrics
    ) -> None:
        self._config = config
        self._own = own
        self._clock = clock
        self._refused = metrics.api_refused
        self._away = metrics.redis_away
        self._away.set(0)
        self._redis = _open(config)
        self._take = self._redis.register_script(TAKE)
        self._secret = hashlib.sha256((urlsplit(config.url).password or "").encode()).digest()
        self._away_since: float | None = None
        self._ask_at = 0.0

    @property
    def counted(self) -> Counted:
        """Return where the last request was counted."""
        return Counted.SHARED if self._away_since is None else Counted.OWN

    async def take(self, whose: Whose, caller: str) -> timedelta:
        """Count a request; return for how long the caller has to wait, nothing if it need not."""
        limit = self._own.limits.get(whose)
        if limit is None:
            return timedelta()
        now = self._clock.monotonic()
        if self._away_since is not None:
            if now < self._ask_at:
                return await self._own.take(whose, caller)
            # One request finds out; the others do not wait for it.
            self._ask_at = now + self._config.ask_again.total_seconds()
        try:
            async with asyncio.timeout(self._config.patience.total_seconds()):
                answer = await self._take([self._key(whose, caller)], [limit.cost, limit.requests])
            wait = int(answer) * _MICROSECOND
        except Exception as error:  # noqa: BLE001 - whatever goes wrong, the request is served
            self._note_away(error)
            return await self._own.take(whose, caller)
        self._note_back()
        if wait:
            self._refused.labels(Counted.SHARED.value, whose.value).inc()
        return wait

    async def close(self) -> None:
        """Give all connections back."""
        await self._redis.aclose()

    def _key(self, whose: Whose, caller: str) -> str:
        digest = hashlib.blake2b(f"{whose} {caller}".encode(), key=self._secret, digest_size=16)
        return KEY_PREFIX + digest.hexdigest()

    def _note_away(self, error: Exception) -> None:
        now = self._clock.monotonic()
        self._ask_at = now + self._config.ask_again.total_seconds()
        if self._away_since is None:
            self._away_since = now
            self._away.set(1)
            log.warning("redis_away", error=type(error).__name__)

    def _note_back(self) -> None:
        if self._away_since is not None:
            seconds = round(self._clock.monotonic() - self._away_since, 1)
            self._away_since = None
            self._away.set(0)
            log.warning("redis_back", seconds=seconds)


async def knock(config: SharedConfig, patience: timedelta) -> None:
    """Return once Redis answers. Raises Unreachable."""
    redis = _open(config)
    try:
        async with asyncio.timeout(patience.total_seconds()):
            await redis.ping()
    except Exception as error:
        raise Unreachable(f"Redis cannot be used ({type(error).__name__})") from error
    finally:
        await redis.aclose()


def _open(config: SharedConfig) -> "Redis":
    """Return a client, which connects when it is first used."""
    # They take long to import, and only an API with a limit needs them.
    from redis.asyncio import BlockingConnectionPool, Redis  # noqa: PLC0415 - see above
    from redis.asyncio.retry import Retry  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415

    pool = BlockingConnectionPool.from_url(
        config.url,
        max_connections=config.connections,
        # A connection that Redis has closed meanwhile is made anew. `patience` bounds it all.
        retry=Retry(NoBackoff(), 1),
        timeout=None,
        socket_timeout=None,
    )
    return Redis.from_pool(pool)
