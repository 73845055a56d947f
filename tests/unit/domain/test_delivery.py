from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.delivery import DeliveryPolicy, Outcome, OutcomeKind
from heyday.domain.models import ClaimedMessage, Recorded
from heyday.domain.retry import RetryPolicy
from heyday.domain.transitions import Status, is_legal
from tests.fakes import MESSAGE, START_AT

KEYED = DeliveryPolicy(RetryPolicy(), honours_keys=True)
UNKEYED = DeliveryPolicy(RetryPolicy(), honours_keys=False)
FINISHED_AT = START_AT + timedelta(seconds=1)
MIDDLE = 0.5


def after(retries: int, ambiguous: int = 0) -> ClaimedMessage:
    return replace(MESSAGE, retry_count=retries, ambiguous_count=ambiguous)


def record(policy: DeliveryPolicy, message: ClaimedMessage, kind: OutcomeKind) -> Recorded:
    return policy.record(message, Outcome(kind), FINISHED_AT, MIDDLE)


@pytest.mark.parametrize("policy", [KEYED, UNKEYED])
@pytest.mark.parametrize("retries", [0, 3, 5, 99])
def test_accepted_is_sent_and_refused_is_failed_at_any_attempt(
    policy: DeliveryPolicy, retries: int
):
    for ambiguous in (0, 1):
        message = after(retries, ambiguous)
        assert record(policy, message, OutcomeKind.ACCEPTED).status is Status.SENT
        assert record(policy, message, OutcomeKind.REFUSED).status is Status.FAILED


@pytest.mark.parametrize("policy", [KEYED, UNKEYED])
def test_surely_not_accepted_is_retried_until_the_retries_are_spent(policy: DeliveryPolicy):
    found = [record(policy, after(n), OutcomeKind.NOT_ACCEPTED).status for n in range(7)]
    assert found == [Status.RETRYING] * 5 + [Status.FAILED] * 2


def test_ambiguous_is_retried_with_the_same_key_where_keys_are_honoured():
    found = [record(KEYED, after(n, ambiguous=n), OutcomeKind.AMBIGUOUS).status for n in range(7)]
    assert found == [Status.RETRYING] * 5 + [Status.FAILED] * 2


def test_ambiguous_is_retried_once_where_keys_are_not_honoured():
    first = record(UNKEYED, after(2), OutcomeKind.AMBIGUOUS)
    assert (first.status, first.ambiguous_count) == (Status.RETRYING, 1)
    second = record(UNKEYED, after(3, ambiguous=1), OutcomeKind.AMBIGUOUS)
    assert (second.status, second.ambiguous_count) == (Status.UNKNOWN, 2)


def test_a_last_attempt_that_was_ambiguous_is_not_called_failed_without_keys():
    assert record(UNKEYED, after(5), OutcomeKind.AMBIGUOUS).status is Status.UNKNOWN


def test_no_attempt_costs_no_retry_and_no_wait():
    recorded = record(UNKEYED, after(5, ambiguous=1), OutcomeKind.NOT_TRIED)
    assert recorded.status is Status.RETRYING
    assert (recorded.retry_count, recorded.ambiguous_count) == (5, 1)
    assert recorded.next_attempt_at == FINISHED_AT


@pytest.mark.parametrize("kind", [OutcomeKind.NOT_ACCEPTED, OutcomeKind.AMBIGUOUS])
def test_a_retry_is_counted_and_spaced(kind: OutcomeKind):
    recorded = record(KEYED, after(2), kind)
    assert recorded.retry_count == 3
    assert recorded.next_attempt_at == FINISHED_AT + timedelta(seconds=8)


def test_retry_after_is_obeyed():
    busy = Outcome(OutcomeKind.NOT_ACCEPTED, code=429, retry_after=timedelta(seconds=77))
    recorded = KEYED.record(MESSAGE, busy, FINISHED_AT, MIDDLE)
    assert recorded.next_attempt_at == FINISHED_AT + timedelta(seconds=77)


def test_what_is_written_down():
    outcome = Outcome(OutcomeKind.ACCEPTED, 200, "{}", None, None, "m-1")
    assert KEYED.record(after(2, ambiguous=1), outcome, FINISHED_AT, MIDDLE) == Recorded(
        message_id=MESSAGE.id,
        scheduled_send_at=MESSAGE.scheduled_send_at,
        epoch=MESSAGE.epoch,
        status=Status.SENT,
        attempt=3,
        outcome="accepted",
        finished_at=FINISHED_AT,
        retry_count=2,
        ambiguous_count=1,
        response_code=200,
        response_body="{}",
        provider_message_id="m-1",
    )


def test_a_fault_is_written_down():
    outcome = Outcome(OutcomeKind.AMBIGUOUS, error="no answer")
    assert KEYED.record(MESSAGE, outcome, FINISHED_AT, MIDDLE).error == "no answer"


policies = st.builds(DeliveryPolicy, st.just(RetryPolicy()), st.booleans())
kinds = st.sampled_from(OutcomeKind)


@given(policies, kinds, st.integers(0, 9), st.integers(0, 9), st.floats(0, 1, exclude_max=True))
def test_every_outcome_is_a_legal_move_that_loses_nothing(
    policy: DeliveryPolicy, kind: OutcomeKind, retries: int, ambiguous: int, jitter: float
):
    message = after(retries, ambiguous)
    recorded = policy.record(message, Outcome(kind), FINISHED_AT, jitter)
    assert is_legal(Status.SENDING, recorded.status)
    assert recorded.retry_count >= retries
    assert recorded.ambiguous_count == ambiguous + (kind is OutcomeKind.AMBIGUOUS)
    if recorded.next_attempt_at is None:
        assert recorded.status is not Status.RETRYING
    else:
        assert recorded.status is Status.RETRYING
        assert recorded.next_attempt_at >= FINISHED_AT


@given(policies, st.lists(kinds.filter(lambda kind: kind is not OutcomeKind.NOT_TRIED)))
def test_a_greeting_ends_after_six_attempts_and_with_one_ambiguous_resend_at_most(
    policy: DeliveryPolicy, faults: list[OutcomeKind]
):
    message, statuses = MESSAGE, list[Status]()
    kinds_tried = [*faults, *[OutcomeKind.AMBIGUOUS] * 6]
    for kind in kinds_tried:
        recorded = record(policy, message, kind)
        statuses.append(recorded.status)
        if recorded.status is not Status.RETRYING:
            break
        message = after(recorded.retry_count, recorded.ambiguous_count)
    assert statuses[-1] in {Status.SENT, Status.FAILED, Status.UNKNOWN}
    assert len(statuses) <= 6
    if not policy.honours_keys:
        assert kinds_tried[: len(statuses)].count(OutcomeKind.AMBIGUOUS) <= 2
