"""What stops Heyday is told from what was measured: times add up, and a look has one module."""

import json
import math

import msgspec
import pytest

from benchmarks.pages import DOCS
from benchmarks.peers.limit import FIGURES, PAGE, Measured, Rates, described, profile, table
from benchmarks.peers.sampling import ELSEWHERE, by_module

ROUND = Rates(peer=5_000, heyday=9_000, posts=30_000, aiohttp=20_000, outcomes=15_000)


def test_both_halves_one_after_the_other_take_the_sum_of_their_times() -> None:
    # 1/30,000 and 1/15,000 of a second are 1/10,000.
    assert ROUND.both == pytest.approx(10_000)
    assert "| both, one after the other | 10,000 (10,000 to 10,000) | 2.00 (2.00 to 2.00) |" in (
        table([ROUND])
    )


def test_what_would_be_needed_leaves_the_time_that_is_aimed_at() -> None:
    # Three times 5,000 a second are 1/15,000 of a second, of which the POST takes 1/30,000.
    assert ROUND.wanted == pytest.approx(30_000)
    assert math.isinf(Rates(5_000, 9_000, posts=15_000, aiohttp=1, outcomes=1).wanted)


def test_a_look_counts_for_the_innermost_module_of_heydays() -> None:
    run = "main (heyday/cli/running.py:9);run (asyncio/runners.py:44)"
    stacks = [
        f"{run};ask (heyday/senders/connection.py:7) 30",
        f"{run};ask (/x/src/heyday/senders/connection.py:9);encode (msgspec/json.py:1) 5",
        f"{run} 15",
    ]
    seen = by_module(stacks)
    assert seen == {"senders/connection.py": 35, ELSEWHERE: 15}
    assert "| senders/connection.py | 70.0 |" in profile(seen)


def test_what_is_rarely_seen_is_told_as_one() -> None:
    seen = {"a.py": 980, "b.py": 10, "c.py": 10}
    assert profile(seen).splitlines() == ["| a.py | 98.0 |", "| 2 other modules | 2.0 |"]


def test_the_published_figures_are_what_the_page_says() -> None:
    document = json.loads((DOCS / FIGURES).read_text("utf-8"))
    assert described(msgspec.convert(document, Measured)) in (DOCS / PAGE).read_text("utf-8")
