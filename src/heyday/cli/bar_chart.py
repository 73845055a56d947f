"""Draw stacked bars as SVG: no script, no font and no picture comes from elsewhere."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 1200, 580
_LEFT, _RIGHT, _TOP, _BOTTOM = 116, 28, 96, 136
_INNER_WIDTH, _INNER_HEIGHT = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
_COLOURS = ("#3b6ea5", "#e0a458", "#6a994e", "#9c6b98")
_INK, _PALE, _LINE = "#2f3437", "#6b7280", "#e5e7eb"
_FONT = "font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\""
_STEPS = 5
_HEADROOM = 1.07
# In pixels: what a letter under a bar takes, and from where bars leave a gap between them.
_LETTER, _NARROW = 8, 6
_GAP = 0.2
_LONGEST_UPRIGHT = 40


@dataclass(frozen=True, slots=True)
class Bar:
    """Hold one bar: its name, its parts from below, and what stands under it, if anything."""

    name: str
    parts: Sequence[int]
    tick: str | None = None

    @property
    def total(self) -> int:
        """Return its height."""
        return sum(self.parts)


@dataclass(frozen=True, slots=True)
class BarChart:
    """Describe a chart. parts: what each part of a bar is, in the order of Bar.parts."""

    title: str
    subtitle: str
    x_label: str
    y_label: str
    parts: Sequence[str]
    bars: Sequence[Bar]


def draw(chart: BarChart) -> str:
    """Return a chart as an SVG document."""
    step, top = _scale(max((bar.total for bar in chart.bars), default=0))
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            f'width="{_WIDTH}" height="{_HEIGHT}" role="img" {_FONT}>'
        ),
        f"<title>{escape(chart.title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(_LEFT, 38, chart.title, size=22, weight=600),
        _text(_LEFT, 62, chart.subtitle, size=14, fill=_PALE),
        *_legend(chart.parts),
        *_grid(step, top),
        *_bars(chart, top),
        *_highest(chart, top),
        _text(_LEFT + _INNER_WIDTH / 2, _below(chart), chart.x_label, anchor="middle", fill=_PALE),
        _upright(24, _TOP + _INNER_HEIGHT / 2, chart.y_label),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _is_slanted(chart: BarChart) -> bool:
    """Tell whether a word under a bar has no room to lie."""
    ticks = [bar.tick for bar in chart.bars if bar.tick]
    room = _INNER_WIDTH / max(len(ticks), 1)
    return any(len(tick) * _LETTER > room for tick in ticks)


def _below(chart: BarChart) -> float:
    """Return how far down the words under the bars reach."""
    return _HEIGHT - 12 if _is_slanted(chart) else _TOP + _INNER_HEIGHT + 52


def _upright(x: float, y: float, text: str) -> str:
    turned = _text(-y, x, text, anchor="middle", fill=_PALE)
    return f'<g transform="rotate(-90)">{turned}</g>'


def _scale(highest: int) -> tuple[int, int]:
    """Return the distance of the lines and the height of the highest, in round numbers."""
    rough = max(highest, 1) / _STEPS
    size = 10 ** math.floor(math.log10(rough)) if rough > 1 else 1
    step = next(int(size * factor) for factor in (1, 2, 5, 10) if size * factor >= rough)
    # The number above the highest bar has its place below the highest line, too.
    return step, step * math.ceil(max(highest, 1) * _HEADROOM / step)


def _y(value: float, top: int) -> float:
    return _TOP + _INNER_HEIGHT * (1 - value / top)


def _grid(step: int, top: int) -> Iterator[str]:
    for value in range(0, top + 1, step):
        y = _y(value, top)
        colour = _PALE if value == 0 else _LINE
        yield (
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
            f'stroke="{colour}"/>'
        )
        yield _text(_LEFT - 10, y + 4.5, f"{value:,}", anchor="end", fill=_PALE)


def _bars(chart: BarChart, top: int) -> Iterator[str]:
    slot = _INNER_WIDTH / max(len(chart.bars), 1)
    # Few bars do not become walls; many lie side by side.
    width = min(slot * (1 - (_GAP if slot > _NARROW else 0)), 90)
    is_slanted = _is_slanted(chart)
    for number, bar in enumerate(chart.bars):
        middle = _LEFT + slot * (number + 0.5)
        yield f"<g><title>{escape(bar.name)}: {bar.total:,}</title>"
        below = 0
        for colour, part in zip(_colours(chart.parts), bar.parts, strict=True):
            y, height = _y(below + part, top), _INNER_HEIGHT * part / top
            below += part
            if part:
                yield (
                    f'<rect x="{middle - width / 2:.2f}" y="{y:.2f}" width="{width:.2f}" '
                    f'height="{height:.2f}" fill="{colour}"/>'
                )
        if bar.tick:
            yield _tick(middle, bar.tick, is_slanted=is_slanted)
        yield "</g>"


def _tick(x: float, label: str, *, is_slanted: bool) -> str:
    y = _TOP + _INNER_HEIGHT
    if not is_slanted:
        line = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + 6}" stroke="{_PALE}"/>'
        return line + _text(x, y + 22, label, anchor="middle")
    text = _text(0, 0, label[:_LONGEST_UPRIGHT], size=11, anchor="end")
    return f'<g transform="translate({x + 3:.1f},{y + 12}) rotate(-50)">{text}</g>'


def _highest(chart: BarChart, top: int) -> Iterator[str]:
    """Name the highest bar, on the side where there is room."""
    if not chart.bars or not any(bar.total for bar in chart.bars):
        return
    number = max(range(len(chart.bars)), key=lambda n: chart.bars[n].total)
    bar, slot = chart.bars[number], _INNER_WIDTH / len(chart.bars)
    x, y = _LEFT + slot * (number + 0.5), _y(bar.total, top)
    half = _INNER_WIDTH / 8
    anchor = "middle"
    if x < _LEFT + half:
        x, anchor = x - slot / 2, "start"
    elif x > _LEFT + _INNER_WIDTH - half:
        x, anchor = x + slot / 2, "end"
    yield _text(x, y - 8, f"{bar.name}: {bar.total:,}", weight=600, anchor=anchor)


def _legend(parts: Sequence[str]) -> Iterator[str]:
    """Name the colours, above the bars to the right, where no number of a bar comes."""
    for row, (colour, part) in enumerate(zip(_colours(parts), parts, strict=True)):
        y = 28 + 20 * row
        yield f'<rect x="{_WIDTH - _RIGHT - 12}" y="{y}" width="12" height="12" fill="{colour}"/>'
        yield _text(_WIDTH - _RIGHT - 20, y + 11, part, anchor="end")


def _colours(parts: Sequence[str]) -> list[str]:
    return [_COLOURS[number % len(_COLOURS)] for number in range(len(parts))]


def _text(  # noqa: PLR0913 - all but the first three are how it looks
    x: float,
    y: float,
    text: str,
    *,
    size: int = 13,
    weight: int = 400,
    anchor: str = "start",
    fill: str = _INK,
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}" fill="{fill}">{escape(text)}</text>'
    )
