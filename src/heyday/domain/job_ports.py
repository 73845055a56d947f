"""Name what the journal of scheduler runs needs from the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from heyday.domain.models import JobRun
from heyday.domain.timezone import Window


class JobRunStore(Protocol):
    """Remember scheduler runs. Their windows are the watermark for catching up."""

    async def start(
        self,
        name: str,
        now: datetime,
        window: Window | None,
        *,
        is_manual: bool,
        traceparent: str | None = None,
    ) -> int:
        """Record that a run began; return its number. traceparent: by which it is followed."""
        ...

    async def finish(
        self, run_id: int, now: datetime, counts: Mapping[str, int], error: str | None
    ) -> None:
        """Record how a run ended."""
        ...

    async def find_watermark(self, name: str) -> datetime | None:
        """Return how far the finished runs of this name that nobody started by hand reach."""
        ...

    async def find_traceparent(self, name: str, at: datetime) -> str | None:
        """Return by what the run is followed whose window was the first to reach an instant."""
        ...

    async def list_latest(self) -> list[JobRun]:
        """Return the latest run of each name that nobody started by hand."""
        ...

    async def count_failures(self, names: Sequence[str], most: int) -> Mapping[str, int]:
        """Return how many runs of each name have failed in a row; up to `most` are counted."""
        ...

    async def list_page(
        self, name: str | None, *, is_failed: bool | None, before: int | None, limit: int
    ) -> list[JobRun]:
        """Return up to `limit` runs, the latest first, that began before the one of a number."""
        ...

    async def forget(self, before: datetime) -> int:
        """Drop runs that began before an instant and hold no watermark; return how many."""
        ...
