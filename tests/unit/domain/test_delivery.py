from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.delivery import DeliveryPolicy, Outcome, OutcomeKind, Trouble, moving_on
from heyday.domain.models import ClaimedMessage, Recorded
from heyday.domain.retry import RetryPolicy
from heyday.domain.transitions import Status, is_legal
from tests.fakes import MESSAGE, START_AT

KEYED = DeliveryPolicy(RetryPolicy(), key_lifetime=timedelta(hours=24))
UNKEYED = DeliveryPolicy(RetryPolicy(), key_lifetime=None)
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


HOLDING = DeliveryPolicy(RetryPolicy(), None, frozenset({MESSAGE.message_type}))
FORGETFUL = DeliveryPolicy(RetryPolicy(), key_lifetime=timedelta(minutes=15))


def test_ambiguous_is_held_at_once_where_the_message_type_says_so():
    recorded = record(HOLDING, MESSAGE, OutcomeKind.AMBIGUOUS)
    assert (recorded.status, recorded.ambiguous_since) == (Status.UNKNOWN, FINISHED_AT)
    other = replace(MESSAGE, message_type="ANNIVERSARY")
    assert record(HOLDING, other, OutcomeKind.AMBIGUOUS).status is Status.RETRYING
    assert record(HOLDING, MESSAGE, OutcomeKind.NOT_ACCEPTED).status is Status.RETRYING


def test_holding_is_for_providers_that_do_not_know_the_key():
    policy = replace(KEYED, holding=frozenset({MESSAGE.message_type}))
    assert record(policy, MESSAGE, OutcomeKind.AMBIGUOUS).status is Status.RETRYING


def test_since_when_it_is_ambiguous_is_kept():
    first = record(KEYED, MESSAGE, OutcomeKind.AMBIGUOUS)
    assert first.ambiguous_since == FINISHED_AT
    earlier = replace(after(1, ambiguous=1), ambiguous_since=START_AT)
    for kind in OutcomeKind:
        assert record(KEYED, earlier, kind).ambiguous_since == START_AT
    assert record(KEYED, MESSAGE, OutcomeKind.NOT_ACCEPTED).ambiguous_since is None


@pytest.mark.parametrize(
    ("minutes", "is_known"), [(0, True), (13.9, True), (14.1, False), (15, False), (600, False)]
)
def test_a_key_counts_for_as_long_as_the_provider_remembers_it(minutes: float, is_known: bool):  # noqa: FBT001
    since = FINISHED_AT - timedelta(minutes=minutes)
    second = replace(after(1, ambiguous=1), ambiguous_since=since)
    found = record(FORGETFUL, second, OutcomeKind.AMBIGUOUS).status
    assert found is (Status.RETRYING if is_known else Status.UNKNOWN)
    third = replace(second, ambiguous_count=2)
    assert FORGETFUL.may_attempt(third, FINISHED_AT) is is_known


def test_a_row_that_waited_until_its_key_was_forgotten_is_attempted_once_more_or_held():
    late = START_AT + timedelta(hours=20)
    once = replace(after(1, ambiguous=1), ambiguous_since=START_AT)
    twice = replace(once, ambiguous_count=2)
    assert FORGETFUL.may_attempt(once, late)
    assert not FORGETFUL.may_attempt(twice, late)
    assert not replace(FORGETFUL, holding=HOLDING.holding).may_attempt(once, late)
    assert KEYED.may_attempt(twice, late)
    assert record(FORGETFUL, twice, OutcomeKind.FORGOTTEN).status is Status.UNKNOWN


@pytest.mark.parametrize("policy", [KEYED, UNKEYED, HOLDING, FORGETFUL])
def test_what_a_person_sends_again_is_attempted(policy: DeliveryPolicy):
    again = replace(after(3, ambiguous=2), ambiguous_since=None)
    assert policy.may_attempt(again, START_AT + timedelta(days=1))


def test_retries_spent_after_an_ambiguous_attempt_are_not_called_failed_without_keys():
    doubtful = replace(after(5, ambiguous=1), ambiguous_since=START_AT)
    assert record(UNKEYED, doubtful, OutcomeKind.NOT_ACCEPTED).status is Status.UNKNOWN
    assert record(KEYED, doubtful, OutcomeKind.NOT_ACCEPTED).status is Status.FAILED


@pytest.mark.parametrize("kind", [OutcomeKind.NOT_ACCEPTED, OutcomeKind.AMBIGUOUS])
def test_a_probe_that_failed_costs_no_retry(kind: OutcomeKind):
    probe = Outcome(kind, trouble=Trouble.PROVIDER, is_probe=True)
    recorded = KEYED.record(after(5), probe, FINISHED_AT, MIDDLE)
    assert (recorded.status, recorded.retry_count) == (Status.RETRYING, 5)
    assert recorded.ambiguous_count == (kind is OutcomeKind.AMBIGUOUS)


def test_a_probe_is_no_way_around_the_one_repeat_without_keys():
    probe = Outcome(OutcomeKind.AMBIGUOUS, trouble=Trouble.PROVIDER, is_probe=True)
    recorded = UNKEYED.record(after(0, ambiguous=1), probe, FINISHED_AT, MIDDLE)
    assert recorded.status is Status.UNKNOWN


def test_an_answer_that_refuses_us_fails_a_greeting_but_not_one_that_only_probed():
    refusal = Outcome(OutcomeKind.REFUSED, code=401, trouble=Trouble.ACCOUNT)
    assert KEYED.record(MESSAGE, refusal, FINISHED_AT, MIDDLE).status is Status.FAILED
    probe = replace(refusal, is_probe=True)
    assert KEYED.record(MESSAGE, probe, FINISHED_AT, MIDDLE).status is Status.RETRYING
    about_the_message = Outcome(OutcomeKind.REFUSED, code=422, is_probe=True)
    assert KEYED.record(MESSAGE, about_the_message, FINISHED_AT, MIDDLE).status is Status.FAILED


def test_what_was_not_tried_is_left_alone_for_as_long_as_it_says():
    closed = Outcome(OutcomeKind.NOT_TRIED, retry_after=timedelta(seconds=40))
    recorded = UNKEYED.record(after(4), closed, FINISHED_AT, MIDDLE)
    assert recorded.next_attempt_at == FINISHED_AT + timedelta(seconds=40)
    assert recorded.retry_count == 4


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


policies = st.sampled_from([KEYED, UNKEYED, HOLDING, FORGETFUL])
kinds = st.sampled_from(OutcomeKind)
TRIED = [k for k in OutcomeKind if k not in {OutcomeKind.NOT_TRIED, OutcomeKind.FORGOTTEN}]


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


@given(policies, st.lists(st.sampled_from(TRIED)))
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
    if policy.key_lifetime is None:
        assert kinds_tried[: len(statuses)].count(OutcomeKind.AMBIGUOUS) <= 2


def test_a_provider_that_refuses_us_has_not_judged_the_message_for_others():
    refusal = Outcome(OutcomeKind.REFUSED, code=401, trouble=Trouble.ACCOUNT)
    assert moving_on(refusal) == replace(refusal, kind=OutcomeKind.NOT_ACCEPTED)


def test_how_long_one_provider_wants_to_be_left_alone_is_nothing_to_others():
    busy = Outcome(
        OutcomeKind.NOT_ACCEPTED, code=429, retry_after=timedelta(hours=1), trouble=Trouble.PACE
    )
    assert moving_on(busy) == replace(busy, retry_after=None)


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(OutcomeKind.ACCEPTED),
        Outcome(OutcomeKind.REFUSED, code=422),
        Outcome(OutcomeKind.NOT_TRIED, retry_after=timedelta(seconds=9)),
        Outcome(OutcomeKind.AMBIGUOUS, 503, retry_after=timedelta(seconds=9)),
        Outcome(OutcomeKind.AMBIGUOUS, trouble=Trouble.PROVIDER, retry_after=timedelta(seconds=9)),
    ],
)
def test_what_is_about_the_message_or_unclear_stays_as_it_is(outcome: Outcome):
    assert moving_on(outcome) is outcome
