"""Letters to a mail server that others wrote in Python: aiosmtpd."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email import message_from_bytes
from email.policy import SMTP as POLICY
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from heyday.bootstrap.mail import build_letters, build_smtp
from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.models import ClaimedMessage
from heyday.domain.sealing import NO_SEALS
from heyday.senders.smtp import SmtpSender
from heyday.settings import Settings
from tests.certificates import Certificate
from tests.fakes import MESSAGE, FakeClock

USER, PASSWORD = "ada@example.com", "pass wörd"
LOGIN = "ada%40example.com:pass%20w%C3%B6rd@"


class Keeper:
    """Keep what came."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_RCPT(self, *call: Any) -> str:  # noqa: N802 - as aiosmtpd calls it
        _, _, envelope, address, _ = call
        if address.startswith("nobody"):
            return "550 5.1.1 No such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, *call: Any) -> str:  # noqa: N802 - the same
        self.envelopes.append(call[2])
        return "250 2.0.0 Ok: queued as 12345678"


def check_login(*call: Any) -> AuthResult:
    known = LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=call[-1] == known, handled=False)


@asynccontextmanager
async def serving(
    keeper: Keeper, wrapped_in: ssl.SSLContext | None = None, **how: Any
) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()

    def begin() -> SMTP:
        return SMTP(keeper, hostname="mail.example.com", loop=loop, **how)

    server = await loop.create_server(begin, "127.0.0.1", 0, ssl=wrapped_in)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture(autouse=True)
def _no_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sender_to(url: str, **settings: object) -> SmtpSender:
    names = {"SENDER": "smtp", "HEYDAY_MAIL_FROM": "Acme <a@example.com>", "HEYDAY_SMTP_URL": url}
    made = Settings(**(names | settings))  # type: ignore[arg-type] # by their aliases
    return build_smtp(made, build_letters(made, NO_SEALS), FakeClock())


async def send(sender: SmtpSender, message: ClaimedMessage = MESSAGE) -> Outcome:
    async with sender:
        return await sender.send(message)


async def test_a_letter_is_taken_and_can_be_read() -> None:
    keeper = Keeper()
    async with serving(keeper, enable_SMTPUTF8=True) as port:
        outcome = await send(sender_to(f"smtp://127.0.0.1:{port}"), replace(MESSAGE, text="Zoë\n."))
    assert (outcome.kind, outcome.provider_message_id) == (OutcomeKind.ACCEPTED, "12345678")
    (envelope,) = keeper.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("a@example.com", [MESSAGE.email])
    assert isinstance(envelope.content, bytes)
    message = message_from_bytes(envelope.content, policy=POLICY)
    assert message.get_content() == "Zoë\r\n.\r\n"


async def test_an_address_beyond_ascii_needs_smtputf8() -> None:
    jan = replace(MESSAGE, email="żółw@example.org")
    for offers, kind in ((True, OutcomeKind.ACCEPTED), (False, OutcomeKind.REFUSED)):
        keeper = Keeper()
        async with serving(keeper, enable_SMTPUTF8=offers) as port:
            assert (await send(sender_to(f"smtp://127.0.0.1:{port}"), jan)).kind is kind
        assert [e.rcpt_tos for e in keeper.envelopes] == ([["żółw@example.org"]] if offers else [])


async def test_who_is_not_known_is_refused_and_the_next_is_not() -> None:
    keeper = Keeper()
    async with serving(keeper) as port, sender_to(f"smtp://127.0.0.1:{port}") as sender:
        kinds = [
            (await sender.send(replace(MESSAGE, email=f"{who}@example.org"))).kind
            for who in ("nobody", "ada", "nobody", "alan")
        ]
    assert kinds == [OutcomeKind.REFUSED, OutcomeKind.ACCEPTED] * 2


@pytest.fixture(params=["STARTTLS", "TLS"])
async def secure_url(
    request: pytest.FixtureRequest, certificate: Certificate
) -> AsyncIterator[str]:
    """The URL of a server that wants TLS and a log-in, without the log-in: smtp://{}localhost:1."""
    tls = certificate.server()
    is_wrapped = request.param == "TLS"
    how: dict[str, Any] = {"authenticator": check_login, "auth_required": not is_wrapped}
    # What was wrapped before, it does not take for TLS.
    how |= {"auth_require_tls": False} if is_wrapped else {"tls_context": tls}
    async with serving(Keeper(), tls if is_wrapped else None, **how) as port:
        yield f"smtp{'s' if is_wrapped else ''}://{{}}localhost:{port}"


async def test_tls_and_log_in(secure_url: str, certificate: Certificate) -> None:
    trusted = {"HEYDAY_SMTP_CA_FILE": certificate.path, "HEYDAY_SMTP_STARTTLS": "required"}
    known = await send(sender_to(secure_url.format(LOGIN), **trusted))
    assert (known.kind, known.error) == (OutcomeKind.ACCEPTED, None)
    wrong = await send(sender_to(secure_url.format("ada:wrong@"), **trusted))
    assert (wrong.kind, wrong.code, wrong.trouble) == (
        OutcomeKind.NOT_ACCEPTED,
        535,
        Trouble.ACCOUNT,
    )
    if secure_url.startswith("smtp:"):
        unknown = await send(sender_to(secure_url.format(""), **trusted))
        assert (unknown.code, unknown.trouble) == (530, Trouble.ACCOUNT)
    untrusted = await send(sender_to(secure_url.format(LOGIN), HEYDAY_SMTP_STARTTLS="required"))
    assert (untrusted.kind, untrusted.trouble) == (OutcomeKind.NOT_ACCEPTED, Trouble.PROVIDER)
    assert "certificate" in (untrusted.error or "")
