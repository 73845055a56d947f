"""Lateness is told by ranks, without anything made up in between."""

import pytest

from benchmarks.lateness import Lateness, share


@pytest.mark.parametrize(
    ("part", "value"), [(0, 1), (0.01, 1), (0.5, 50), (0.501, 51), (0.99, 99), (1, 100)]
)
def test_a_share_lies_within_one_of_the_values(part: float, value: float) -> None:
    assert share(list(range(1, 101)), part) == value


def test_one_value_is_every_share_of_itself() -> None:
    assert [share([7.0], part) for part in (0, 0.5, 1)] == [7.0] * 3


def test_lateness_is_in_milliseconds_and_counts_who_came_early() -> None:
    late = Lateness.of([0.2, -0.001, 0.1, 3.0])
    assert (late.first, late.p50, late.p99, late.last) == (-1.0, 100.0, 3000.0, 3000.0)
    assert late.early == 1
    assert len(late.curve) == 101
    assert list(late.curve) == sorted(late.curve)
    assert (late.curve[0], late.curve[100]) == (-1.0, 3000.0)


def test_on_time_is_not_early() -> None:
    assert Lateness.of([0.0]).early == 0
