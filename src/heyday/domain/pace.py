"""Keep the pace at which a provider is called: tokens by the second, fewer after a 429.

Source: docs/adr/0019-breaker-and-pace.md.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from heyday.domain.errors import ConfigurationError

_LARGEST_RATE = 1_000_000.0
# A token that is short by less than this is whole: time comes in microseconds.
_ROUNDING = 1e-6
_MOST = 0.8
# With fewer tokens in a slice, what came within the rest of it would not fit into the bucket.
_SEVERAL = 5
_LONGEST_WAIT_SECONDS = 3600.0
# 2**64 times the slowest rate is more than any limit, and still a float.
_LARGEST_EXPONENT = 64.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Hold the state of a provider's bucket; all workers share it.

    rate: calls a second; None: no limit.   tokens: calls that could be made at once, as of
    refilled_at.   slowed_at: when the rate was last halved.   blocked_until: no calls before.
    """

    rate: float | None
    tokens: float
    refilled_at: datetime
    slowed_at: datetime | None = None
    blocked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """Answer one request for tokens.

    calls: how many may be made now.   wait: when it is worth asking for more.   rate: None: no
    limit, so nobody need ask.   is_blocked: whether the provider asked to be left alone that long.
    """

    calls: int
    wait: timedelta
    rate: float | None
    is_blocked: bool = False


@dataclass(frozen=True, slots=True)
class PacePolicy:
    """Refill, slow down and speed up.

    limit: the most calls a second; None: none, until a 429.   slice: for how much time tokens are
    handed out, and saved up, at once.   doubles_in: how fast the rate grows back.
    longest_block: the longest Retry-After that stops everybody.   slows_every: at most one
    halving in this time.   slowest: no halving goes below, in calls a second.
    unlimited_from: where no limit is set, a rate that has grown to this is dropped.
    """

    limit: float | None = None
    slice: timedelta = timedelta(milliseconds=250)
    doubles_in: timedelta = timedelta(seconds=10)
    longest_block: timedelta = timedelta(seconds=60)
    slows_every: timedelta = timedelta(seconds=10)
    slowest: float = 1.0
    unlimited_from: float = 10_000.0

    def __post_init__(self) -> None:
        """Refuse a limit that would let nothing through."""
        if self.limit is not None and not 0 < self.limit <= _LARGEST_RATE:
            raise ConfigurationError(
                f"rate limit: got {self.limit} calls a second; expected more than 0, and at most "
                f"{_LARGEST_RATE:g}"
            )

    def start(self, now: datetime) -> Pace:
        """Return the state of a provider that was not called yet."""
        rate = self.limit
        return Pace(rate, 0.0 if rate is None else self._capacity(rate), now)

    def take(self, pace: Pace, wanted: int, now: datetime) -> tuple[Pace, Grant]:
        """Take up to `wanted` tokens, and no more than a slice."""
        pace = self._refill(pace, now)
        if pace.rate is None:
            return pace, Grant(max(wanted, 0), timedelta(), None)
        if (blocked := _left_of_block(pace, now)) > timedelta():
            return pace, Grant(0, blocked, pace.rate, is_blocked=True)
        wanted = min(max(wanted, 1), math.floor(self._capacity(pace.rate)))
        calls = min(wanted, math.floor(pace.tokens + _ROUNDING))
        left = pace.tokens - calls
        wait = self._wait(left, pace.rate) if calls < wanted else timedelta()
        return replace(pace, tokens=left), Grant(calls, wait, pace.rate)

    def slow_down(
        self, pace: Pace, observed: float, retry_after: timedelta | None, now: datetime
    ) -> tuple[Pace, Grant]:
        """Halve the rate after a 429, and stop everybody for as long as it asked.

        observed: calls a second of whoever got it, halved where there was no limit yet.
        """
        pace = self._slowed(self._refill(pace, now), observed, retry_after, now)
        blocked = _left_of_block(pace, now)
        if pace.rate is None or blocked > timedelta():
            return pace, Grant(0, blocked, pace.rate, is_blocked=True)
        return pace, Grant(0, self._wait(pace.tokens, pace.rate), pace.rate)

    def _slowed(
        self, pace: Pace, observed: float, retry_after: timedelta | None, now: datetime
    ) -> Pace:
        if retry_after is not None:
            until = now + min(max(retry_after, timedelta()), self.longest_block)
            pace = replace(pace, blocked_until=max(until, pace.blocked_until or until))
        if pace.slowed_at is not None and timedelta() <= now - pace.slowed_at < self.slows_every:
            return pace
        rate = observed if pace.rate is None else pace.rate
        return replace(pace, rate=self._bounded(rate / 2), tokens=0.0, slowed_at=now)

    def _refill(self, pace: Pace, now: datetime) -> Pace:
        """Let time pass: tokens by the rate as it was, then a greater rate."""
        blocked_until = pace.blocked_until
        if blocked_until is not None:
            blocked_until = min(blocked_until, now + self.longest_block)
        rate = self.limit if pace.rate is None else pace.rate
        if rate is None:
            return replace(pace, tokens=0.0, refilled_at=now, blocked_until=blocked_until)
        rate = self._bounded(rate)
        # A clock behind by so much was set back: waiting for it would stop everybody.
        refilled_at = min(pace.refilled_at, now + self.longest_block)
        began_at = max(refilled_at, blocked_until or refilled_at)
        passed = max((now - began_at).total_seconds(), 0.0)
        doublings = min(passed / self.doubles_in.total_seconds(), _LARGEST_EXPONENT)
        grown = self._bounded(rate * 2**doublings)
        if self.limit is None and grown >= self.unlimited_from:
            return replace(pace, rate=None, tokens=0.0, refilled_at=now, blocked_until=None)
        tokens = max(min(self._capacity(grown), pace.tokens + rate * passed), -_ROUNDING)
        return replace(
            pace,
            rate=grown,
            tokens=tokens,
            refilled_at=max(refilled_at, now),
            blocked_until=blocked_until,
        )

    def _wait(self, tokens: float, rate: float) -> timedelta:
        """Return when it is worth asking again: a token is there, and most of a slice has passed.

        Sooner would be a statement for every few calls; later, and the bucket would run over, as
        one that holds few tokens would within a slice.
        """
        seconds = min(max(1 - tokens, 0.0) / rate, _LONGEST_WAIT_SECONDS)
        least = self.slice * _MOST if self._capacity(rate) >= _SEVERAL else timedelta()
        return max(timedelta(seconds=seconds) + timedelta.resolution, least)

    def _bounded(self, rate: float) -> float:
        """Return the rate within its bounds; what is no number is the largest."""
        most = _LARGEST_RATE if self.limit is None else self.limit
        return max(min(most, rate), min(self.slowest, most))

    def _capacity(self, rate: float) -> float:
        """Return how many tokens are saved up at the most: a slice, and at least one."""
        return max(rate * self.slice.total_seconds(), 1.0)


def _left_of_block(pace: Pace, now: datetime) -> timedelta:
    return max((pace.blocked_until or now) - now, timedelta())


class Meter:
    """Measure the calls of this process: how many were made in a second of late.

    A call that carries many greetings is as many calls.
    """

    def __init__(self) -> None:
        self._second = 0
        self._count = 0
        self._before = 0

    def count(self, now: float, calls: int = 1) -> None:
        """Note calls. now: seconds of Clock.monotonic."""
        self._turn(now)
        self._count += calls

    def rate(self, now: float) -> float:
        """Return the calls of the present second, or of the one before if those were more."""
        self._turn(now)
        return float(max(self._count, self._before))

    def _turn(self, now: float) -> None:
        second = math.floor(now)
        if second == self._second:
            return
        self._before = self._count if second == self._second + 1 else 0
        self._second, self._count = second, 0
