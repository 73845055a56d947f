from itertools import product

import pytest

from heyday.domain.errors import IllegalMove
from heyday.domain.transitions import (
    IN_FLIGHT,
    LEARNED_MOVES,
    LEGAL_MOVES,
    PENDING,
    Status,
    check_learned,
    check_move,
    is_legal,
)

# DESIGN section 4 row by row, written out anew. An edit moves an unsent row's instant, hence
# "-> SCHEDULED"; taking the edit back revives what it cancelled; an unconfirmed batch is
# published again from QUEUED; a person has what surely failed tried once more (docs/adr/0048).
TABLE = """
    SCHEDULED > SCHEDULED
    QUEUED > SCHEDULED
    RETRYING > SCHEDULED
    CANCELLED > SCHEDULED
    SCHEDULED > QUEUED
    RETRYING > QUEUED
    QUEUED > QUEUED
    QUEUED > SENDING
    SENDING > SENT
    SENDING > FAILED
    SENDING > RETRYING
    SENDING > UNKNOWN
    UNKNOWN > SENT
    UNKNOWN > RETRYING
    UNKNOWN > FAILED
    FAILED > RETRYING
    SCHEDULED > CANCELLED
    QUEUED > CANCELLED
    RETRYING > CANCELLED
    SCHEDULED > SKIPPED
    QUEUED > SKIPPED
    RETRYING > SKIPPED
"""
DESIGNED = {
    (Status(source), Status(target))
    for source, target in (line.split(" > ") for line in TABLE.split("\n    ")[1:])
    for target in [target.strip()]
}
MOVES = sorted(product(Status, Status))


def test_the_table_is_the_one_of_the_design():
    assert {(a, b) for a, targets in LEGAL_MOVES.items() for b in targets} == DESIGNED
    assert set(LEGAL_MOVES) == set(Status)


@pytest.mark.parametrize(("source", "target"), MOVES)
def test_a_move_is_made_only_if_it_is_legal(source: Status, target: Status):
    assert is_legal(source, target) == ((source, target) in DESIGNED)
    if is_legal(source, target):
        check_move(source, target)
    else:
        with pytest.raises(IllegalMove, match=f"cannot go from {source} to {target}; legal: "):
            check_move(source, target)


@pytest.mark.parametrize(("source", "target"), MOVES)
def test_a_ledger_teaches_what_was_sent_and_what_may_have_been(source: Status, target: Status):
    is_sent = target is Status.SENT and source is not Status.SENT
    is_in_doubt = target is Status.SENDING and source in PENDING
    if is_sent or is_in_doubt:
        check_learned(source, target)
    else:
        with pytest.raises(IllegalMove, match="no ledger of sends teaches that"):
            check_learned(source, target)
    assert set(LEARNED_MOVES) == set(Status) - {Status.SENT}


def test_the_statuses_are_fixed():
    assert [status.value for status in Status] == [
        "SCHEDULED",
        "QUEUED",
        "SENDING",
        "SENT",
        "FAILED",
        "RETRYING",
        "CANCELLED",
        "SKIPPED",
        "UNKNOWN",
    ]


def test_what_is_final_says_so():
    final = {status for status, targets in LEGAL_MOVES.items() if not targets}
    assert final == {Status.SENT, Status.SKIPPED}
    with pytest.raises(IllegalMove, match="legal: none: it is final"):
        check_move(Status.SENT, Status.QUEUED)


def test_only_what_is_not_yet_with_a_provider_can_be_cancelled():
    cancellable = {status for status in Status if is_legal(status, Status.CANCELLED)}
    assert cancellable == PENDING
    assert PENDING | {Status.SENDING} == IN_FLIGHT


def test_sending_is_reached_from_the_queue_alone():
    assert [status for status in Status if is_legal(status, Status.SENDING)] == [Status.QUEUED]


def test_every_status_can_be_reached_and_an_end_from_each():
    def reachable(start: Status) -> set[Status]:
        seen, todo = {start}, [start]
        while todo:
            fresh = LEGAL_MOVES[todo.pop()] - seen
            seen |= fresh
            todo += fresh
        return seen

    assert reachable(Status.SCHEDULED) == set(Status)
    ends = {Status.SENT, Status.FAILED, Status.SKIPPED}
    assert all(reachable(status) & ends for status in Status)
