"""Draw a day's greetings as bars: geometry only, which a template writes as SVG.

Across, everything is in percent of the width, so that letters keep their size on each screen; down,
in units of the drawing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from heyday.domain.day_figures import ONE_DAY, Fate

HEIGHT, TOP, BOTTOM = 220, 18, 26
"""Of the drawing, and of the room above and below its bars."""

_PLOT = HEIGHT - TOP - BOTTOM
# So much of its place a bar takes.
_FILLED = 0.76
# A single greeting beside a million is still to be seen.
_LEAST_HEIGHT = 2.0
_LINES = 4
_DIGIT = 7

STACK: Sequence[tuple[str, frozenset[Fate]]] = (
    ("sent", frozenset({Fate.SENT})),
    ("late", frozenset({Fate.LATE})),
    ("failed", frozenset({Fate.FAILED, Fate.REFUSED, Fate.TOO_LATE})),
    ("unknown", frozenset({Fate.UNKNOWN})),
    ("waiting", frozenset({Fate.WAITING})),
    ("planned", frozenset({Fate.PLANNED})),
)
"""What a bar is made of, from its foot; what nobody wanted is in none."""


@dataclass(frozen=True, slots=True)
class Part:
    """Hold one part of a bar. kind: a name of STACK."""

    kind: str
    greetings: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """Hold the bar of one hour or quarter hour. x, width: in percent."""

    start_at: datetime
    end_at: datetime
    x: float
    width: float
    parts: Sequence[Part]

    @property
    def total(self) -> int:
        """Return how many greetings it stands for."""
        return sum(part.greetings for part in self.parts)

    def count(self, kind: str) -> int:
        """Return how many of one kind."""
        return sum(part.greetings for part in self.parts if part.kind == kind)


@dataclass(frozen=True, slots=True)
class Line:
    """Hold a line across that says how many: y, and the number."""

    y: float
    greetings: int


@dataclass(frozen=True, slots=True)
class DayChart:
    """Hold a chart. now_x: where now is, in percent; None where it is not on this day."""

    bars: Sequence[Bar]
    lines: Sequence[Line]
    now_x: float | None

    @property
    def scale_width(self) -> int:
        """Return the room that the numbers of the lines take, in pixels."""
        return _DIGIT * len(f"{self.lines[-1].greetings:,}") + 2 * _DIGIT

    @property
    def busiest(self) -> Bar | None:
        """Return the highest bar, the first of equals; None where nothing is due."""
        bar = max(self.bars, key=lambda bar: bar.total)
        return bar if bar.total else None


def draw_day(
    rows: Sequence[tuple[datetime, Mapping[Fate, int]]], step: timedelta, now: datetime
) -> DayChart:
    """Return the bars of a day whose times follow each other by `step`, all of one scale."""
    counts = [_sorted_out(fates) for _, fates in rows]
    most = max((sum(each.values()) for each in counts), default=0)
    lines = _lines(most)
    top = lines[-1].greetings
    place = 100 / len(rows)
    bars = [
        Bar(
            start_at,
            start_at + step,
            round(place * (n + (1 - _FILLED) / 2), 3),
            round(place * _FILLED, 3),
            _stack(each, top),
        )
        for n, ((start_at, _), each) in enumerate(zip(rows, counts, strict=True))
    ]
    passed = (now - rows[0][0]) / ONE_DAY
    return DayChart(bars, lines, round(passed * 100, 2) if 0 <= passed < 1 else None)


def scale_top(most: int) -> int:
    """Return the least round number that is not below the most: 1, 2 or 5 with noughts."""
    power = 1
    while True:
        for digit in (1, 2, 5):
            if digit * power >= most:
                return digit * power
        power *= 10


def _lines(most: int) -> Sequence[Line]:
    """Return the lines from the foot to the top, all of them whole numbers."""
    top = scale_top(most)
    steps = next(n for n in (5, _LINES, 2, 1) if top % n == 0)
    return [Line(_y(top * n // steps, top), top * n // steps) for n in range(steps + 1)]


def _y(greetings: float, top: int) -> float:
    return round(HEIGHT - BOTTOM - _PLOT * greetings / top, 2)


def _sorted_out(fates: Mapping[Fate, int]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for kind, of in STACK:
        counts[kind] = sum(fates.get(fate, 0) for fate in of)
    return counts


def _stack(counts: Mapping[str, int], top: int) -> Sequence[Part]:
    """Return the parts of a bar, one on the other. What is there at all is to be seen."""
    parts: list[Part] = []
    y = float(HEIGHT - BOTTOM)
    for kind, _ in STACK:
        if count := counts[kind]:
            height = max(_PLOT * count / top, _LEAST_HEIGHT)
            y -= height
            parts.append(Part(kind, count, round(y, 2), round(height, 2)))
    return parts
