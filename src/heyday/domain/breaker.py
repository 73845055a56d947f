"""Leave a provider alone that fails again and again, and find out when it is back.

Source: docs/adr/0019-breaker-and-pace.md.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from heyday.domain.errors import ConfigurationError


class BreakerState(StrEnum):
    """Say whether calls are made."""

    CLOSED = "closed"
    """Calls are made."""
    HALF_OPEN = "half_open"
    """One call at a time, which tells whether the provider is back."""
    OPEN = "open"
    """No calls for a while."""


@dataclass(frozen=True, slots=True)
class BreakerConfig:
    """Set when a breaker opens, and for how long.

    failures: failed attempts in a row that open it.   first_pause: how long it stays open at first;
    doubled by each probe that fails, up to longest_pause.   lost_after: when a call of which
    nothing was heard no longer counts as under way; more than any call may take.
    """

    failures: int = 20
    first_pause: timedelta = timedelta(seconds=5)
    longest_pause: timedelta = timedelta(seconds=60)
    lost_after: timedelta = timedelta(seconds=60)

    def __post_init__(self) -> None:
        """Refuse what would never open, or never close."""
        if self.failures < 1:
            raise ConfigurationError(f"breaker: got {self.failures} failures; expected 1 or more")
        if not timedelta() < self.first_pause <= self.longest_pause:
            raise ConfigurationError(
                f"breaker pauses: got {self.first_pause} to {self.longest_pause}; "
                "expected more than nothing, and the longest no shorter than the first"
            )


class Breaker:
    """Count failed attempts in a row, and decide how many more may be made.

    An attempt is one greeting; a call may carry many, which end together. It reads no clock: `now`
    is in seconds of Clock.monotonic. Each call that was admitted is noted once, whatever came of
    it.
    """

    def __init__(self, config: BreakerConfig) -> None:
        self._config = config
        self._state = BreakerState.CLOSED
        self._is_proven = False
        self._failures = 0
        self._under_way = 0
        self._admitted_at = 0.0
        self._pause = config.first_pause
        self._open_until = 0.0

    @property
    def state(self) -> BreakerState:
        """Return the state; OPEN becomes HALF_OPEN when a probe is admitted."""
        return self._state

    @property
    def pause(self) -> timedelta:
        """Return how long it stays open, or would."""
        return self._pause

    def wait(self, now: float) -> float:
        """Return the seconds until a call may be made: 0 if it may now.

        Where an answer is waited for, it may be sooner: ask again whenever one was noted.
        """
        pause = self._left_of_pause(now)
        return pause if self._room() else max(pause, self._left_of_calls(now))

    def hangs_on_answer(self, now: float) -> bool:
        """Tell whether no call may be made just because one under way will show more."""
        return self._left_of_pause(now) <= 0 and self.wait(now) > 0

    def admit(self, now: float, wanted: int = 1) -> int:
        """Return how many of `wanted` attempts one call may make now; count them as under way."""
        admitted = int(min(self.room(now), wanted))
        if not admitted:
            return 0
        if not self._room():
            self._under_way = 0
        if self._state is not BreakerState.CLOSED:
            self._state = BreakerState.HALF_OPEN
        self._under_way += admitted
        self._admitted_at = now
        return admitted

    def room(self, now: float) -> float:
        """Return how many attempts one call might make now; infinity if any number."""
        # Without room, and nothing to wait for: what was under way is given up.
        return 0 if self.wait(now) > 0 else self._room() or 1

    def note(self, now: float, *, is_failure: bool | None, attempts: int = 1) -> None:
        """Take in how a call ended. is_failure: None where that says nothing of the provider."""
        self._under_way = max(self._under_way - attempts, 0)
        if is_failure is None:
            return
        if not is_failure:
            self._close()
        elif self._state is BreakerState.CLOSED:
            self._failures += attempts
            if self._failures >= self._config.failures:
                self._open(now)
        elif self._state is BreakerState.HALF_OPEN:
            self._pause = min(self._pause * 2, self._config.longest_pause)
            self._open(now)
        # While it is open, calls end that began before: they say nothing new.

    def _room(self) -> float:
        """Return how many attempts more under way are not too many; one where a probe is due.

        As long as all may fail, no more are under way than it takes to open: a wrong API key
        must not cost as many greetings as calls are made at once, nor as a call may carry.
        """
        if self._state is not BreakerState.CLOSED:
            return 0 if self._under_way else 1
        if self._is_proven and self._failures == 0:
            return math.inf
        return max(self._config.failures - self._failures - self._under_way, 0)

    def _left_of_pause(self, now: float) -> float:
        is_closed = self._state is BreakerState.CLOSED
        return 0.0 if is_closed else max(self._open_until - now, 0.0)

    def _left_of_calls(self, now: float) -> float:
        """Return the seconds until calls of which nothing is heard are given up."""
        return max(self._admitted_at + self._config.lost_after.total_seconds() - now, 0.0)

    def _close(self) -> None:
        self._state = BreakerState.CLOSED
        self._is_proven = True
        self._failures = 0
        self._pause = self._config.first_pause

    def _open(self, now: float) -> None:
        self._state = BreakerState.OPEN
        self._open_until = now + self._pause.total_seconds()
