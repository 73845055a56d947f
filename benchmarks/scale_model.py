"""Live through a day second by second, at given costs and capacities: a model, no measurement.

Greetings leave in the order of their instants. So three counts tell everything: how many are due,
how many are queued, and how many are gone; what lies between two of them waits.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

LOOK_AHEAD = 90
"""Seconds before its instant at which a greeting may be queued (SchedulerConfig.look_ahead)."""
LATE_WINDOW = 86_400
"""Seconds after it from which on it is SKIPPED."""

_NOBODY = 1e-6


class Crowd(NamedTuple):
    """Hold how many greetings are due in one second; `at` counts from any midnight."""

    at: int
    greetings: float


@dataclass(frozen=True, slots=True)
class Costs:
    """Hold CPU seconds a greeting.

    queue: of PostgreSQL before the instant.   deliver: of PostgreSQL after it, to claim and to
    record.   send: of a worker.
    """

    queue: float
    deliver: float
    send: float


@dataclass(frozen=True, slots=True)
class Capacity:
    """Hold what may be spent in each second.

    database, workers: CPU seconds.   provider: greetings that it takes.
    """

    database: float = math.inf
    workers: float = math.inf
    provider: float = math.inf

    def rate(self, costs: Costs) -> float:
        """Return how many greetings a second can leave that are queued."""
        database = _quotient(self.database, costs.deliver)
        return min(database, _quotient(self.workers, costs.send), self.provider)


class Leaving(NamedTuple):
    """Hold greetings of one instant that left evenly, and how late the first and the last were."""

    greetings: float
    first: float
    last: float

    def within(self, seconds: float) -> float:
        """Return how many were at most so late."""
        if seconds >= self.last:
            return self.greetings
        if seconds < self.first:
            return 0.0
        return self.greetings * (seconds - self.first) / (self.last - self.first)


@dataclass(frozen=True, slots=True)
class Day:
    """Hold what became of a day's greetings: due = sent + skipped + waiting."""

    due: float
    sent: float
    skipped: float
    waiting: float
    leavings: Sequence[Leaving]

    def lateness(self, share: float) -> float:
        """Return within how many seconds this share of the greetings left; inf if it did not."""
        wanted = share * self.due - _NOBODY
        if wanted > self.sent:
            return math.inf
        low, high = 0.0, self.longest
        while high - low > 1e-6 * (1 + high):
            middle = (low + high) / 2
            enough = sum(each.within(middle) for each in self.leavings) >= wanted
            low, high = (low, middle) if enough else (middle, high)
        return high

    @property
    def longest(self) -> float:
        """Return how late the latest that left was."""
        return max((each.last for each in self.leavings), default=0.0)


def live(crowds: Sequence[Crowd], costs: Costs, capacity: Capacity, until: float = math.inf) -> Day:
    """Return what became of the greetings by the second `until`, or when all are gone."""
    simulation = _Simulation(sorted(crowds), costs, capacity)
    now = min(crowd.at for crowd in crowds) - LOOK_AHEAD
    while now < until and not simulation.is_over:
        simulation.step(now)
        now = simulation.next_after(now)
    return simulation.day(until)


def fewest(fits: Callable[[int], bool]) -> int:
    """Return the smallest number from 1 on that fits; whatever is larger than one fits too."""
    high = 1
    while not fits(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


@dataclass(slots=True)
class _Reach:
    """Count what is due up to a second that only grows."""

    times: Sequence[int]
    sums: Sequence[float]
    place: int = 0

    def until(self, second: float) -> float:
        while self.place < len(self.times) and self.times[self.place] <= second:
            self.place += 1
        return self.sums[self.place - 1] if self.place else 0.0

    @property
    def coming(self) -> float:
        """Return the next second that is not yet counted."""
        return self.times[self.place] if self.place < len(self.times) else math.inf


@dataclass(slots=True)
class _Simulation:
    """Count a day on: `queued` and `gone` are the numbers of the last greeting of each."""

    crowds: Sequence[Crowd]
    costs: Costs
    capacity: Capacity
    queued: float = 0.0
    gone: float = 0.0
    skipped: float = 0.0
    head: int = 0
    leavings: list[Leaving] = field(default_factory=list)
    sums: list[float] = field(init=False)
    due: _Reach = field(init=False)
    ahead: _Reach = field(init=False)
    too_late: _Reach = field(init=False)

    def __post_init__(self) -> None:
        times = [crowd.at for crowd in self.crowds]
        self.sums = list(accumulate(crowd.greetings for crowd in self.crowds))
        self.due, self.ahead, self.too_late = (_Reach(times, self.sums) for _ in range(3))

    @property
    def is_over(self) -> bool:
        return self.gone >= self.sums[-1] - _NOBODY

    def step(self, now: int) -> None:
        """Live through one second. What is due comes before what is to be queued."""
        self._skip(self.too_late.until(now - LATE_WINDOW - 1))
        ready = min(self.queued, self.due.until(now)) - self.gone
        rate = self.capacity.rate(self.costs)
        sent = min(ready, rate)
        self._leave(now, sent, rate)
        left = self.capacity.database - sent * self.costs.deliver
        to_queue = self.ahead.until(now + LOOK_AHEAD) - self.queued
        self.queued += min(to_queue, _quotient(left, self.costs.queue))

    def next_after(self, now: int) -> int:
        """Return the next second in which anything can happen."""
        is_idle = self.gone >= self.due.until(now) - _NOBODY
        is_queued = self.queued >= self.ahead.until(now + LOOK_AHEAD) - _NOBODY
        if not (is_idle and is_queued) or self.is_over:
            return now + 1
        return max(now + 1, int(min(self.due.coming, self.ahead.coming - LOOK_AHEAD)))

    def day(self, until: float) -> Day:
        due = self.due.until(until)
        sent = sum(each.greetings for each in self.leavings)
        return Day(due, sent, self.skipped, due - self.gone, self.leavings)

    def _skip(self, until: float) -> None:
        if until > self.gone:
            self.skipped += until - self.gone
            self.gone = until
            self.queued = max(self.queued, until)

    def _leave(self, now: int, sent: float, rate: float) -> None:
        left, begun = sent, 0.0
        while left > _NOBODY:
            while self.sums[self.head] <= self.gone + _NOBODY:
                self.head += 1
            some = min(left, self.sums[self.head] - self.gone)
            late = now - self.crowds[self.head].at
            first, last = late + begun / rate, late + (begun + some) / rate
            self.leavings.append(Leaving(some, first, last))
            self.gone += some
            begun += some
            left -= some


def _quotient(budget: float, cost: float) -> float:
    return budget / cost if cost else math.inf
