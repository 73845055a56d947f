"""A chart is well-formed, and shows the points where they belong."""

import re
from xml.etree import ElementTree as ET

import pytest

from benchmarks.charts import line_chart

SVG = "{http://www.w3.org/2000/svg}"


def drawn(chart: str) -> list[list[tuple[float, float]]]:
    lines = ET.fromstring(chart).iter(f"{SVG}polyline")  # noqa: S314 - of our own making
    return [
        [(float(x), float(y)) for x, y in (p.split(",") for p in line.attrib["points"].split())]
        for line in lines
    ]


def test_points_lie_where_the_axes_say() -> None:
    chart = line_chart("A & B", "s", "%", {"one": [(0, 0), (50, 50), (100, 100)]})
    (points,) = drawn(chart)
    (left, bottom), middle, (right, top) = points
    assert middle == pytest.approx(((left + right) / 2, (bottom + top) / 2), abs=0.1)
    assert left < right
    assert top < bottom
    assert "A &amp; B" in chart


def test_lines_share_one_scale_and_have_colours_and_names_of_their_own() -> None:
    chart = line_chart("t", "x", "y", {"slow": [(0, 0), (200, 100)], "fast": [(0, 0), (20, 100)]})
    slow, fast = drawn(chart)
    assert slow[0] == fast[0]
    assert slow[1][1] == fast[1][1]
    width = slow[1][0] - slow[0][0]
    assert fast[1][0] - fast[0][0] == pytest.approx(width / 10, abs=0.2)
    assert len(set(re.findall(r'stroke="(#\w+)" stroke-width', chart))) == 2
    assert ">slow</text>" in chart
    assert ">fast</text>" in chart


@pytest.mark.parametrize(("most", "last"), [(7, "8"), (0.3, "0.3"), (251, "300"), (1_000_000, "1")])
def test_axes_end_at_a_round_number(most: float, last: str) -> None:
    chart = line_chart("t", "x", "y", {"one": [(0, 0), (most, 1)]})
    assert f">{last}" in chart


def test_nothing_at_all_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="no point"):
        line_chart("t", "x", "y", {"one": []})


def test_all_in_the_same_place_can() -> None:
    assert drawn(line_chart("t", "x", "y", {"one": [(0, 0), (0, 0)]}))
