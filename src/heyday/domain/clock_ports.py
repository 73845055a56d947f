"""Name what whoever watches over the clocks needs from the outside world."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from heyday.domain.ports import Clock


class SteadyTime(Clock, Protocol):
    """Tell a time that follows no jump of the wall clock, and how far that has jumped."""

    @property
    def jump(self) -> timedelta:
        """Return how far the wall clock is ahead of the one that no jump moves."""
        ...

    def adopt_wall(self) -> None:
        """Take the wall clock for right from now on."""
        ...


@dataclass(frozen=True, slots=True)
class DatabaseTime:
    """Hold one reading of the database's clock, between two of our own.

    is_elsewhere: the database runs on another machine, as far as addresses can tell.
    """

    at: datetime
    asked_at: datetime
    answered_at: datetime
    is_elsewhere: bool

    @property
    def doubt(self) -> timedelta:
        """Return by how much the skew may be wrong: half of the round trip."""
        return (self.answered_at - self.asked_at) / 2

    @property
    def skew(self) -> timedelta:
        """Return how far the database's clock is ahead of ours."""
        return self.at - (self.asked_at + self.doubt)


class DatabaseClock(Protocol):
    """Read the database's clock."""

    async def read(self) -> DatabaseTime:
        """Ask once. Raises DatabaseUnavailable, DatabaseError."""
        ...
