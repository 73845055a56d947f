"""Let the model answer: what one machine does, what holds a minute, what a limit costs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.scale_costs import RATE, Figure, costs_of, value, ways
from benchmarks.scale_days import Kind, crowds, kinds
from benchmarks.scale_model import Capacity, Costs, Crowd, Day, fewest, live

PEOPLE = (1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
HOLD = 60.0
"""Seconds within which 99 of 100 greetings are to leave."""
CORE_SHARE = 0.7
"""How much of a core a plan may spend: the rest is for what else goes on, and for bad luck."""
LIMITS = (100, 1_000, 10_000, 100_000)
"""Greetings a second that a provider may take."""
ORDINARY, LISTS = 0, 2
"""Which of kinds() answers are given for."""

_NOTHING = Costs(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Due:
    """Hold what falls due on one date. fullest: at the second `at` of its UTC day."""

    kind: str
    share: float
    basis: str
    people: int
    greetings: float
    fullest: float
    at: int


@dataclass(frozen=True, slots=True)
class Late:
    """Hold how late a day's greetings were, in seconds, and which share was SKIPPED.

    p99: None where so many did not leave at all.
    """

    kind: str
    people: int
    rate: float
    p50: float | None
    p99: float | None
    longest: float
    skipped: float


@dataclass(frozen=True, slots=True)
class Holding:
    """Hold the fewest cores that hold p99 within HOLD, and the rate at which greetings leave."""

    way: str
    kind: str
    people: int
    workers: int
    database: int
    rate: float
    p99: float


def due() -> Iterator[Due]:
    """Yield what falls due, for each number of people and kind of day."""
    for people in PEOPLE:
        for kind in kinds():
            day = crowds(people, kind.share)
            fullest = max(day, key=lambda crowd: crowd.greetings)
            total = sum(crowd.greetings for crowd in day)
            yield Due(*kind_of(kind), people, total, fullest.greetings, fullest.at)


def kind_of(kind: Kind) -> tuple[str, float, str]:
    """Return the fields of a kind of day."""
    return kind.name, kind.share, kind.basis


def one_machine(figures: Sequence[Figure]) -> Iterator[tuple[str, Late]]:
    """Yield how late greetings are where the measured rate is all there is, by the way to send."""
    for way in ways(figures):
        rate = value(figures, RATE, way)
        for kind, people, day in _days():
            lived = live(day, _NOTHING, Capacity(provider=rate))
            yield way, late(kind, people, rate, lived)


def limited() -> Iterator[Late]:
    """Yield how late greetings are if nothing but the provider's limit holds them up."""
    for kind, people, day in _days():
        for limit in LIMITS:
            yield late(kind, people, limit, live(day, _NOTHING, Capacity(provider=limit)))


def holding(figures: Sequence[Figure], share_before: float) -> Iterator[Holding]:
    """Yield the fewest cores that hold p99 within HOLD, for each way to send that was measured."""
    for way in ways(figures):
        costs = costs_of(figures, way, share_before)
        for kind, people, day in _days():
            workers, database = fewest_cores(day, costs)
            capacity = cores(workers, database)
            p99 = live(day, costs, capacity).lateness(0.99)
            rate = capacity.rate(costs)
            yield Holding(way, kind, people, workers, database, rate, p99)


def fewest_cores(day: Sequence[Crowd], costs: Costs) -> tuple[int, int]:
    """Return how many cores workers and PostgreSQL need to hold p99 within HOLD."""

    def holds(capacity: Capacity) -> bool:
        return live(day, costs, capacity).lateness(0.99) <= HOLD

    workers = fewest(lambda n: holds(cores(n)))
    return workers, fewest(lambda n: holds(cores(workers, n)))


def cores(workers: int, database: float = math.inf) -> Capacity:
    """Return what may be spent of so many cores in a second."""
    return Capacity(database=database * CORE_SHARE, workers=workers * CORE_SHARE)


def late(kind: str, people: int, rate: float, day: Day) -> Late:
    """Return a day's lateness."""
    p50, p99 = (_or_none(day.lateness(share)) for share in (0.5, 0.99))
    return Late(kind, people, rate, p50, p99, day.longest, day.skipped / day.due)


def _days() -> Iterator[tuple[str, int, list[Crowd]]]:
    for place in (ORDINARY, LISTS):
        kind = kinds()[place]
        for people in PEOPLE:
            yield kind.name, people, crowds(people, kind.share)


def _or_none(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None
