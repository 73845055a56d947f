"""Say what a benchmark of the suite is: what it measures, what it shows, what is aimed at."""

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any, Generic, TypeVar

import msgspec

from benchmarks.pages import spread

T = TypeVar("T")
# Characters in a line of the page.
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Row(Generic[T]):
    """Show one figure of each run.

    form: how it is written.   at_least, at_most: what its median is to be; None: nothing is aimed
    at.
    """

    name: str
    of: Callable[[T], float]
    form: str = "{:,.0f}"
    at_least: float | None = None
    at_most: float | None = None

    def cells(self, runs: Sequence[T]) -> str:
        """Return the row of a table: name, median and range, aim, whether it is met."""
        shown = spread([self.of(run) for run in runs], self.form)
        met = ("yes" if self.is_met(runs) else "no") if self.has_aim else ""
        return f"| {self.name} | {shown} | {self._aim()} | {met} |"

    def is_met(self, runs: Sequence[T]) -> bool:
        """Tell whether the median is what is aimed at."""
        middle = statistics.median(self.of(run) for run in runs)
        is_enough = self.at_least is None or middle >= self.at_least
        return is_enough and (self.at_most is None or middle <= self.at_most)

    @property
    def has_aim(self) -> bool:
        """Tell whether anything is aimed at."""
        return self.at_least is not None or self.at_most is not None

    def _aim(self) -> str:
        if self.at_least is not None:
            return f"≥ {self.form.format(self.at_least)}"
        return f"≤ {self.form.format(self.at_most)}" if self.at_most is not None else ""


@dataclass(frozen=True, slots=True)
class Benchmark(Generic[T]):
    """Describe one benchmark.

    figures: of which class those of one run are.   measure: does one run, and returns its figures,
    or those of its parts where it has some; its first argument is the share of the whole work that
    is to be done, 1 but for trials.   notes: what is to be known of the figures, in Markdown.
    counted: what there are several of.
    """

    name: str
    title: str
    work: str
    figures: type[T]
    measure: Callable[[float, Path], Awaitable[Sequence[T]]]
    rows: Sequence[Row[T]]
    notes: str = ""
    counted: str = "runs"

    def read(self, runs: Sequence[Any]) -> list[T]:
        """Return the figures of runs that were kept as JSON."""
        return [msgspec.convert(run, self.figures) for run in runs]

    def section(self, runs: Sequence[T]) -> str:
        """Return what the page says of its runs."""
        lines = "\n".join(row.cells(runs) for row in self.rows)
        notes = f"\n{fill(self.notes, _WIDTH)}\n" if self.notes else ""
        work = fill(f"{self.work} {len(runs)} {self.counted}.", _WIDTH)
        return (
            f"### {self.title}\n\n{work}\n\n"
            f"| figure | median (range) | aim | met |\n|---|---|---|---|\n{lines}\n{notes}"
        )
