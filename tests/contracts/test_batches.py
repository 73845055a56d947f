"""Many letters by one call: each has its own text and its own outcome, whatever befalls it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from heyday.domain.delivery import OutcomeKind, Trouble
from tests.contracts import postmark, resend
from tests.contracts.scene import BATCHING, ORIGIN, PROVIDERS, WRITER, keys_of, messages, sender_for
from tests.contracts.stub import Act, Incoming, Reply, Stub

ACCEPTED, REFUSED = OutcomeKind.ACCEPTED, OutcomeKind.REFUSED
NOT_ACCEPTED, AMBIGUOUS = OutcomeKind.NOT_ACCEPTED, OutcomeKind.AMBIGUOUS
SHORT = timedelta(milliseconds=600)
EACH = pytest.mark.parametrize("name", BATCHING)


def contract_refusing(name: str, address: str) -> "postmark.Postmark | resend.Resend":
    if name == "postmark":
        choosy = postmark.Postmark()
        choosy.codes[address] = 406
        return choosy
    strict = resend.Resend()
    strict.invalid.add(address)
    return strict


def test_those_that_take_batches_are_known():
    assert BATCHING == ["postmark", "resend"]


@EACH
async def test_as_many_as_a_call_may_carry_go_out_by_one(name: str):
    most = PROVIDERS[name].speak("", ORIGIN).batch_limit
    greetings = messages(most)
    async with Stub(PROVIDERS[name].contract()) as stub:
        async with sender_for(name, stub.url, most) as sender:
            outcomes = await sender.send_many(greetings)
        assert len(stub.requests) == 1
        assert list(stub.accepted) == keys_of(greetings)
    assert {outcome.kind for outcome in outcomes} == {ACCEPTED}
    assert len({outcome.provider_message_id for outcome in outcomes}) == most


@EACH
async def test_each_letter_has_its_own_text_and_headers(name: str):
    one, other = messages(2)
    letters = [WRITER.write(greeting) for greeting in (one, replace(other, text="Another"))]
    async with (
        Stub(PROVIDERS[name].contract()) as stub,
        sender_for(name, stub.url, 10) as sender,
    ):
        await sender.send_many([one, replace(other, text="Another")])
        items = json.loads(stub.requests[0].body)
    for item, letter in zip(items, letters, strict=True):
        said = json.dumps(item)
        assert letter.text in said
        assert f"<{letter.unsubscribe_url}>" in said


@EACH
async def test_one_in_the_middle_that_is_refused_fails_alone(name: str):
    greetings = messages(7)
    async with Stub(contract_refusing(name, greetings[3].email)) as stub:
        async with sender_for(name, stub.url, 10) as sender:
            outcomes = await sender.send_many(greetings)
        taken = [g for g in greetings if g is not greetings[3]]
        assert list(stub.accepted) == keys_of(taken)
    kinds = [outcome.kind for outcome in outcomes]
    assert kinds == [ACCEPTED] * 3 + [REFUSED] + [ACCEPTED] * 3
    assert not any(outcome.is_of_batch for outcome in outcomes)
    ids = [o.provider_message_id for o in outcomes if o.kind is ACCEPTED]
    assert ids == sorted(ids, key=str)
    assert len(set(ids)) == 6


@pytest.mark.parametrize(
    ("code", "kind", "trouble"),
    [
        (300, REFUSED, None),
        (406, REFUSED, None),
        (405, NOT_ACCEPTED, Trouble.ACCOUNT),
        (429, NOT_ACCEPTED, Trouble.PACE),
        (100, NOT_ACCEPTED, Trouble.PROVIDER),
    ],
)
async def test_each_result_of_postmark_means_what_it_would_alone(
    code: int, kind: OutcomeKind, trouble: Trouble | None
):
    greetings = messages(3)
    contract = postmark.Postmark()
    contract.codes[greetings[1].email] = code
    async with Stub(contract) as stub, sender_for("postmark", stub.url, 10) as sender:
        outcomes = await sender.send_many(greetings)
    assert [outcome.kind for outcome in outcomes] == [ACCEPTED, kind, ACCEPTED]
    assert outcomes[1].trouble is trouble
    assert outcomes[1].error == f"the provider answered 200 ({code})"


@EACH
@pytest.mark.parametrize("act", Act)
async def test_a_call_without_an_answer_is_ambiguous_for_exactly_its_members(name: str, act: Act):
    greetings = messages(9)

    def second(_: Incoming, number: int) -> Act | None:
        return act if number == 2 else None

    async with Stub(PROVIDERS[name].contract(), second) as stub:
        async with sender_for(name, stub.url, 3, within=SHORT) as sender:
            outcomes = [
                outcome
                for at in range(0, 9, 3)
                for outcome in await sender.send_many(greetings[at : at + 3])
            ]
        if act is not Act.HANG:
            assert list(stub.accepted) == keys_of(greetings)
    assert [o.kind for o in outcomes] == [ACCEPTED] * 3 + [AMBIGUOUS] * 3 + [ACCEPTED] * 3
    assert {o.trouble for o in outcomes[3:6]} == {Trouble.PROVIDER}


@EACH
async def test_a_batch_that_is_refused_as_a_whole_says_nothing_of_each(name: str):
    greetings = messages(3)
    async with (
        Stub(PROVIDERS[name].contract(), lambda _, __: Reply(413, b"{}")) as stub,
        sender_for(name, stub.url, 10) as sender,
    ):
        outcomes = await sender.send_many(greetings)
    assert [(o.kind, o.is_of_batch) for o in outcomes] == [(REFUSED, True)] * 3


@EACH
@pytest.mark.parametrize("status", [200, 413])
async def test_whose_address_is_none_is_in_no_call(name: str, status: int):
    greetings = messages(3)
    greetings[0] = replace(greetings[0], email="a@example.com, b@example.com")

    def behave(_: Incoming, __: int) -> Reply | None:
        return None if status == 200 else Reply(status, b"{}")

    async with Stub(PROVIDERS[name].contract(), behave) as stub:
        async with sender_for(name, stub.url, 10) as sender:
            outcomes = await sender.send_many(greetings)
        assert len(json.loads(stub.requests[0].body)) == 2
    if status == 200:
        assert [outcome.kind for outcome in outcomes] == [REFUSED, ACCEPTED, ACCEPTED]
    else:  # all go again, in halves: else the two would fail for the size of the whole
        assert [outcome.is_of_batch for outcome in outcomes] == [True] * 3


@EACH
@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'{"data": []}',
        b'{"data": [{"id": "a"}]}',
        b'{"data": [{"id": "a"}, {"id": "b"}, {"id": "c"}], "errors": [{"index": 1}]}',
        b'{"data": [{"id": "a"}, {"id": "b"}], "errors": [{"index": 7}]}',
        b'[{"ErrorCode": 0, "MessageID": "a"}]',
        b'[{"ErrorCode": 0}, {"ErrorCode": 0}, {"ErrorCode": 0}]',
        b'[{"ErrorCode": "no"}, {}, null]',
    ],
)
async def test_results_that_are_not_one_for_each_say_nothing_of_any(name: str, body: bytes):
    async with (
        Stub(PROVIDERS[name].contract(), lambda _, __: Reply(200, body)) as stub,
        sender_for(name, stub.url, 10) as sender,
    ):
        outcomes = await sender.send_many(messages(3))
    assert [outcome.kind for outcome in outcomes] == [AMBIGUOUS] * 3


@EACH
def test_in_a_batch_no_letter_has_a_key(name: str):
    assert sender_for(name, "http://127.0.0.1:9", batch_size=2).key_lifetime is None


async def test_no_key_goes_along_with_a_batch():
    async with Stub(resend.Resend()) as stub, sender_for("resend", stub.url, 2) as sender:
        await sender.send_many(messages(2))
        await sender.send_many(messages(1))
    batch, single = stub.requests
    assert batch.headers["Idempotency-Key"] is None
    assert single.headers["Idempotency-Key"] == messages(1)[0].idempotency_key
