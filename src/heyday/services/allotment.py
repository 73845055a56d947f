"""Hold this process's share of a provider's tokens, and ask for more as they are used up."""

import asyncio
import contextlib
import math
from collections.abc import Callable
from datetime import timedelta

import structlog

from heyday.domain.gate_ports import SharedPace
from heyday.domain.pace import Grant, Meter
from heyday.domain.ports import Clock
from heyday.telemetry import Metrics

log = structlog.get_logger()

HOLD = timedelta(milliseconds=250)
"""For how long tokens may be kept: a share that is not used must not become a burst."""

_AGAIN_AFTER = timedelta(seconds=1)
# Within it, one more report of the same trouble would change nothing.
_REPORTS_EVERY = 1.0


class Allotment:
    """Spend tokens in this process; ask the shared bucket in the background.

    While nobody limits the provider it asks nobody. What it cannot find out, it waits for.
    changed: called whenever it is worth trying to spend again.
    """

    def __init__(
        self,
        *,
        provider: str,
        pace: SharedPace,
        clock: Clock,
        metrics: Metrics,
        changed: Callable[[], None],
    ) -> None:
        self._provider = provider
        self._pace = pace
        self._clock = clock
        self._metrics = metrics
        self._changed = changed
        self._meter = Meter()
        self._is_known = False
        self._is_limited = True  # until the first answer says otherwise
        self._rate = math.inf
        self._wanted = 1
        self._tokens = 0
        self._tokens_until = 0.0
        self._ask_at = 0.0
        self._blocked_until = 0.0
        self._report: timedelta | None = None
        self._reported_at = -math.inf
        self._asking: asyncio.Task[None] | None = None

    @property
    def is_limited(self) -> bool:
        """Tell whether tokens are needed, as far as is known."""
        return self._is_limited

    def is_known(self, now: float) -> bool:
        """Tell whether it is known if anybody limits the provider; find it out if not."""
        self._hear(now)
        if not self._is_known:
            self._begin_to_ask()
        return self._is_known

    def spend(self, now: float, wanted: int = 1) -> int:
        """Return how many of `wanted` calls may be made, and take their tokens."""
        self._hear(now)
        spent = wanted
        if self._is_limited:
            spent = min(wanted, self._tokens) if now < self._tokens_until else 0
            self._tokens -= spent
        self._meter.count(now, spent)
        return spent

    def unspend(self, now: float, count: int) -> None:
        """Take back tokens of calls that were not made, if they may still be spent."""
        if count and now < self._tokens_until:
            self._tokens += count
            self._changed()

    def ask(self, now: float, waiting: int) -> None:
        """Ask for tokens if it is time to, for so many calls; `changed` brings the answer."""
        self._wanted = waiting
        if now >= self._ask_at:
            self._begin_to_ask()

    def wait(self, now: float) -> float:
        """Return the seconds until it is worth asking; 0 also while an answer is waited for."""
        return max(self._ask_at - now, 0.0)

    def wait_of_many(self, now: float, waiting: int) -> float:
        """Return the seconds in which so many calls should have had their turn."""
        return max(self.wait(now), waiting / self._rate)

    def left_of_block(self, now: float) -> float:
        """Return the seconds for which the provider asked to be left alone."""
        return max(self._blocked_until - now, 0.0)

    def slow_down(self, now: float, retry_after: timedelta | None) -> None:
        """Take in a 429: nothing more leaves here until the others know of it."""
        self._metrics.rate_limited.labels(self._provider).inc()
        wait = retry_after or timedelta()
        until = now + wait.total_seconds()
        if now - self._reported_at < _REPORTS_EVERY and until <= max(self._blocked_until, now):
            return
        self._reported_at = now
        self._report = max(wait, self._report or wait)
        self._doubt(now)
        self._blocked_until = max(self._blocked_until, until)
        self.ask(now, 1)

    async def close(self) -> None:
        """End what it asks."""
        if self._asking is not None:
            self._asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._asking

    def _hear(self, now: float) -> None:
        if self._pace.has_news():
            self._doubt(now)

    def _doubt(self, now: float) -> None:
        """Let nothing through before the shared bucket was asked."""
        self._is_known, self._is_limited = False, True
        self._tokens, self._tokens_until, self._ask_at = 0, now, now

    def _begin_to_ask(self) -> None:
        """See to it that one question is under way."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        """Ask until there is an answer. Without the others' consent nothing may go faster."""
        is_known = True
        while True:
            try:
                grant = await self._inquire()
            except Exception as error:  # noqa: BLE001 - a fault here delays calls, never ends them
                if is_known:
                    name = type(error).__name__
                    log.warning("pace_unknown", provider=self._provider, error=name)
                is_known = False
                await self._clock.sleep_until(self._clock.now() + _AGAIN_AFTER)
            else:
                self._accept(grant)
                self._changed()
                return

    async def _inquire(self) -> Grant:
        observed = self._meter.rate(self._clock.monotonic())
        report = self._report
        if report is None:
            used_up = math.ceil(observed * HOLD.total_seconds())
            return await self._pace.take(max(self._wanted, used_up))
        grant = await self._pace.slow_down(observed, report or None)
        if report is self._report:
            self._report = None
        seconds = grant.wait.total_seconds() if grant.is_blocked else 0
        log.warning("provider_slowed", provider=self._provider, rate=grant.rate, seconds=seconds)
        return grant

    def _accept(self, grant: Grant) -> None:
        now = self._clock.monotonic()
        self._is_known = True
        self._is_limited = grant.rate is not None
        self._rate = math.inf if grant.rate is None else grant.rate
        self._tokens = grant.calls if self._is_limited else 0
        self._tokens_until = now + HOLD.total_seconds()
        self._ask_at = now + grant.wait.total_seconds()
        self._blocked_until = self._ask_at if grant.is_blocked else 0.0
        self._metrics.pace.labels(self._provider).set(self._rate)
