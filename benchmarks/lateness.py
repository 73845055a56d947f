"""Tell of lateness: from the scheduled instant to when the provider had the request."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


def share(ordered: Sequence[float], part: float) -> float:
    """Return the value within which such a part of them lies. ordered: ascending, not empty."""
    return ordered[max(math.ceil(part * len(ordered)), 1) - 1]


@dataclass(frozen=True, slots=True)
class Lateness:
    """Hold how late greetings were, in ms.

    curve: within how many ms each percent of them was greeted, from the first to the last.
    """

    first: float
    p50: float
    p99: float
    last: float
    early: int
    curve: tuple[float, ...]

    @classmethod
    def of(cls, late: Sequence[float]) -> "Lateness":
        """Return that of greetings that were late by so many seconds each, at least one."""
        ms = sorted(seconds * 1000 for seconds in late)
        return cls(
            first=round(ms[0], 1),
            p50=round(share(ms, 0.5), 1),
            p99=round(share(ms, 0.99), 1),
            last=round(ms[-1], 1),
            early=sum(value < 0 for value in ms),
            curve=tuple(round(share(ms, percent / 100), 1) for percent in range(101)),
        )
