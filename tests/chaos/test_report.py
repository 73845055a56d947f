"""What is published is what was found, and the page around it stays."""

import json
from dataclasses import replace
from pathlib import Path

from benchmarks.pages import DOCS
from tests.chaos.catalogue import FAULTS
from tests.chaos.checker import Findings
from tests.chaos.faults import edits, workers
from tests.chaos.report import Run, markdown, publish
from tests.chaos.scenario import Result

PAGE = "# Delivery\n\n<!-- make chaos: begin -->\nold\n<!-- make chaos: end -->\n\nThe end\n"
KEPT = Findings(messages=1200, requests=1300, held=0, extra=0, ambiguous=60)
TWICE = Findings(messages=1200, requests=1300, held=7, extra=40, ambiguous=60)
BROKEN = Findings(10, 10, 0, 3, 2, {"lost": ["a"], "duplicates": ["b"], "early": ["c", "d"]})
RESULTS = [
    Result(workers.KILL, True, 500, KEPT, 60.0),  # noqa: FBT003 - honours keys
    Result(workers.KILL, False, 501, TWICE, 60.0),  # noqa: FBT003 - does not
    Result(edits.RACE, False, 9, BROKEN, 5.0),  # noqa: FBT003 - the same
]
RUN = Run(7, "2027-01-15", {"cores": "2"}, RESULTS)


def test_the_table_has_a_row_for_each_fault_and_keeps_the_page_around_it(tmp_path: Path):
    (tmp_path / "delivery.md").write_text(PAGE, "utf-8")
    publish(RUN, tmp_path)
    text = (tmp_path / "delivery.md").read_text("utf-8")
    assert text.startswith("# Delivery\n\n<!-- make chaos: begin -->\nBy `make chaos`")
    assert text.endswith("\n<!-- make chaos: end -->\n\nThe end\n")
    assert "old" not in text
    kill, race = [line for line in text.splitlines() if line.startswith("| ") and "--" not in line][
        1:
    ]
    assert kill == f"| {workers.KILL.title} | 500 + 501 | 2,400 | 0 | 7 | 0 | 40 of 60 | 0 |"
    assert race == f"| {edits.RACE.title} | 9 | 10 | 1 | 0 | - | 3 of 2, 1 without | 2 early |"
    once = text
    publish(RUN, tmp_path)
    assert (tmp_path / "delivery.md").read_text("utf-8") == once


def test_what_other_runs_have_published_stays(tmp_path: Path):
    (tmp_path / "delivery.md").write_text(PAGE, "utf-8")
    publish(RUN, tmp_path)
    publish(replace(RUN, seed=8, results=RESULTS[2:]), tmp_path)
    results = json.loads((tmp_path / "chaos.json").read_text("utf-8"))["results"]
    assert [(r["fault"], r["seed"]) for r in results] == [("worker", 7), ("worker", 7), ("edit", 8)]
    assert (tmp_path / "delivery.md").read_text("utf-8").count(workers.KILL.title) == 1


def test_the_page_says_what_the_published_results_say():
    published = DOCS / "chaos.json"
    if published.exists():
        document = json.loads(published.read_text("utf-8"))
        assert markdown(document) in (DOCS / "delivery.md").read_text("utf-8")


def test_each_fault_is_there_once():
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
    assert all(fault.short <= fault.times for fault in FAULTS)


def test_how_long_it_took_at_the_longest_is_told() -> None:
    notes = {"longest stall, ms": 2375, "seconds of faults": 407}
    run = replace(RUN, results=[replace(RESULTS[0], notes=notes), RESULTS[1]])
    lines = [line for line in markdown(run.document()).splitlines() if line.startswith("*")]
    assert lines == [f"* {workers.KILL.title}: longest stall 2,375 ms"]
