"""Reckon what of an objective's budget is spent.

Of all greetings that somebody wants, a share is to leave within a minute of its instant. The rest
is the budget: so many may miss it in a period. A greeting that its provider refuses at the first
attempt counts neither way: no punctuality would have changed that.
"""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Objective:
    """Promise that a share of greetings leaves within some time of its instant.

    share: above 0 and below 1: an objective of everything leaves no budget to speak of.
    """

    share: float = 0.999
    within: timedelta = timedelta(seconds=60)

    def __post_init__(self) -> None:
        """Refuse a share that leaves no budget, or is one."""
        if not 0 < self.share < 1:
            raise ValueError(f"expected a share between 0 and 1, got {self.share}")

    def budget(self, kept: int, missed: int) -> "ErrorBudget":
        """Return what is spent after so many greetings that kept it, and that missed it."""
        return ErrorBudget(self, kept, missed)


OBJECTIVE = Objective()
"""99.9 % within a minute."""


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """Hold what became of a period's greetings so far, held against an objective."""

    objective: Objective
    kept: int
    missed: int

    @property
    def counted(self) -> int:
        """Return how many greetings count."""
        return self.kept + self.missed

    @property
    def allowed(self) -> float:
        """Return how many of them may miss the objective."""
        return self.counted * (1 - self.objective.share)

    @property
    def spent(self) -> float:
        """Return which share of the budget is spent: 0 for nothing, above 1 for too much."""
        return self.missed / self.allowed if self.counted else 0.0

    @property
    def achieved(self) -> float | None:
        """Return the share that kept the objective; None while nothing counts."""
        return self.kept / self.counted if self.counted else None

    @property
    def is_overspent(self) -> bool:
        """Tell whether more missed the objective than may."""
        return self.spent > 1


def first_of_month(on: date) -> date:
    """Return where the period of a day begins: with its month, in UTC."""
    return on.replace(day=1)
