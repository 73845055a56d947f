"""docs/scale.md says what docs/scale.json holds, and that is what the figures of docs/ give."""

import json
import re
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from benchmarks import instant, plan, scale_costs, scale_results
from benchmarks.crowd import Planned
from benchmarks.lateness import Lateness
from benchmarks.pages import DOCS
from benchmarks.results import FIGURES, Results
from benchmarks.scale import share_before
from benchmarks.scale_costs import HEYDAY, RATE
from benchmarks.scale_days import crowds, kinds
from benchmarks.scale_model import live
from benchmarks.scale_page import COMMAND, parts, pictures
from benchmarks.scale_reckoning import (
    clock,
    databases,
    pages_each,
    short,
    size,
    span,
    wal_of_sending,
)
from benchmarks.scene import Cost, Cpu

DOCUMENT: dict[str, Any] = json.loads((DOCS / "scale.json").read_text("utf-8"))
PAGE = (DOCS / "scale.md").read_text("utf-8")


@pytest.mark.parametrize("name", parts(DOCUMENT))
def test_the_page_shows_what_was_reckoned(name: str) -> None:
    marks = (f"<!-- {COMMAND}, {name}: {end} -->" for end in ("begin", "end"))
    shown = re.search("{}\n(.*?)\n{}".format(*map(re.escape, marks)), PAGE, re.DOTALL)
    assert shown
    assert shown[1] == parts(DOCUMENT)[name]


@pytest.mark.parametrize("name", pictures(DOCUMENT))
def test_pictures_are_drawn_from_the_same(name: str) -> None:
    drawn = (DOCS / name).read_text("utf-8")
    assert drawn == pictures(DOCUMENT)[name]
    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314 - our own file


def test_each_figure_names_what_measured_it() -> None:
    assert {each["source"][:11] for each in DOCUMENT["figures"]} == {"`python -m "}
    assert DOCUMENT["share_before"] == share_before(DOCUMENT["stored"])


def test_people_of_all_zones_are_due_once() -> None:
    day = crowds(1_000_000, 0.5)
    assert sum(crowd.greetings for crowd in day) == pytest.approx(500_000)
    assert [crowd.at for crowd in day] == sorted({crowd.at for crowd in day})
    # Tonga and, in its summer, New Zealand are 13 hours ahead; Pago Pago is 11 behind.
    assert (day[0].at, day[-1].at) == ((9 - 13) * 3600, (9 + 11) * 3600)


def test_summer_time_moves_europe() -> None:
    def at_seven(on: date) -> float:
        return sum(crowd.greetings for crowd in crowds(1, 1.0, on) if crowd.at == 7 * 3600)

    assert at_seven(date(2027, 7, 1)) > 1.5 * at_seven(date(2027, 1, 1))


def test_days_come_in_the_order_of_their_crowds() -> None:
    usual, born, *lists = (kind.share for kind in kinds())
    assert born < usual  # few are born on New Year's Day
    assert [usual, *lists] == sorted([usual, *lists])


def documents(folder: Path, suite: dict[str, Any]) -> Path:
    """Put a folder of figures together: of transports as they are, of `make bench` as given."""
    kept = Results(folder / FIGURES)
    for name, run in suite.items():
        kept.begin(name, f"suite {name}", {})
        kept.add(name, asdict(run))
    (folder / "transports.json").write_bytes((DOCS / "transports.json").read_bytes())
    return folder


_OWN = Planned(1_000_000, 20.0, memory_mib=80, cpu_seconds=12.5, wal_bytes=10**9)
PLANNED = plan.Figures(3_000_000, 100_000, _OWN, _OWN, 125_000, 400_000, _OWN)


def greeted(seconds: float, heyday: float) -> instant.Figures:
    """Return what a burst of 100,000 found, by how long it and Heyday's processes took."""
    cost = Cost(Cpu(heyday, 10, 2), 10**8, 300_000, 100_000, 70, 60)
    late = Lateness.of([0.0, seconds])
    return instant.Figures(100_000, 0, 0, 0, seconds, seconds, late, cost)


def test_costs_are_taken_from_the_transports_where_there_is_no_suite(tmp_path: Path) -> None:
    found = scale_costs.read(documents(tmp_path, {}))
    assert scale_costs.ways(found) == ["single"]
    assert "transports" in next(each.source for each in found if each.name == HEYDAY)
    with pytest.raises(LookupError, match="no figure 'heyday' 'batch'"):
        scale_costs.value(found, HEYDAY, "batch")


def test_the_suite_has_both_ways_to_send(tmp_path: Path) -> None:
    suite = {
        "instant_burst_single": greeted(25.0, heyday=30.0),
        "instant_burst_batch": greeted(5.0, heyday=5.0),
        "plan_day": PLANNED,
    }
    found = scale_costs.read(documents(tmp_path, suite))
    assert scale_costs.ways(found) == ["single", "batch"]
    assert scale_costs.value(found, RATE, "single") == 4_000
    assert scale_costs.value(found, "plan") == PLANNED.own.rate
    assert {each.source for each in found if each.way == "batch"} == {"`suite instant_burst_batch`"}
    batch = scale_costs.costs_of(found, "batch", share_before=0.25)
    assert (batch.queue, batch.deliver, batch.send) == pytest.approx((25e-6, 75e-6, 50e-6))
    first, *others = list(scale_results.holding(found, 0.25))
    assert first.way == "single"
    cores = {(each.way, each.people): each.workers for each in (first, *others)}
    assert cores["batch", 10**9] < cores["single", 10**9]


def test_what_holds_a_minute_does_and_fewer_do_not() -> None:
    figures = [scale_costs.Figure(**each) for each in DOCUMENT["figures"]]
    costs = scale_costs.costs_of(figures, "single", DOCUMENT["share_before"])
    day = crowds(10**9, kinds()[scale_results.LISTS].share)
    workers, database = scale_results.fewest_cores(day, costs)

    def p99(*cores: int) -> float:
        return live(day, costs, scale_results.cores(*cores)).lateness(0.99)

    assert p99(workers, database) <= scale_results.HOLD
    assert p99(workers - 1, database) > scale_results.HOLD
    assert p99(workers, database - 1) > scale_results.HOLD


def test_pages_are_shared_by_those_who_are_greeted_together() -> None:
    stored = {"stored": {"sizes": {"users: table": 8192 / 50}}}
    assert pages_each(stored, 1.0) == pytest.approx(1 / 50)
    assert pages_each(stored, 1e-6) == pytest.approx(1.0, rel=1e-3)


def test_the_wal_is_that_of_each_step_and_of_the_pages() -> None:
    wal = {"queue": (150.0, 100.0), "claim": (900.0, 200.0), "record": (30.0, 30.0)}
    steps = [{"name": name, "wal": each} for name, found in wal.items() for each in found]
    stored = {"stored": {"sizes": {"users: table": 8192 / 50}, "steps": steps}}
    assert wal_of_sending(stored, 1.0) == pytest.approx(150 + 200 + 30 + 8192 / 50)


def test_databases_are_as_many_as_cores_or_wal_ask_for() -> None:
    assert databases(cores=16, wal=1e6) == 1
    assert databases(cores=17, wal=1e6) == 2
    assert databases(cores=1, wal=600e6) == 3


def test_numbers_are_written_for_people() -> None:
    assert [short(n) for n in (7, 862, 999.6, 4_563, 1e6, 20.7e6)] == [
        "7", "862", "1.00 k", "4.56 k", "1 M", "20.7 M",
    ]  # fmt: skip
    assert [size(n) for n in (500e3, 7.26e6, 3.31e12)] == ["500 kB", "7.26 MB", "3.31 TB"]
    assert [span(s) for s in (0.085, 8.5, 119, 120, 38_000)] == [
        "0.09 s", "8.50 s", "119 s", "2 min", "10.6 h",
    ]  # fmt: skip
    assert span(None) == "never"
    assert [clock(s) for s in (-5 * 3600, 3600, 20_700)] == ["19:00", "01:00", "05:45"]
