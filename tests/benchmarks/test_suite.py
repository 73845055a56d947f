"""The suite keeps what it measured, says what is met, and publishes what it kept."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import msgspec
import pytest

from benchmarks import floors, instant, suite
from benchmarks.catalogue import BATCH, BENCHMARKS, FLOORS, SINGLE
from benchmarks.entries import Benchmark, Row
from benchmarks.lateness import Lateness
from benchmarks.pages import DOCS
from benchmarks.results import FIGURES, PAGE, Results, described, publish
from benchmarks.scene import Cost, Cpu, Load
from benchmarks.steady import Look, slope, whole_parts, within


@dataclass(frozen=True)
class Speed:
    """What a benchmark that measures nothing finds."""

    rate: float


SPEED = Row[Speed]
COST = Cost(
    Cpu(30, 20, 2), wal_bytes=10**8, updated=300_000, hot=150_000, workers_mib=70, scheduler_mib=60
)
GREETED = instant.Figures(
    planned=100_000,
    lost=0,
    twice=0,
    unsent=0,
    seconds=20.0,
    recorded=20.5,
    lateness=Lateness.of([n / 5_000 for n in range(100_000)]),
    cost=COST,
)
BARE = floors.Figures(floors.Floor(10_000, 150), floors.Floor(40_000, 25), None)


def benchmark(measured: list[float]) -> Benchmark[Speed]:
    left = iter(measured)

    async def measure(scale: float, _: Path) -> list[Speed]:
        return [Speed(next(left) * scale)]

    row: Row[Speed] = Row("speed", lambda run: run.rate, at_least=100)
    return Benchmark("speed", "Speed", "It runs.", Speed, measure, [row])


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        (Row("a", lambda run: run.rate), "| a | 200 (100 to 600) |  |  |"),
        (Row("a", lambda run: run.rate, at_least=200), "| a | 200 (100 to 600) | ≥ 200 | yes |"),
        (Row("a", lambda run: run.rate, at_least=201), "| a | 200 (100 to 600) | ≥ 201 | no |"),
        (Row("a", lambda run: run.rate, at_most=200), "| a | 200 (100 to 600) | ≤ 200 | yes |"),
        (Row("a", lambda run: run.rate, at_most=0), "| a | 200 (100 to 600) | ≤ 0 | no |"),
        (
            Row("a", lambda run: run.rate / 1000, "{:.1f} k", at_most=0.3),
            "| a | 0.2 k (0.1 k to 0.6 k) | ≤ 0.3 k | yes |",
        ),
    ],
)
def test_a_row_has_the_median_its_range_and_whether_the_aim_is_met(row: SPEED, cells: str) -> None:
    assert row.cells([Speed(600), Speed(100), Speed(200)]) == cells


@pytest.fixture
def _no_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    async def gather(_: Path) -> dict[str, str]:
        return {"CPU": "one of tin"}

    monkeypatch.setattr("benchmarks.facts.gather", gather)


@pytest.mark.usefixtures("_no_facts")
async def test_what_was_broken_off_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    with pytest.raises(RuntimeError):  # there is no third figure: StopIteration within
        await suite.run(benchmark([1.0, 2.0]), 3, 10, Results(path), "make it")
    assert Results(path).runs("speed") == [{"rate": 10.0}, {"rate": 20.0}]
    await suite.run(benchmark([3.0]), 3, 10, Results(path), "make it")
    kept = Results(path)
    assert [run["rate"] for run in kept.runs("speed")] == [10.0, 20.0, 30.0]
    assert kept.benchmarks["speed"]["facts"] == {"CPU": "one of tin"}
    assert kept.benchmarks["speed"]["command"] == "make it"


@pytest.mark.usefixtures("_no_facts")
async def test_the_parts_of_a_run_are_kept_one_by_one_and_shown_as_such(tmp_path: Path) -> None:
    runs = 0

    async def measure(scale: float, _: Path) -> list[Speed]:
        nonlocal runs
        runs += 1
        return [Speed(scale), Speed(2 * scale)]

    kept = Results(tmp_path / "kept.json")
    parted = replace(benchmark([]), measure=measure, counted="parts")
    await suite.run(parted, 2, 10, kept, "make it")
    assert runs == 1
    assert kept.runs("speed") == [{"rate": 10.0}, {"rate": 20.0}]
    assert "It runs. 2 parts." in parted.section(parted.read(kept.runs("speed")))


def test_looks_are_those_of_their_part_of_the_time() -> None:
    load = Load(people=1_000 * 95, rate=1_000)
    parts = whole_parts(load, lasts=30, before=20)
    assert parts == [range(20, 50), range(50, 80)]
    looks = [Look(seconds, backlog=0, dead=0, mib=0.0) for seconds in (0.1, 20.0, 49.9, 50.0, 80.0)]
    assert [[look.seconds for look in within(looks, part)] for part in parts] == [
        [20.0, 49.9],
        [50.0],
    ]


@pytest.mark.usefixtures("_no_facts")
def test_one_that_fails_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing, well = (
        replace(benchmark(left), name=name) for left, name in (([], "a"), ([7.0], "b"))
    )
    monkeypatch.setattr(suite, "BENCHMARKS", [failing, well])
    monkeypatch.setattr(suite, "_KEPT", tmp_path / ".bench.json")
    assert suite.main(["--runs", "1"]) == 1
    assert Results(tmp_path / ".bench-trial.json").runs("b") == [{"rate": 7.0}]
    assert "failed: a; go on with --resume" in capsys.readouterr().err


def test_each_says_what_it_was_measured_on_and_all_what_they_share(tmp_path: Path) -> None:
    results = Results(tmp_path / "kept.json")
    named = [replace(benchmark([]), name=name) for name in ("a", "b")]
    for one, cpu in zip(named, ("tin", "copper"), strict=True):
        results.begin(one.name, f"make {one.name}", {"CPU": cpu, "cores": "2"})
        results.add(one.name, {"rate": 1.0})
    first, second = described(results, named).split("Measured by ")[1:]
    assert first.startswith("`make a`.\nCPU: tin.\n")
    second, _, shared = second.partition("### The machine")
    assert second.startswith("`make b`.\nCPU: copper.\n")
    assert ("| cores | 2 |" in shared, "CPU" in shared) == (True, False)


def test_taking_one_benchmark_leaves_the_others(tmp_path: Path) -> None:
    published, kept = Results(tmp_path / "published.json"), Results(tmp_path / "kept.json")
    for results, rate in ((published, 1.0), (kept, 2.0)):
        for name in ("a", "b"):
            results.begin(name, "make it", {})
            results.add(name, {"rate": rate})
    published.take("b", kept)
    again = Results(tmp_path / "published.json")
    assert again.runs("a") == [{"rate": 1.0}]
    assert again.runs("b") == [{"rate": 2.0}]


def results(tmp_path: Path, **figures: object) -> Results:
    found = Results(tmp_path / "results.json")
    for name, run in figures.items():
        found.begin(name, f"make {name}", {"CPU": "one of tin", "load before": "0.1"})
        found.add(name, json.loads(msgspec.json.encode(run)))
    return found


def test_figures_come_back_from_json_as_they_were() -> None:
    kept = json.loads(json.dumps(asdict(GREETED)))
    assert SINGLE.read([kept]) == [GREETED]


def test_the_page_holds_what_was_measured_against_aims_and_floors(tmp_path: Path) -> None:
    found = results(tmp_path, instant_burst_single=GREETED, floors=BARE)
    text = described(found)
    assert (
        "| greetings a second, to the last of them | 5,000 (5,000 to 5,000) | ≥ 4,000 | yes |"
        in text
    )
    assert "| CPU seconds a million: Heyday's processes | 300 (300 to 300) | ≤ 400 | yes |" in text
    assert "| one call each: greetings a second, bare aiohttp | 5,000 | 10,000 | 0.50 |" in text
    assert "| of these HOT (no index touched), % | 50 (50 to 50) |" in text
    assert "one of tin" in text
    assert text.index(FLOORS.title) < text.index(SINGLE.title)
    # What was not measured is not there.
    assert BATCH.title not in text


def test_a_wrong_run_does_not_meet_its_aims(tmp_path: Path) -> None:
    text = described(results(tmp_path, instant_burst_single=replace(GREETED, lost=1, twice=2)))
    assert "| lost, twice, or not SENT in the database | 3 (3 to 3) | ≤ 0 | no |" in text


def test_publishing_writes_page_and_chart(tmp_path: Path) -> None:
    (tmp_path / PAGE).write_text("top\n<!-- make bench: begin -->\n<!-- make bench: end -->\n")
    found = results(tmp_path, instant_burst_single=GREETED, instant_burst_batch=GREETED)
    publish(found, tmp_path)
    assert described(found) in (tmp_path / PAGE).read_text("utf-8")
    assert "a thousand with each call" in (tmp_path / "burst.svg").read_text("utf-8")


def test_a_name_that_is_none_is_told_with_those_that_are(capsys: pytest.CaptureFixture[str]):
    assert suite.main(["--only", "burn_down,nothing"]) == 2
    assert "there is no nothing; there are floors, " in capsys.readouterr().err


def test_names_are_told_apart() -> None:
    names = [each.name for each in BENCHMARKS]
    assert len(set(names)) == len(names)


def test_a_slope_is_that_of_the_line() -> None:
    assert slope([(0, 5), (1, 7), (2, 9)]) == pytest.approx(2)
    assert slope([(0, 5), (10, 5)]) == 0
    assert slope([(0, 5)]) == 0


def test_the_published_page_is_that_of_the_figures() -> None:
    found = Results(DOCS / FIGURES)
    if found.benchmarks:
        assert described(found) in (DOCS / PAGE).read_text("utf-8")
