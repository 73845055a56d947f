"""Bars as SVG: sound XML that needs nothing from elsewhere, with heights that tell the truth."""

import re
from xml.etree import ElementTree as ET

import pytest

from heyday.cli.bar_chart import Bar, BarChart, draw

SVG = "{http://www.w3.org/2000/svg}"


def chart(*bars: Bar, parts: tuple[str, ...] = ("A", "B")) -> BarChart:
    return BarChart("Greetings by day", "some", "day (UTC)", "greetings", parts, bars)


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own words


def heights(svg: str) -> list[float]:
    """Return the heights of the parts of bars, in order."""
    groups = parsed(svg).iter(f"{SVG}g")
    return [float(rect.get("height", 0)) for g in groups for rect in g.iter(f"{SVG}rect")]


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter(f"{SVG}text")]


def test_heights_are_in_proportion_and_nothing_is_drawn_for_nothing():
    low, high, other = heights(draw(chart(Bar("x", [10, 20]), Bar("y", [0, 30]))))
    assert high == pytest.approx(2 * low, abs=0.02)
    assert other == pytest.approx(3 * low, abs=0.02)


def test_it_needs_nothing_from_elsewhere():
    svg = draw(chart(Bar("x", [1, 2], "x")))
    assert re.findall(r"https?://[^\"]*", svg) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<script|<image|<style|href|url\(", svg)


def test_it_says_what_it_shows():
    said = texts(draw(chart(Bar("1 January", [3, 4], "Jan"), Bar("2 January", [1, 1]))))
    assert {"Greetings by day", "some", "day (UTC)", "greetings", "A", "B", "Jan"} <= set(said)
    assert "1 January: 7" in said


def test_the_lines_are_round_and_above_everything():
    said = texts(draw(chart(Bar("x", [55_000, 966]))))
    lines = [int(text.replace(",", "")) for text in said if re.fullmatch(r"[\d,]+", text)]
    assert lines == [0, 20_000, 40_000, 60_000]


@pytest.mark.parametrize("bars", [(), (Bar("x", [0, 0]),), (Bar("x", [1, 0]),)])
def test_little_or_nothing_can_be_drawn(bars: tuple[Bar, ...]):
    assert parsed(draw(chart(*bars))).tag == f"{SVG}svg"


def test_names_are_text_and_never_markup():
    svg = draw(chart(Bar("<b>&", [1, 1], "<i>")))
    assert "<b>&: 2" in texts(svg)
    assert "<i>" in texts(svg)


def test_labels_that_have_no_room_are_slanted():
    few = draw(chart(Bar("Asia/Tokyo", [1, 1], "Asia/Tokyo")))
    many = draw(chart(*[Bar(str(n), [1, 1], "Asia/Tokyo") for n in range(40)]))
    assert "rotate(-50)" not in few
    assert many.count("rotate(-50)") == 40
