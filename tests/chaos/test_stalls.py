"""A stall is a pause in which something waited; an idle hour is none."""

from datetime import UTC, datetime, timedelta

from tests.chaos.provider import Request
from tests.chaos.stalls import longest_stall

BEGIN = datetime(2027, 1, 15, 9, tzinfo=UTC)


def at(second: float) -> datetime:
    return BEGIN + timedelta(seconds=second)


def request(key: str, second: float) -> Request:
    return Request(key, "ada@example.com", "Hey", at(second), "ok", 1)


def stall(requests: list[Request], created: dict[str, float]) -> float:
    return longest_stall(requests, {k: at(s) for k, s in created.items()}).total_seconds()


def test_the_pause_while_one_waits_counts():
    requests = [request("a", 1), request("b", 2), request("c", 9), request("d", 9.5)]
    assert stall(requests, {"a": 0, "b": 0, "c": 0, "d": 0}) == 7


def test_a_pause_counts_from_when_there_was_work():
    assert stall([request("a", 1), request("b", 100)], {"a": 0, "b": 98}) == 2


def test_whoever_waits_longest_counts_also_when_another_is_served_first():
    requests = [request("a", 1), request("b", 100), request("c", 101)]
    assert stall(requests, {"a": 0, "b": 99, "c": 50}) == 50


def test_what_had_its_turn_before_does_not_wait():
    requests = [request("a", 1), request("a", 60), request("b", 61)]
    assert stall(requests, {"a": 0, "b": 59}) == 1


def test_one_request_is_no_stall():
    assert stall([request("a", 1)], {"a": 0}) == 0
