"""Say how often a caller may ask, and name what counts that.

Source: docs/adr/0022-redis.md (the generic cell rate algorithm).
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from heyday.domain.errors import ConfigurationError

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Allow so many requests in each period; all at once, if they come so.

    What is kept of a caller is one number: `clear_at`, the instant from which all are free again.
    Instants and durations are whole microseconds, on whichever clock the caller is counted.
    """

    requests: int
    period: timedelta = timedelta(minutes=1)

    def __post_init__(self) -> None:
        """Refuse a limit that would let nobody, or everybody, through."""
        if self.requests < 1 or self.cost < 1:
            raise ConfigurationError(f"rate limit: got {self.requests} in {self.period}")

    @property
    def cost(self) -> int:
        """Return by how much a request moves `clear_at`."""
        return self.period // _MICROSECOND // self.requests

    @property
    def furthest(self) -> int:
        """Return how far ahead `clear_at` may be."""
        return self.cost * self.requests

    def take(self, clear_at: int, now: int) -> tuple[int, int]:
        """Return the new `clear_at` of a caller, and for how long it has to wait.

        0: it need not; else nothing was taken. A `clear_at` in the past, or further ahead than
        any request could have moved it, counts for nothing.
        """
        if not now <= clear_at <= now + self.furthest:
            clear_at = now
        wait = clear_at + self.cost - now - self.furthest
        return (clear_at, wait) if wait > 0 else (clear_at + self.cost, 0)


class Counted(StrEnum):
    """Say where callers are counted."""

    NOWHERE = "none"
    OWN = "own"
    """In each process by itself."""
    SHARED = "shared"


class Whose(StrEnum):
    """Say what a caller is counted by: each has a limit of its own, or none."""

    ADDRESS = "address"
    KEY = "key"
    WRONG_KEY = "wrong_key"
    """An address from which keys came that were none."""


class RateLimits(Protocol):
    """Count the requests of each caller."""

    @property
    def counted(self) -> Counted:
        """Return where the last request was counted."""
        ...

    async def take(self, whose: Whose, caller: str) -> timedelta:
        """Count a request; return for how long the caller has to wait, nothing if it need not.

        What has no limit is not counted, and neither is a request that has to wait. Raises
        nothing, and is quick.
        """
        ...

    async def close(self) -> None:
        """Give back what is held."""
        ...
