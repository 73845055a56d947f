"""Greetings reach only whom they may, whatever the sender."""

from dataclasses import replace

import pytest

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.models import ClaimedMessage
from heyday.services.safe_mode import MARK, SafeSender, Safety
from tests.fakes import MESSAGE, RecordingSender

SAFE = "tester@example.net"


def to(*addresses: str) -> list[ClaimedMessage]:
    return [
        replace(MESSAGE, email=address, idempotency_key=f"key-{n}")
        for n, address in enumerate(addresses)
    ]


async def test_every_letter_goes_to_the_one_address_and_says_that_it_is_a_test() -> None:
    inner = RecordingSender(batch_size=10)
    people = [*to("ada@example.com", "alan@example.org"), replace(MESSAGE, subject="Hello")]
    outcomes = await SafeSender(inner, Safety(SAFE)).send_many(people)
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.ACCEPTED] * 3
    assert {message.email for message in inner.sent} == {SAFE}
    assert [m.subject for m in inner.sent] == [*[f"{MARK}Happy birthday!"] * 2, f"{MARK}Hello"]
    for message in inner.sent:
        assert "ada" not in f"{message.subject} {message.email}"


async def test_a_letter_to_another_domain_is_refused_before_any_call() -> None:
    inner = RecordingSender(batch_size=10)
    sender = SafeSender(inner, Safety(domains=frozenset({"example.com", "xn--bcher-kva.example"})))
    wanted = ["ada@example.com", "x@EXAMPLE.com", "a@bücher.example"]
    others = ["x@example.org", "x@sub.example.com", "x@example.com.evil.org", "no address", ""]
    people = to(
        *[a for pair in zip(others, [*wanted, "b@evil.org", ""], strict=True) for a in pair]
    )
    outcomes = await sender.send_many(people)
    assert [message.email for message in inner.sent] == wanted
    for message, outcome in zip(people, outcomes, strict=True):
        is_wanted = message.email in wanted
        assert outcome.kind is (OutcomeKind.ACCEPTED if is_wanted else OutcomeKind.REFUSED)
        assert is_wanted or "HEYDAY_ALLOWED_DOMAINS" in (outcome.error or "")
    inner.sent.clear()
    assert [o.kind for o in await sender.send_many(to("x@evil.org"))] == [OutcomeKind.REFUSED]
    assert inner.calls == [len(wanted)]


async def test_each_outcome_is_that_of_its_own_letter() -> None:
    inner = RecordingSender(batch_size=10)
    inner.script("key-2", Outcome(OutcomeKind.AMBIGUOUS))
    sender = SafeSender(inner, Safety(domains=frozenset({"example.com"})))
    outcomes = await sender.send_many(to("a@evil.org", "b@example.com", "c@example.com"))
    kinds = [outcome.kind for outcome in outcomes]
    assert kinds == [OutcomeKind.REFUSED, OutcomeKind.ACCEPTED, OutcomeKind.AMBIGUOUS]


async def test_a_batch_that_is_refused_as_a_whole_goes_again_as_a_whole() -> None:
    inner = RecordingSender(batch_size=10)
    whole = Outcome(OutcomeKind.REFUSED, is_of_batch=True)
    inner.script("key-1", whole)
    sender = SafeSender(inner, Safety(domains=frozenset({"example.com"})))
    assert await sender.send_many(to("a@evil.org", "b@example.com")) == [whole, whole]


@pytest.mark.parametrize(
    ("safety", "is_on"),
    [
        (Safety(), False),
        (Safety(SAFE), True),
        (Safety(domains=frozenset({"example.com"})), True),
    ],
)
def test_it_is_on_where_anything_is_held_back(safety: Safety, is_on: bool) -> None:  # noqa: FBT001 - a case
    assert safety.is_on is is_on
    assert safety.redirect(MESSAGE).email == (SAFE if safety.address else MESSAGE.email)


def test_the_rest_is_passed_on() -> None:
    inner = RecordingSender(batch_size=7)
    sender = SafeSender(inner, Safety(SAFE))
    sender.make_ready(3)
    assert (sender.batch_size, sender.key_lifetime) == (7, inner.key_lifetime)
    assert inner.expected == [3]
