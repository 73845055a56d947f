"""Draw figures as SVG, readable on a light and on a dark page."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 320
_TICKS = 6
COLOURS = ("#2f81c7", "#d9822b", "#3f9c5a", "#b5509c")

_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 50, 45
# Names of lines whose ends are nearer than this would be written over each other.
_NAME_WIDTH, _NAME_HEIGHT = 220, 15
# Grey has contrast enough on white and on near black.
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#808080}"
    ".title{font-size:14px;font-weight:600}.grid{stroke:#80808040}.axis{stroke:#808080}"
)


@dataclass(frozen=True, slots=True)
class Axis:
    """Map values to places. ticks: values with what is written at them."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    is_log: bool = False

    @classmethod
    def up_to(cls, most: float) -> "Axis":
        """Return one from 0 to a round number that is not below `most`."""
        size = 10.0 ** math.floor(math.log10(most)) if most > 0 else 1.0
        steps = (factor * size for factor in (0.1, 0.2, 0.5, 1, 2))
        step = next(step for step in steps if most <= _TICKS * step)
        count = max(math.ceil(most / step), 1)
        ticks = [(number * step, f"{number * step:,.10g}") for number in range(count + 1)]
        return cls(0, ticks[-1][0], ticks)

    def share(self, value: float) -> float:
        """Return where a value lies between both ends, 0 to 1."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        return min(1.0, max(0.0, (self._scaled(value) - low) / (high - low)))

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, 1e-9)) if self.is_log else value


@dataclass(slots=True)
class Plot:
    """Collect what is drawn between two axes."""

    title: str
    across: Axis
    up: Axis
    shapes: list[str] = field(default_factory=list)
    _names: list[tuple[float, float]] = field(default_factory=list)

    def bar(self, value: float, height: float, width: float, label: str) -> None:
        """Draw a bar; the label shows where a pointer rests on it."""
        x, y, floor = self._x(value), self._y(height), self._y(self.up.low)
        self.shapes.append(
            f'<rect x="{x - width / 2:.1f}" y="{y:.1f}" width="{width}" '
            f'height="{max(1.0, floor - y):.1f}" fill="{COLOURS[0]}">'
            f"<title>{escape(label)}</title></rect>"
        )

    def line(self, points: Iterable[tuple[float, float]], colour: str, label: str) -> None:
        """Draw a line with a dot at each point, and its name at the last."""
        places = [(self._x(across), self._y(up)) for across, up in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        self.shapes.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        self.shapes += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places
        ]
        x, y = places[-1]
        y = self._free(x, y - 8)
        self._names.append((x, y))
        self.shapes.append(_text(x - 6, y, label, "end", f' style="fill:{colour}"'))

    def _free(self, x: float, y: float) -> float:
        """Return the lowest place, from here upwards, at which the name of no other line stands."""
        for across, up in sorted(self._names, key=lambda name: -name[1]):
            if abs(across - x) < _NAME_WIDTH and abs(up - y) < _NAME_HEIGHT:
                y = up - _NAME_HEIGHT
        return y

    def svg(self) -> str:
        """Return the whole picture."""
        box = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(self.title)}"'
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {box}>',
            f"<style>{_STYLE}</style>",
            _text(_LEFT, 22, self.title, "start", ' class="title"'),
            *self._grid(),
            *self.shapes,
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _grid(self) -> Iterable[str]:
        floor = self._y(self.up.low)
        for value, label in self.up.ticks:
            y = self._y(value)
            yield _rule("grid", y)
            yield _text(_LEFT - 8, y + 4, label, "end")
        for value, label in self.across.ticks:
            yield _text(self._x(value), floor + 18, label, "middle")
        yield _rule("axis", floor)

    def _x(self, value: float) -> float:
        return _LEFT + self.across.share(value) * (WIDTH - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - self.up.share(value) * (HEIGHT - _TOP - _BOTTOM)


def _rule(name: str, y: float) -> str:
    return f'<line class="{name}" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(text)}</text>'
