"""Bound how many greetings a provider gets in a day: a cap, and less while a sender is new.

Source: docs/adr/0043-bursts.md.
"""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from heyday.domain.errors import ConfigurationError

LARGEST_CAP = 1_000_000_000
# Of what is left of a day, a worker takes no more than this part ahead of need: near the end it
# takes what it needs, and holds nothing that another may want.
_SHARE_AHEAD = 16


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Let a new sender begin with few greetings a day, and grow.

    first: on `starts_on` and before.   times, plus: how each further day has more than the one
    before it.
    """

    starts_on: date
    first: int
    times: float = 1.0
    plus: int = 0

    def __post_init__(self) -> None:
        """Refuse a plan that begins with nothing, or shrinks."""
        if not 1 <= self.first <= LARGEST_CAP or self.times < 1 or self.plus < 0:
            raise ConfigurationError(
                f"warm-up: got {self.first} on the first day, then x{self.times:g} "
                f"+{self.plus}; expected 1 to {LARGEST_CAP:,}, and no fewer on any later day"
            )

    def on(self, day: date) -> int:
        """Return how many greetings a day may have."""
        days = max((day - self.starts_on).days, 0)
        grown = self.first + self.plus * days
        if self.times > 1:
            # So far the power is still a float, and more than any cap.
            largest = math.log(LARGEST_CAP) / math.log(self.times)
            grown = math.floor(self.first * self.times ** min(days, largest))
        return min(grown, LARGEST_CAP)


@dataclass(frozen=True, slots=True)
class DayCap:
    """Say how many greetings all workers together may send in a day of UTC.

    limit: on any day; None: as many as the warm-up has by then.   At least one of the two is set.
    """

    limit: int | None = None
    warm_up: WarmUp | None = None

    def __post_init__(self) -> None:
        """Refuse a cap that caps nothing, or lets nothing through."""
        if self.limit is None and self.warm_up is None:
            raise ConfigurationError("day cap: got neither a limit nor a warm-up; expected one")
        if self.limit is not None and not 1 <= self.limit <= LARGEST_CAP:
            raise ConfigurationError(
                f"day cap: got {self.limit}; expected 1 to {LARGEST_CAP:,} greetings a day"
            )

    def on(self, day: date) -> int:
        """Return how many greetings a day may have."""
        limit = LARGEST_CAP if self.limit is None else self.limit
        return min(limit, self.warm_up.on(day)) if self.warm_up else limit

    def draw(self, drawn: int, waiting: int, likely: int, day: date) -> int:
        """Return how many of a day's greetings a worker is given, of which so many were drawn.

        waiting: that would leave now.   likely: that would soon, at its present pace.
        """
        left = max(self.on(day) - max(drawn, 0), 0)
        return min(left, max(waiting, min(likely, left // _SHARE_AHEAD)))


@dataclass(frozen=True, slots=True)
class Draw:
    """Answer one request for a part of a day.

    granted: how many greetings may leave.   left: for all workers, after it.   cap: of that day.
    """

    granted: int
    left: int
    cap: int


@dataclass(frozen=True, slots=True)
class DayUse:
    """Tell how much of a day's cap is used, with what workers hold at the moment."""

    provider: str
    day: date
    cap: int
    used: int

    @property
    def opens_at(self) -> datetime | None:
        """Return when greetings may leave again, if nothing is left of the day."""
        return opens_after(self.day) if self.used >= self.cap else None


def opens_after(day: date) -> datetime:
    """Return when the next day begins."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)
