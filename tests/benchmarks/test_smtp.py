"""What the benchmark of SMTP calls right."""

from dataclasses import replace

import pytest

from benchmarks.smtp import Figures, tell

RIGHT = Figures(
    planned=100,
    statuses={"SENT": 99, "UNKNOWN": 1},
    drops={"begun": 103, "dot": 2},
    lost=0,
    beyond=0,
    extra=1,
    ambiguous=3,
    seconds=0.5,
    p99=0.4,
    recorded=0.7,
    early=0,
    cpu={"Heyday": 1.0},
    parsed=101,
)


def test_second_letters_are_right_as_long_as_they_are_told_of() -> None:
    assert RIGHT.is_right
    assert RIGHT.rate == 200
    assert tell(RIGHT).endswith("right")


@pytest.mark.parametrize("broken", [{"lost": 1}, {"beyond": 1}, {"extra": 4}, {"early": 1}])
def test_a_broken_promise_is_wrong(broken: dict[str, int]) -> None:
    figures = replace(RIGHT, **broken)  # type: ignore[arg-type] # each is a count
    assert not figures.is_right
    assert tell(figures).endswith("WRONG")
