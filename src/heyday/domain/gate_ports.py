"""Name what stands before a provider, and what all workers share of it."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Protocol

from heyday.domain.day_cap import DayUse, Draw
from heyday.domain.delivery import Outcome
from heyday.domain.pace import Grant


class Gate(Protocol):
    """Stand before a provider, and let calls through."""

    async def wait_until_open(self) -> None:
        """Return when a call may be made, or nobody is to wait any longer."""
        ...

    async def admit(self, patience: timedelta, wanted: int = 1) -> int | Outcome:
        """Return how many of `wanted` greetings are to be sent now, by one call: one at least.

        Else the outcome of a call that is not made.
        """
        ...

    def room(self) -> float:
        """Return how many greetings might be sent now: infinity while the provider is well."""
        ...

    def note(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Take in what came of a call, by greeting; return it, marked if it was a probe."""
        ...

    def stop(self) -> None:
        """Let nobody wait any longer."""
        ...


class SharedPace(Protocol):
    """Share with all workers the pace at which one provider may be called.

    Both raise DatabaseError where the others cannot be asked.
    """

    def has_news(self) -> bool:
        """Tell whether another worker may have slowed down since the last `take`."""
        ...

    async def take(self, wanted: int) -> Grant:
        """Take up to so many tokens."""
        ...

    async def slow_down(self, observed: float, retry_after: timedelta | None) -> Grant:
        """Report a 429, got at so many calls a second; the answer grants no calls."""
        ...


class SharedDays(Protocol):
    """Share with all workers how many greetings one provider may get in a day.

    All raise DatabaseError where the others cannot be asked.
    """

    async def draw(self, day: date, waiting: int, likely: int) -> Draw:
        """Take a part of a day: what waits, and a little ahead of what is likely to come soon."""
        ...

    async def give_back(self, day: date, count: int) -> None:
        """Return what was drawn and is not used."""
        ...

    async def find_use(self, day: date) -> DayUse:
        """Return how much of a day is used."""
        ...
