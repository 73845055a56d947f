"""A plot shows points where its axes say, and an axis ends at a round number."""

import re
from xml.etree import ElementTree as ET

import pytest

from benchmarks.plot import HEIGHT, WIDTH, Axis, Plot

SVG = "{http://www.w3.org/2000/svg}"


def drawn(plot: Plot) -> list[list[tuple[float, float]]]:
    lines = ET.fromstring(plot.svg()).iter(f"{SVG}polyline")  # noqa: S314 - of our own making
    return [
        [(float(x), float(y)) for x, y in (p.split(",") for p in line.attrib["points"].split())]
        for line in lines
    ]


def test_points_lie_where_the_axes_say() -> None:
    plot = Plot("A & B", Axis.up_to(200), Axis.up_to(100))
    plot.line([(0, 0), (100, 50), (200, 100)], "#111111", "slow")
    plot.line([(0, 0), (20, 100)], "#222222", "fast")
    (start, middle, end), fast = drawn(plot)
    assert middle == pytest.approx(((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), abs=0.1)
    assert 0 < start[0] < end[0] < WIDTH
    assert 0 < end[1] < start[1] < HEIGHT
    assert fast[0] == start
    assert fast[1] == pytest.approx((start[0] + (end[0] - start[0]) / 10, end[1]), abs=0.1)
    assert "A &amp; B" in plot.svg()
    assert re.findall(r">(slow|fast)</text>", plot.svg()) == ["slow", "fast"]


def test_names_of_lines_that_end_side_by_side_stand_apart() -> None:
    plot = Plot("three", Axis.up_to(10), Axis.up_to(100))
    for end, name in ((20, "low"), (22, "middle"), (24, "high"), (80, "far")):
        plot.line([(0, 0), (10, end)], "#111111", name)
    texts = ET.fromstring(plot.svg()).iter(f"{SVG}text")  # noqa: S314 - of our own making
    heights = {text.text: float(text.attrib["y"]) for text in texts}
    low, middle, high, far = (heights[name] for name in ("low", "middle", "high", "far"))
    assert (low - middle, middle - high) == (15, 15)
    lines = [line[1][1] for line in drawn(plot)]
    assert (low, far) == pytest.approx((lines[0] - 8, lines[3] - 8), abs=0.1)


@pytest.mark.parametrize(
    ("most", "labels"),
    [
        (7, ["0", "2", "4", "6", "8"]),
        (0.3, ["0", "0.05", "0.1", "0.15", "0.2", "0.25", "0.3"]),
        (100, ["0", "20", "40", "60", "80", "100"]),
        (251, ["0", "50", "100", "150", "200", "250", "300"]),
        (1_000_000, ["0", "200,000", "400,000", "600,000", "800,000", "1,000,000"]),
        (0, ["0", "0.1"]),
    ],
)
def test_an_axis_ends_at_a_round_number(most: float, labels: list[str]) -> None:
    axis = Axis.up_to(most)
    assert [label for _, label in axis.ticks] == labels
    assert axis.high >= most
