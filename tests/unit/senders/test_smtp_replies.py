"""What replies of mail servers mean."""

from datetime import timedelta

import pytest

from heyday.domain.delivery import OutcomeKind, Trouble
from heyday.senders.smtp_replies import Reply, Step, classify, judge
from tests.fakes import MESSAGE

REFUSED, NOT_ACCEPTED = OutcomeKind.REFUSED, OutcomeKind.NOT_ACCEPTED
LATER = timedelta(minutes=5)


def reply(text: str) -> Reply:
    return Reply(int(text[:3]), (text[4:],))


@pytest.mark.parametrize("step", list(Step))
def test_a_delay_is_never_a_refusal_nor_unclear(step: Step) -> None:
    for code in (421, 450, 451, 452, 454, 455, 471, 499):
        for enhanced in ("", "4.1.1 ", "4.2.2 ", "4.3.0 ", "4.7.0 ", "5.1.1 "):
            assert classify(step, reply(f"{code} {enhanced}x"))[0] is NOT_ACCEPTED


@pytest.mark.parametrize("step", list(Step))
def test_only_a_yes_to_the_letter_is_an_acceptance(step: Step) -> None:
    kind = classify(step, reply("250 2.0.0 Ok"))[0]
    is_last = step is Step.LETTER
    assert kind is (OutcomeKind.ACCEPTED if is_last else NOT_ACCEPTED)


@pytest.mark.parametrize(
    ("step", "said", "kind", "trouble", "wait"),
    [
        (Step.RECIPIENT, "550 5.1.1 x", REFUSED, None, None),
        (Step.RECIPIENT, "550 x", REFUSED, None, None),
        (Step.RECIPIENT, "552 5.2.2 full", REFUSED, None, None),
        (Step.RECIPIENT, "550 5.1.8 your domain", NOT_ACCEPTED, Trouble.ACCOUNT, None),
        (Step.RECIPIENT, "554 5.7.1 x", REFUSED, Trouble.ACCOUNT, None),
        (Step.RECIPIENT, "530 5.7.0 log in", NOT_ACCEPTED, Trouble.ACCOUNT, None),
        (Step.RECIPIENT, "452 4.2.2 full", NOT_ACCEPTED, None, LATER),
        (Step.RECIPIENT, "450 4.7.1 Greylisted", NOT_ACCEPTED, None, LATER),
        (Step.RECIPIENT, "452 4.5.3 Too many recipients", NOT_ACCEPTED, Trouble.PACE, None),
        (Step.RECIPIENT, "451 4.3.0 x", NOT_ACCEPTED, Trouble.PROVIDER, None),
        (Step.SENDER, "550 5.7.60 x", NOT_ACCEPTED, Trouble.ACCOUNT, None),
        (Step.SENDER, "552 5.3.4 too big", REFUSED, None, None),
        (Step.LOG_IN, "535 5.7.8 x", NOT_ACCEPTED, Trouble.ACCOUNT, None),
        (Step.LOG_IN, "454 4.7.0 later", NOT_ACCEPTED, Trouble.PROVIDER, None),
        (Step.CONNECT, "554 no", NOT_ACCEPTED, Trouble.PROVIDER, None),
        (Step.LETTER, "554 5.7.1 spam", REFUSED, Trouble.ACCOUNT, None),
        (Step.LETTER, "554 5.6.0 x", REFUSED, None, None),
        (Step.LETTER, "454 4.7.0 Throttling failure", NOT_ACCEPTED, Trouble.PACE, None),
        (Step.LETTER, "354 x", OutcomeKind.AMBIGUOUS, Trouble.PROVIDER, None),
    ],
)
def test_what_is_meant(
    step: Step, said: str, kind: OutcomeKind, trouble: Trouble | None, wait: timedelta | None
) -> None:
    assert classify(step, reply(said)) == (kind, trouble, wait)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("250 2.0.0 Ok: queued as 4F2B1C0DE2", "4F2B1C0DE2"),  # pragma: allowlist secret
        ("250 OK id=1tFqXk-0001Ab-2Z", "1tFqXk-0001Ab-2Z"),
        ("250 Ok 0102018f-7a", "0102018f-7a"),
        ("250 2.0.0 OK completed", None),
        ("250 2.0.0 Ok", None),
        ("250 ", None),
    ],
)
def test_the_name_that_a_server_gives_a_letter(said: str, name: str | None) -> None:
    assert judge(Step.LETTER, reply(said), MESSAGE).provider_message_id == name


def test_a_reply_without_a_line_is_judged_by_its_code() -> None:
    assert classify(Step.RECIPIENT, Reply(550, ()))[0] is REFUSED
