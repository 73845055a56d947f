"""Say what became of the greetings of a day: by quarter hour, zone and type, and how late.

A day is one in UTC. It is counted by the quarter hours of the instants for which greetings were
scheduled: no zone has its nine o'clock at another minute.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TypeVar

from heyday.domain.timezone import Window

K = TypeVar("K")

SLOT = timedelta(minutes=15)
ONE_DAY = timedelta(days=1)

_SHORTEST, _STEPS_A_DOUBLING, _STEPS = 0.01, 2, 48
LATENESS_BOUNDS: Sequence[float] = tuple(
    round(_SHORTEST * 2 ** (step / _STEPS_A_DOUBLING), 6) for step in range(_STEPS)
)
"""Seconds between the buckets that lateness is counted in: 0.01 s to a day, 41 % apart."""


class Fate(StrEnum):
    """Name what has become of a greeting, as a day's figures tell it apart.

    SENT: within the objective; LATE: sent after it.   REFUSED: failed at the first attempt, which
    no punctuality would have changed; FAILED: after others.   TOO_LATE: skipped, as the late window
    had passed; SKIPPED: for another reason.   WAITING: queued, being sent, or to be tried again.
    """

    PLANNED = "planned"
    WAITING = "waiting"
    SENT = "sent"
    LATE = "late"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    TOO_LATE = "too_late"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


LIVE = frozenset({Fate.PLANNED, Fate.WAITING})
"""Not yet at an end."""

OPEN = LIVE | {Fate.UNKNOWN}
"""May still become something else."""

MISSED = frozenset({Fate.LATE, Fate.FAILED, Fate.UNKNOWN, Fate.TOO_LATE})
"""Wanted, due, and not surely there in time."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Count the greetings of one quarter hour, zone and type that have one fate."""

    slot_at: datetime
    timezone: str
    message_type: str
    fate: Fate
    greetings: int


@dataclass(frozen=True)
class DayFigures:
    """Hold a day: its tallies, and how many greetings were sent with a lateness in each bucket.

    lateness: bucket n lies before the nth of LATENESS_BOUNDS, the last one behind all.
    """

    on: date
    tallies: Sequence[Tally]
    lateness: Mapping[int, int]

    @cached_property
    def totals(self) -> Counter[Fate]:
        """Return how many greetings have each fate."""
        return _count((tally.fate, tally.greetings) for tally in self.tallies)

    @cached_property
    def due(self) -> int:
        """Return how many greetings the day has that somebody wants."""
        return sum(self.totals.values()) - self.totals[Fate.CANCELLED]

    @cached_property
    def by_type(self) -> Mapping[str, int]:
        """Return how many greetings of each type somebody wants."""
        wanted = (t for t in self.tallies if t.fate is not Fate.CANCELLED)
        return _count((tally.message_type, tally.greetings) for tally in wanted)

    @cached_property
    def by_zone(self) -> Mapping[str, Counter[Fate]]:
        """Return how many greetings have each fate, for each zone that has any."""
        found: dict[str, Counter[Fate]] = {}
        for tally in self.tallies:
            found.setdefault(tally.timezone, Counter())[tally.fate] += tally.greetings
        return found

    def by_time(self, step: timedelta) -> list[tuple[datetime, Counter[Fate]]]:
        """Return how many greetings have each fate, for each `step` of the day in turn."""
        start_at = day_window(self.on).start_at
        rows = [(start_at + step * n, Counter[Fate]()) for n in range(ONE_DAY // step)]
        for tally in self.tallies:
            rows[(tally.slot_at - start_at) // step][1][tally.fate] += tally.greetings
        return rows

    def lateness_at(self, share: float) -> float | None:
        """Return the seconds within which this share of what was sent had left; None for nothing.

        Between two bounds it goes by a straight line.
        """
        return find_quantile(self.lateness, share)

    @property
    def kept(self) -> int:
        """Return how many greetings were sent within the objective."""
        return self.totals[Fate.SENT]

    @property
    def missed(self) -> int:
        """Return how many greetings were wanted and due, and not surely sent within it."""
        return sum(self.totals[fate] for fate in MISSED)

    @property
    def open(self) -> int:
        """Return how many greetings may still become something else."""
        return sum(self.totals[fate] for fate in OPEN)


def day_window(on: date) -> Window:
    """Return the instants of a day in UTC."""
    start_at = datetime.combine(on, time(), UTC)
    return Window(start_at, start_at + ONE_DAY)


def slot_of(at: datetime) -> datetime:
    """Return the beginning of the quarter hour in which an instant lies."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (at - midnight) // SLOT * SLOT


def find_quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the lateness in seconds that `share` of what was counted in buckets does not exceed.

    None where nothing was counted.
    """
    wanted = share * sum(counts.values())
    passed = 0
    for bucket in sorted(counts):
        count = counts[bucket]
        if count and passed + count >= wanted:
            low = LATENESS_BOUNDS[bucket - 1] if bucket else 0.0
            high = LATENESS_BOUNDS[min(bucket, len(LATENESS_BOUNDS) - 1)]
            return low + (high - low) * max(wanted - passed, 0) / count
        passed += count
    return None


def _count(pairs: Iterable[tuple[K, int]]) -> Counter[K]:
    counts: Counter[K] = Counter()
    for key, count in pairs:
        counts[key] += count
    return counts
