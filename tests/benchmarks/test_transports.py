"""What the comparison of transports publishes is what it measured."""

import json
from pathlib import Path

import pytest

from benchmarks import burst
from benchmarks.pages import DOCS, write_between
from benchmarks.transports import Round, described, table
from tests.chaos.report import POSTGRESQL, RABBITMQ

FIGURES = {
    **dict.fromkeys((*burst.BURST, *burst.QUIET, *burst.JOINED), 1500),
    burst.GREETED_WITHIN: 50_000,
    burst.HEYDAY: 40_000,
    burst.POSTGRESQL: 20_000,
    burst.RABBITMQ: 0,
}
DEATH = {burst.STALL: 2500, burst.WAITED: 700, burst.KILLED: 3}


def measured(transport: str, many: int = 100_000, lost: int = 0) -> Round:
    return Round(transport, many, FIGURES, DEATH, lost=lost, twice=0, broken={})


def row(text: str, begin: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| {begin}"))


def test_each_row_has_medians_ranges_and_a_ratio() -> None:
    rounds = [measured(POSTGRESQL, 100_000 * n) for n in (1, 2, 3)]
    rounds += [measured(RABBITMQ, 100_000) for _ in range(3)]
    text = table(rounds)
    speeds = row(text, "greetings a second")
    assert speeds.endswith("| 4,000 (2,000 to 6,000) | 2,000 (2,000 to 2,000) | 0.50 |")
    cpu = row(text, "CPU seconds a million: Heyday")
    assert cpu.endswith("| 200 (133 to 400) | 400 (400 to 400) | 2.00 |")
    assert row(text, "greetings lost").endswith("| 0 (0 to 0) | 0 (0 to 0) | - |")


def test_what_was_lost_is_told() -> None:
    text = table([measured(POSTGRESQL), measured(RABBITMQ, lost=3)])
    assert row(text, "greetings lost").endswith("| 0 (0 to 0) | 3 (3 to 3) | - |")


def test_text_is_written_between_two_marks_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- this: begin -->\nold\n<!-- this: end -->\nafter\n", "utf-8")
    write_between(page, "this", "new")
    assert page.read_text("utf-8") == (
        "before\n<!-- this: begin -->\nnew\n<!-- this: end -->\nafter\n"
    )
    with pytest.raises(ValueError, match=r"page.md has no <!-- that: begin -->"):
        write_between(page, "that", "new")
    assert "new" in page.read_text("utf-8")


def test_the_page_shows_what_was_measured_and_nothing_was_lost() -> None:
    document = json.loads((DOCS / "transports.json").read_text("utf-8"))
    assert described(document) in (DOCS / "transports.md").read_text("utf-8")
    assert all(one["lost"] == one["twice"] == 0 for one in document["rounds"])
