"""What notes in a ledger say of one greeting."""

from datetime import timedelta

import pytest

from heyday.domain.sends import NotedSend
from tests.fakes import START_AT

LATER = START_AT + timedelta(seconds=3)


def noted(*outcomes: str | None) -> NotedSend:
    """Return what is known after attempts that ended so; None: nothing was noted of the end."""
    send = NotedSend(START_AT, "http")
    for outcome in outcomes:
        send.begin(START_AT, "http")
        if outcome:
            send.end(LATER, outcome)
    send.close()
    return send


@pytest.mark.parametrize(
    ("outcomes", "is_accepted", "doubts"),
    [
        ((), False, 0),
        (("accepted",), True, 0),
        (("refused",), False, 0),
        (("not_accepted", "accepted"), True, 0),
        (("not_tried",), False, 0),
        (("ambiguous",), False, 1),
        ((None,), False, 1),
        (("ambiguous", "refused"), False, 1),
        ((None, "not_accepted"), False, 1),
        (("ambiguous", None), False, 2),
        (("ambiguous", "accepted"), True, 1),
        (("accepted", None), True, 1),
    ],
)
def test_an_attempt_without_a_clear_end_leaves_a_doubt_until_one_is_accepted(
    outcomes: tuple[str | None, ...], doubts: int, *, is_accepted: bool
) -> None:
    send = noted(*outcomes)
    assert (send.accepted_at is not None) == is_accepted
    assert send.doubts == doubts
    assert send.is_in_doubt == (bool(doubts) and not is_accepted)


def test_a_doubt_is_as_old_as_its_call() -> None:
    assert noted("ambiguous", None).in_doubt_since == START_AT


def test_it_left_through_the_sender_that_took_it() -> None:
    send = NotedSend(START_AT, "ses")
    send.begin(START_AT, "smtp")
    send.end(START_AT, "accepted")
    send.begin(LATER, "ses")
    assert send.sender == "smtp"
