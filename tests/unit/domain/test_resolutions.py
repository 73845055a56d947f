from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from heyday.domain.errors import Conflict, IllegalMove, InvalidInput
from heyday.domain.resolutions import (
    LONGEST_NOTE,
    Attempt,
    GreetingRow,
    History,
    check_cancellation,
    check_note,
    check_resolution,
    decisions_for,
)
from heyday.domain.transitions import LEGAL_MOVES, PENDING, Status
from tests.fakes import START_AT

SECOND = timedelta(seconds=1)
ROW = GreetingRow(
    id=UUID(int=1),
    user_id=UUID(int=2),
    idempotency_key=f"{UUID(int=2)}:BIRTHDAY:2027-01-14",
    message_type="BIRTHDAY",
    delivery_on=START_AT.date(),
    scheduled_send_at=START_AT,
    actual_send_at=None,
    status=Status.UNKNOWN,
    retry_count=1,
    ambiguous_count=2,
    created_at=START_AT - timedelta(days=2),
    queued_at=None,
    next_attempt_at=None,
    response_code=None,
    error=None,
)
IN_TIME = {"BIRTHDAY": START_AT}
DECISIONS = sorted(LEGAL_MOVES[Status.UNKNOWN])


@pytest.mark.parametrize("source", Status)
@pytest.mark.parametrize("target", DECISIONS)
def test_a_person_settles_what_is_unknown_and_nothing_else(source: Status, target: Status):
    row = replace(ROW, status=source)
    if source is Status.UNKNOWN:
        check_resolution(row, target, IN_TIME)
        return
    with pytest.raises(IllegalMove, match=f"cannot go from {source} to {target}") as refused:
        check_resolution(row, target, IN_TIME)
    assert (refused.value.source, refused.value.target) == (source, target)


@pytest.mark.parametrize("target", sorted(set(Status) - set(DECISIONS)))
def test_a_person_makes_no_other_move(target: Status):
    for status in (Status.UNKNOWN, Status.SCHEDULED):
        with pytest.raises(IllegalMove):
            check_resolution(replace(ROW, status=status), target, IN_TIME)


@pytest.mark.parametrize("status", Status)
def test_a_person_cancels_what_nobody_sends_yet(status: Status):
    row = replace(ROW, status=status)
    if status in PENDING:
        check_cancellation(row)
        return
    with pytest.raises(IllegalMove, match=f"cannot go from {status} to CANCELLED"):
        check_cancellation(row)


@pytest.mark.parametrize("status", Status)
def test_what_a_person_may_do_is_what_is_not_refused(status: Status):
    row, allowed = replace(ROW, status=status), set()
    for target in (*DECISIONS, Status.CANCELLED):
        try:
            if target is Status.CANCELLED:
                check_cancellation(row)
            else:
                check_resolution(row, target, IN_TIME)
        except IllegalMove:
            continue
        allowed.add(target)
    assert decisions_for(row) == allowed


@pytest.mark.parametrize("target", DECISIONS)
def test_what_failed_and_was_surely_never_taken_is_tried_again_and_nothing_else(target: Status):
    row = replace(ROW, status=Status.FAILED, ambiguous_count=0)
    assert decisions_for(row) == {Status.RETRYING}
    if target is Status.RETRYING:
        check_resolution(row, target, IN_TIME)
        return
    with pytest.raises(IllegalMove, match="what a person may make of it now: RETRYING"):
        check_resolution(row, target, IN_TIME)


def test_what_failed_and_may_have_been_taken_is_not_tried_again():
    row = replace(ROW, status=Status.FAILED, ambiguous_count=1)
    with pytest.raises(IllegalMove, match="could be a second letter"):
        check_resolution(row, Status.RETRYING, IN_TIME)


def test_what_failed_too_long_ago_is_not_tried_again():
    row = replace(ROW, status=Status.FAILED, ambiguous_count=0)
    late = {"BIRTHDAY": START_AT + timedelta(microseconds=1)}
    with pytest.raises(Conflict, match=r"would only be SKIPPED$"):
        check_resolution(row, Status.RETRYING, late)


def test_a_retry_must_come_in_time():
    late = {"BIRTHDAY": START_AT + timedelta(microseconds=1)}
    with pytest.raises(Conflict, match="would only be SKIPPED"):
        check_resolution(ROW, Status.RETRYING, late)
    check_resolution(ROW, Status.SENT, late)
    check_resolution(ROW, Status.FAILED, late)


@pytest.mark.parametrize("note", [None, "x", "x" * LONGEST_NOTE, "laut Protokoll, früh"])
def test_a_note_is_one_line_of_text(note: str | None):
    check_note(note)


@pytest.mark.parametrize("note", ["", " ", "a\tb", "a\x00b", "ada@example.com", "x" * 501])
def test_a_note_is_refused_for_what_it_holds(note: str):
    with pytest.raises(InvalidInput) as refused:
        check_note(note)
    assert [problem.field for problem in refused.value.problems] == ["note"]
    assert "example" not in str(refused.value)


def test_a_plain_first_success_is_told_by_its_row():
    row = replace(
        ROW, status=Status.SENT, queued_at=START_AT - SECOND, actual_send_at=START_AT + SECOND
    )
    assert [event.text for event in History(row, []).events()] == [
        "planned",
        "queued, for the last time",
        "due",
        "accepted at the first attempt: SENT",
    ]


def test_what_a_person_found_to_be_sent_is_told_by_the_decision():
    row = replace(ROW, status=Status.SENT, actual_send_at=START_AT + SECOND)
    attempts = [
        Attempt(1, 1, "ambiguous", Status.UNKNOWN, START_AT + SECOND, 503, "cut off"),
        Attempt(1, 2, "resolved", Status.SENT, START_AT + 2 * SECOND, None, None),
    ]
    assert [event.text for event in History(row, attempts).events()][2:] == [
        "attempt 1: ambiguous, to be UNKNOWN, HTTP 503 (cut off)",
        "a person decided: SENT",
    ]


def test_what_waits_for_its_next_attempt_says_when():
    row = replace(ROW, status=Status.RETRYING, next_attempt_at=START_AT + SECOND)
    assert History(row, []).events()[-1].text == "the next attempt may start"
    assert History(replace(row, status=Status.QUEUED), []).events()[-1].text == "due"
