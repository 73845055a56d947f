"""Draw lines as SVG, small and readable, also where a page is dark."""

from collections.abc import Mapping, Sequence
from html import escape

Points = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT = 720, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 44, 48
# Told apart by people who do not see colours as most do (Okabe and Ito).
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
_BEGIN = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
    f'width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" font-size="12" role="img">'
)
_STEPS = (1, 2, 5)
_TICKS = 6


def line_chart(title: str, x_label: str, y_label: str, lines: Mapping[str, Points]) -> str:
    """Return a chart of lines by name, both axes from 0. Raises ValueError without a point."""
    points = [point for line in lines.values() for point in line]
    if not points:
        raise ValueError(f"there is no point to draw in {list(lines)}")
    x_step, x_most = _scale(max(x for x, _ in points))
    y_step, y_most = _scale(max(y for _, y in points))
    parts = [
        _BEGIN,
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(_LEFT, 16, title, anchor="start", weight="bold"),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 10, x_label),
        f'<g transform="rotate(-90 14 {_HEIGHT / 2:g})">{_text(14, _HEIGHT / 2, y_label)}</g>',
    ]
    for number in range(round(x_most / x_step) + 1):
        x = _x(number * x_step, x_most)
        parts += [_rule(x, _TOP, x, _HEIGHT - _BOTTOM)]
        parts += [_text(x, _HEIGHT - _BOTTOM + 16, f"{number * x_step:,g}")]
    for number in range(round(y_most / y_step) + 1):
        y = _y(number * y_step, y_most)
        parts += [_rule(_LEFT, y, _WIDTH - _RIGHT, y)]
        parts += [_text(_LEFT - 6, y + 4, f"{number * y_step:,g}", anchor="end")]
    for number, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{_x(x, x_most):.1f},{_y(y, y_most):.1f}" for x, y in line)
        parts += [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>']
        at = _LEFT + number * (_WIDTH - _LEFT - _RIGHT) / len(lines)
        parts += [f'<rect x="{at:g}" y="26" width="14" height="4" fill="{colour}"/>']
        parts += [_text(at + 20, 33, name, anchor="start")]
    return "\n".join([*parts, "</svg>", ""])


def _scale(most: float) -> tuple[float, float]:
    """Return a round step between ticks, and the end of an axis that shows as much."""
    size = 10.0**-6
    while True:
        for factor in _STEPS:
            step = factor * size
            count = -(-most // step)
            if count <= _TICKS:
                return step, max(count, 1) * step
        size *= 10


def _x(value: float, most: float) -> float:
    return _LEFT + value / most * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float, most: float) -> float:
    return _HEIGHT - _BOTTOM - value / most * (_HEIGHT - _TOP - _BOTTOM)


def _rule(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<path d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}" stroke="#dddddd"/>'


def _text(x: float, y: float, said: str, anchor: str = "middle", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="#222222">{escape(said)}</text>'
    )
