"""What an answer to a batch says of each greeting in it."""

import json
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.senders.answers import Answer, judge
from heyday.senders.batch_answers import judge_batch
from tests.fakes import MESSAGE, START_AT

ACCEPTED, REFUSED = OutcomeKind.ACCEPTED, OutcomeKind.REFUSED
NOT_ACCEPTED, AMBIGUOUS = OutcomeKind.NOT_ACCEPTED, OutcomeKind.AMBIGUOUS
ADA, RENE, WEI = LETTERS = [
    MESSAGE,
    replace(MESSAGE, email="rené@example.org", text="Hey, René O'Brien it's your birthday"),
    replace(MESSAGE, email="wei.chen@example.net", text="Hey, Wei Chen it's your birthday"),
]


def judged(answer: Answer, *, honours_keys: bool = True) -> list[Outcome]:
    return judge_batch(answer, LETTERS, START_AT, honours_keys=honours_keys)


def results(*items: object, status: int = 200, retry_after: str | None = None) -> Answer:
    return Answer(status, json.dumps({"results": items}).encode(), retry_after=retry_after)


def test_each_is_judged_by_its_own_item():
    answer = results(
        {"success": True, "id": "m-1"}, {"status": 422, "error": "no such box"}, {"success": False}
    )
    first, second, third = judged(answer)
    assert (first.kind, first.code, first.provider_message_id) == (ACCEPTED, 200, "m-1")
    assert (second.kind, second.code, second.trouble) == (REFUSED, 422, None)
    assert second.body == '{"status": 422, "error": "no such box"}'
    assert (third.kind, third.code, third.trouble) == (NOT_ACCEPTED, 200, Trouble.PROVIDER)
    assert third.error == "the provider answered 200, but with success false"


def test_items_that_are_busy_wait_for_as_long_as_the_answer_says():
    answer = results({}, {"status": 429}, {"status": 503}, retry_after="7")
    first, second, third = judged(answer)
    assert first.kind is ACCEPTED
    assert (second.kind, second.trouble) == (NOT_ACCEPTED, Trouble.PACE)
    assert second.retry_after == timedelta(seconds=7)
    assert (third.kind, third.trouble) == (AMBIGUOUS, Trouble.PROVIDER)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (None, "its result is not readable"),
        ("ok", "its result is not readable"),
        ([], "its result is not readable"),
        ({"status": "200"}, "its result is not readable"),
        ({"status": 200.5}, "its result is not readable"),
        ({"status": True}, "its result is not readable"),
        ({"status": 0}, "its result has a status that is none of HTTP"),
        ({"status": 1000}, "its result has a status that is none of HTTP"),
        ({"success": "yes"}, "success is neither true nor false"),
        ({"success": None}, "success is neither true nor false"),
    ],
)
def test_an_item_that_says_nothing_is_ambiguous_and_the_others_are_not(item: object, reason: str):
    first, second, third = judged(results({}, item, {}))
    assert first.kind is third.kind is ACCEPTED
    assert (second.kind, second.trouble) == (AMBIGUOUS, Trouble.PROVIDER)
    assert second.error == f"the provider answered 200, but {reason}"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"results": [{}, {}]}', "with 2 results for 3 messages"),
        (b'{"results": [{}, {}, {}, {}]}', "with 4 results for 3 messages"),
        (b'{"results": []}', "with 0 results for 3 messages"),
        (b'{"results": {"0": {}, "1": {}, "2": {}}}', "without a list of results"),
        (b'{"success": true}', "without a list of results"),
        (b"[{}, {}, {}]", "without a list of results"),
        (b"<html>", "without a list of results"),
        (b"", "without a list of results"),
        (b"\xff", "without a list of results"),
        (b'{"results": [' + b"[" * 100_000, "without a list of results"),
    ],
)
def test_an_answer_that_says_nothing_of_each_is_ambiguous_for_all(body: bytes, reason: str):
    outcomes = judged(Answer(200, body))
    assert len(outcomes) == 3
    for outcome in outcomes:
        assert (outcome.kind, outcome.code) == (AMBIGUOUS, 200)
        assert outcome.trouble is Trouble.PROVIDER
        assert outcome.error == f"the provider answered 200, but {reason}"
        assert not outcome.is_of_batch


def test_an_answer_that_broke_off_is_ambiguous_for_all():
    (first, *_) = outcomes = judged(Answer(202, None, "the provider's answer broke off"))
    assert outcomes == [first] * 3
    assert first.kind is AMBIGUOUS
    assert first.error == "the provider answered 202, but the provider's answer broke off"


@pytest.mark.parametrize("status", [100, 302, 303, 400, 401, 404, 409, 413, 422, 429, 500, 503])
@pytest.mark.parametrize("honours_keys", [True, False])
def test_another_status_is_about_all_as_about_one(status: int, honours_keys: bool):  # noqa: FBT001
    answer = Answer(status, b'{"error": "no"}', retry_after="3")
    alone = judge(answer, MESSAGE, START_AT, honours_keys=honours_keys)
    outcomes = judged(answer, honours_keys=honours_keys)
    is_of_batch = alone.kind is REFUSED
    assert outcomes == [replace(alone, is_of_batch=is_of_batch)] * 3


def test_a_batch_of_one_that_is_refused_is_the_greeting_that_is():
    answer = Answer(422, b"{}")
    (outcome,) = judge_batch(answer, [MESSAGE], START_AT, honours_keys=True)
    assert outcome == judge(answer, MESSAGE, START_AT, honours_keys=True)


def test_nobody_is_named_in_what_is_stored_of_another():
    echo = {"status": 422, "error": f"{WEI.email}: {WEI.text}"}
    for outcome in judged(results(echo, echo, echo)):
        assert outcome.body
        assert not {"wei", "chen", "example.net"} & set(outcome.body.casefold().split())
        assert "wei" not in outcome.body.casefold()
    text = " ".join(f"{letter.email} {letter.text}" for letter in LETTERS)
    for answer in (Answer(422, text.encode()), Answer(200, text.encode())):
        for outcome in judged(answer):
            body = (outcome.body or "").casefold()
            assert body
            assert not any(name in body for name in ("ada", "lovelace", "rené", "brien", "chen"))


def test_what_is_long_is_not_stored():
    for outcome in judged(Answer(422, b'{"error": "' + b"x" * 70_000 + b'"}')):
        assert (outcome.kind, outcome.body) == (REFUSED, None)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 1000) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
items = st.fixed_dictionaries(
    {},
    optional={
        "success": st.sampled_from([True, False, "true", None, 1]),
        "id": values,
        "message_id": st.text(max_size=300),
        "error": st.text(max_size=50),
    },
)


@given(
    status=st.integers(200, 299),
    items=st.lists(st.tuples(st.none() | st.integers(100, 599), items), min_size=1, max_size=8),
    retry_after=st.none() | st.sampled_from(["3", "soon"]),
    honours_keys=st.booleans(),
)
def test_a_batch_and_single_calls_are_judged_alike(
    status: int,
    items: list[tuple[int | None, dict[str, object]]],
    retry_after: str | None,
    honours_keys: bool,  # noqa: FBT001 - drawn by name
):
    """Whatever an item says, alone it would have meant the same."""
    said = [item if code is None else {"status": code, **item} for code, item in items]
    answer = Answer(status, msgspec.json.encode({"results": said}), retry_after=retry_after)
    letters = [MESSAGE] * len(items)
    alone = [
        judge(
            Answer(code or status, msgspec.json.encode(item), retry_after=retry_after),
            MESSAGE,
            START_AT,
            honours_keys=honours_keys,
        )
        for (code, _), item in zip(items, said, strict=True)
    ]
    assert judge_batch(answer, letters, START_AT, honours_keys=honours_keys) == alone
