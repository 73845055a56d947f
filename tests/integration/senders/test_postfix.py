"""Letters to a mail server of the world outside: Postfix."""

import asyncio
from dataclasses import replace
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pytest

from heyday.bootstrap.mail import build_letters, build_smtp
from heyday.domain.delivery import OutcomeKind
from heyday.domain.models import ClaimedMessage
from heyday.domain.sealing import NO_SEALS
from heyday.senders.smtp import SmtpSender
from heyday.settings import Settings
from heyday.settings.choices import SenderName, StartTls
from heyday.settings.senders import alone
from tests.certificates import Certificate
from tests.fakes import MESSAGE, FakeClock
from tests.mime_parser import parse_strictly
from tests.postfix import Postfix

ACCEPTED, REFUSED = OutcomeKind.ACCEPTED, OutcomeKind.REFUSED
TEXT = "Hey, Zoë!\n.\n..\nFrom here on\n" + "long " * 300


@pytest.fixture(params=["STARTTLS", "plain"])
def mailer(
    request: pytest.FixtureRequest,
    postfix: Postfix,
    certificate: Certificate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> SmtpSender:
    monkeypatch.chdir(tmp_path)
    starttls = StartTls.REQUIRED if request.param == "STARTTLS" else StartTls.NONE
    settings = Settings(
        SENDER=alone(SenderName.SMTP),
        HEYDAY_SMTP_URL=f"smtp://localhost:{postfix.port}",
        HEYDAY_SMTP_STARTTLS=starttls,
        HEYDAY_SMTP_CA_FILE=certificate.path,
        HEYDAY_SMTP_CONNECTIONS=3,
        HEYDAY_MAIL_FROM="Zoë at Acme <greetings@example.com>",
    )
    return build_smtp(settings, build_letters(settings, NO_SEALS), FakeClock())


def to(name: str, number: int = 0, text: str = TEXT) -> ClaimedMessage:
    key = f"00000000-0000-0000-0000-{number:012d}:BIRTHDAY:2027-01-14"
    return replace(MESSAGE, email=f"{name}@example.org", idempotency_key=key, text=text)


async def test_letters_arrive_as_they_were_written(mailer: SmtpSender, postfix: Postfix) -> None:
    async with mailer as sender:
        sent = [sender.send(to(f"person-{n}", n)) for n in range(20)]
        outcomes = await asyncio.gather(*sent, sender.send(to("żółw", 20)))
    assert {outcome.kind for outcome in outcomes} == {ACCEPTED}, outcomes
    assert all(outcome.provider_message_id for outcome in outcomes)
    letters = postfix.wait_for_letters(21)
    assert len(letters) == 21
    keys = set()
    for letter in letters:
        content = letter.replace(b"\n", b"\r\n")
        message = message_from_bytes(content, policy=SMTP)
        assert message.get_content() == TEXT.replace("\n", "\r\n") + "\r\n"
        assert message["From"] == "Zoë at Acme <greetings@example.com>"
        keys.add(message["Message-ID"])
        if message["To"].isascii():
            parse_strictly(content)
    assert len(keys) == 21


async def test_whom_it_refuses_is_refused_and_the_connection_goes_on(
    mailer: SmtpSender, postfix: Postfix
) -> None:
    async with mailer as sender:
        unknown = await sender.send(to("nobody"))
        relayed = await sender.send(replace(to("person"), email="person@example.net"))
        too_large = await sender.send(to("person", text="long " * 10_000))
        taken = await sender.send(to("person"))
    kinds = [outcome.kind for outcome in (unknown, relayed, too_large, taken)]
    assert kinds == [REFUSED, REFUSED, REFUSED, ACCEPTED]
    assert (unknown.code, relayed.code, too_large.code) == (550, 554, None)
    assert "SIZE" in (too_large.error or "")
    assert postfix.log().count("connect from") <= 4
