"""Name what whoever watches how Heyday stands needs from the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

MOST_READ: Final = 10_000
"""Rows of a kind are counted up to here: more of them call for the same deed."""


class Stage(StrEnum):
    """Say where a greeting is that is due and not sent.

    PLANNED: nobody has queued it.   RETRYING: it was tried, and waits for the next time.
    LEAVING: it is queued, or with a worker.
    """

    PLANNED = "planned"
    RETRYING = "retrying"
    LEAVING = "leaving"


@dataclass(frozen=True, slots=True)
class Backlog:
    """Count greetings that are due and not sent.

    greetings: up to MOST_READ.   oldest_at: since when the oldest could have been sent; None if
    there is none.
    """

    greetings: int = 0
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Tell how Heyday stands, whichever processes run.

    backlog: one for each stage.   planned_until: the end of what is planned; None: nothing ever
    was.   tzdb_versions: by which the next MOST_READ were planned, with how many.   months_ahead:
    how many of the coming months have their partitions.   unknown: greetings that
    wait for a decision, up to MOST_READ.   succeeded_at: when the latest run of each job began
    that ended without an error; jobs that never did are left out.
    """

    backlog: Mapping[Stage, Backlog]
    planned_until: datetime | None
    tzdb_versions: Mapping[str, int]
    months_ahead: int
    unknown: int
    succeeded_at: Mapping[str, datetime]


class StandingStore(Protocol):
    """Look at the database as a whole, at a cost that does not grow with it."""

    async def read(self, now: datetime) -> Standing:
        """Return how Heyday stands. Raises DatabaseError."""
        ...
