"""What is told of other queues is what was measured, and only what is right may be the best."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks.lateness import Lateness
from benchmarks.pages import DOCS
from benchmarks.peers import measuring
from benchmarks.peers.__main__ import kept, measure_all
from benchmarks.peers.figures import Cpu, Received, Run
from benchmarks.peers.page import (
    COMMAND,
    FIGURES,
    PAGE,
    Measured,
    best,
    described,
    table,
    verdicts,
)
from benchmarks.peers.peers import BY_NAME, HEYDAY, PEERS

PROGRAMS = Path(measuring.__file__).with_name("programs")
FIRST = Run(
    name="PgQueuer",
    greetings=1000,
    handed_over=2.0,
    lost=0,
    twice=0,
    undone=0,
    seconds=10.0,
    lateness=Lateness.of([1.0, 10.0]),
    before=Cpu(1.0, 0.5),
    after=Cpu(0.2, 0.1),
)
CELERY = replace(FIRST, name="Celery", seconds=20.0)
OURS = replace(
    FIRST, name=HEYDAY, handed_over=None, seconds=10 / 3, lateness=Lateness.of([0.1, 2.0])
)


def measured(*runs: Run) -> Measured:
    packages = {peer.name: f"{peer.program} 1.0" for peer in PEERS}
    return Measured("python -m benchmarks.peers", {"cores": "2"}, packages, list(runs))


def row(text: str, begin: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| {begin}"))


def test_all_stand_side_by_side_with_what_a_million_would_take() -> None:
    text = table(measured(OURS, FIRST, replace(FIRST, seconds=5.0), CELERY))
    assert row(text, "| Heyday") == "| | Heyday | PgQueuer | Celery |"
    assert "| 150 (100 to 200) | 50 (50 to 50) |" in row(text, "greetings a second")
    assert "| - | 1,000 (1,000 to 1,000) |" in row(text, "CPU s a million, its processes: before")
    assert row(text, "handed over").startswith("| handed over before within, s | - | 2.0 (2.0 ")


@pytest.mark.parametrize(
    "wrong",
    [{"lost": 1}, {"twice": 1}, {"undone": 1}, {"lateness": Lateness.of([-0.001, 1.0])}],
)
def test_who_is_wrong_is_not_the_best(wrong: dict[str, Any]) -> None:
    assert best(measured(OURS, FIRST, CELERY)) == "PgQueuer"
    assert best(measured(OURS, replace(FIRST, **wrong), CELERY)) == "Celery"


def test_who_had_less_to_do_is_not_the_best() -> None:
    assert best(measured(OURS, replace(FIRST, greetings=999), CELERY)) == "Celery"


def test_the_aims_are_held_against_the_best() -> None:
    assert all(verdicts(measured(OURS, FIRST, CELERY)).values())
    slower = replace(OURS, seconds=10 / 2.9)
    later = replace(OURS, lateness=Lateness.of([0.1, 2.1]))
    assert list(verdicts(measured(slower, FIRST)).values()) == [False, True]
    assert list(verdicts(measured(later, FIRST)).values()) == [True, False]


def test_the_provider_counts_requests_beyond_the_first() -> None:
    received = Received.of([(10.5, "a"), (9.5, "b"), (12.0, "a")], due_at=10.0)
    assert received == Received([0.5, -0.5], twice=1)
    with pytest.raises(ValueError, match="no request"):
        Received.of([], due_at=10.0)


def test_a_run_that_was_broken_off_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    started: list[str] = []

    def take(name: str) -> Run:
        started.append(name)
        return replace(FIRST, name=name)

    def break_off(name: str) -> Run:
        if len(started) == 3:
            raise KeyboardInterrupt
        return take(name)

    names, keep = (HEYDAY, "Celery"), tmp_path / "kept.json"
    assert kept(keep, measured()) == measured()
    with pytest.raises(KeyboardInterrupt):
        measure_all(measured(), names, 2, break_off, keep)
    found = kept(keep, measured())
    assert [run.name for run in found.runs] == started == [HEYDAY, "Celery", HEYDAY]

    started.clear()
    measure_all(found, names, 2, take, keep)
    assert started == ["Celery"]
    assert kept(keep, measured()) == found
    # What was measured of other versions, or by another command, is none of it.
    assert not kept(keep, replace(measured(), packages={"Celery": "celery 2.0"})).runs
    assert not kept(keep, replace(measured(), command="another")).runs


def test_programs_of_the_peers_import_nothing_of_heydays() -> None:
    for path in PROGRAMS.glob("*.py"):
        text = path.read_text("utf-8")
        assert "import heyday" not in text
        assert "from heyday" not in text
        assert "from benchmarks.peers.programs import place" in text or "benchmarks" not in text


def test_each_peer_has_its_reasons_and_its_program() -> None:
    reasons = (DOCS / "adr" / "0036-peers.md").read_text("utf-8")
    for name, peer in BY_NAME.items():
        assert f"**{name}**" in reasons
        assert (PROGRAMS / f"{peer.program}.py").exists()
        assert "PROGRAMS" not in peer.command


def test_a_peer_can_be_tried_with_another_command() -> None:
    celery = BY_NAME["Celery"]
    assert celery.run_by(celery.command) == celery
    assert celery.run_by("celery -A with_celery worker -P gevent").worker[2:] == [
        "benchmarks.peers.programs.with_celery",
        "worker",
        "-P",
        "gevent",
    ]


def test_the_published_table_is_that_of_the_figures() -> None:
    page = (DOCS / PAGE).read_text("utf-8")
    assert f"<!-- {COMMAND}: begin -->" in page
    if not (DOCS / FIGURES).exists():
        pytest.skip(f"{COMMAND} has published nothing yet")
    document = json.loads((DOCS / FIGURES).read_text("utf-8"))
    assert described(msgspec.convert(document, Measured)) in page
