"""Attempts at letters over real sockets, by what the server does."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from heyday.domain.addresses import MailAddress
from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.models import ClaimedMessage
from heyday.senders.mime import MimeWriter, Origin
from heyday.senders.smtp import SmtpConfig, SmtpSender
from heyday.senders.smtp_connections import Server
from heyday.senders.smtp_session import Entrance, Login
from heyday.services.letters import LinkingLetterWriter
from tests.certificates import Certificate
from tests.fakes import MESSAGE, FakeClock
from tests.mail import AT_CONNECT, EXTENSIONS, Behaviour, Drop, MailServer

ORIGIN = Origin("Acme", MailAddress("greetings", "example.com"))
ADA = Login("ada@example.com", "pass wörd")
OPEN = Entrance("localhost", None, starts_tls=True, login=None, is_private=True)
FROM_AFAR = replace(OPEN, login=ADA, is_private=False)
ACCEPTED, REFUSED = OutcomeKind.ACCEPTED, OutcomeKind.REFUSED
NOT_ACCEPTED, AMBIGUOUS = OutcomeKind.NOT_ACCEPTED, OutcomeKind.AMBIGUOUS


def another(number: int) -> ClaimedMessage:
    key = f"00000000-0000-0000-0000-{number:012d}:BIRTHDAY:2027-01-14"
    return replace(MESSAGE, idempotency_key=key, email=f"person-{number}@example.org")


@asynccontextmanager
async def sending(
    port: int,
    *,
    letters: int = 100,
    connections: int = 4,
    patience: float = 5,
    entrance: Entrance = OPEN,
) -> AsyncIterator[SmtpSender]:
    config = SmtpConfig(
        Server("127.0.0.1", port, entrance, letters),
        timeout=timedelta(seconds=patience),
        connections=connections,
    )
    mime = MimeWriter(ORIGIN)
    async with SmtpSender(config, LinkingLetterWriter(None), mime, FakeClock()) as sender:
        yield sender


async def attempt(
    behaviour: Behaviour, message: ClaimedMessage = MESSAGE, patience: float = 5
) -> tuple[Outcome, MailServer]:
    async with (
        MailServer(behaviour) as server,
        sending(server.port, patience=patience) as sender,
    ):
        return await sender.send(message), server


def once(drop: Drop) -> Behaviour:
    """Break the first connection there, or the first letter's dialogue."""
    if drop in AT_CONNECT:
        return Behaviour(at_connect=lambda n: drop if n == 1 else None)
    return Behaviour(drop=lambda n: drop if n == 1 else None)


# --- Letters that are taken -------------------------------------------------------------------


async def test_a_letter_is_taken_whole_and_told_by_its_name() -> None:
    outcome, server = await attempt(Behaviour(), replace(MESSAGE, text="One\n.\n..two\n.three"))
    assert (outcome.kind, outcome.code, outcome.trouble) == (ACCEPTED, 250, None)
    assert outcome.provider_message_id == "00000001"
    assert server.taken.keys == {MESSAGE.idempotency_key: 1}
    assert server.taken.envelopes == [("greetings@example.com", MESSAGE.email)]
    (letter,) = server.taken.letters
    assert letter.partition(b"\r\n\r\n")[2] == b"One\r\n.\r\n..two\r\n.three\r\n"


async def test_a_mail_server_knows_no_keys() -> None:
    async with sending(9) as sender:
        assert sender.key_lifetime is None


@pytest.mark.parametrize("extensions", [EXTENSIONS, ()], ids=["pipelining", "bare"])
async def test_many_letters_go_over_few_connections(extensions: tuple[str, ...]) -> None:
    async with (
        MailServer(Behaviour(extensions)) as server,
        sending(server.port, connections=3, letters=10) as sender,
    ):
        outcomes = await asyncio.gather(*(sender.send(another(n)) for n in range(60)))
        assert {outcome.kind for outcome in outcomes} == {ACCEPTED}
        assert server.taken.keys == {another(n).idempotency_key: 1 for n in range(60)}
        # As many as are allowed at once, each for ten letters.
        assert 6 <= server.taken.connections <= 8
        assert len([c for c in server.taken.commands if c == "RSET"]) == 0


async def test_a_connection_that_had_its_letters_says_goodbye() -> None:
    async with MailServer() as server, sending(server.port, letters=1) as sender:
        for number in range(3):
            assert (await sender.send(another(number))).kind is ACCEPTED
        assert server.taken.connections == 3
        await server.wait_for("QUIT", 3)


async def test_sessions_are_opened_ahead_as_many_as_there_may_be() -> None:
    async with MailServer() as server, sending(server.port, connections=3) as sender:
        sender.make_ready(50)
        await sender.made_ready()
        assert server.taken.connections == 3
        sender.make_ready(50)
        await sender.made_ready()
        assert (await sender.send(MESSAGE)).kind is ACCEPTED
        assert server.taken.connections == 3


# --- Refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("replies", "kind", "trouble"),
    [
        ({"RCPT": "550 5.1.1 No such user"}, REFUSED, None),
        ({"RCPT": "450 4.2.0 Greylisted"}, NOT_ACCEPTED, None),
        ({"RCPT": "554 5.7.1 Relay access denied"}, REFUSED, Trouble.ACCOUNT),
        ({"MAIL": "553 5.7.1 Sender address rejected"}, NOT_ACCEPTED, Trouble.ACCOUNT),
        ({"MAIL": "421 4.3.2 Going down"}, NOT_ACCEPTED, Trouble.PROVIDER),
        ({"DATA": "451 4.3.0 Not now"}, NOT_ACCEPTED, Trouble.PROVIDER),
        ({".": "554 5.6.0 Not a letter"}, REFUSED, None),
        ({".": "452 4.3.1 Insufficient system storage"}, NOT_ACCEPTED, Trouble.PROVIDER),
        ({".": "421 4.7.0 Rate limited"}, NOT_ACCEPTED, Trouble.PACE),
        ({".": "303 what"}, AMBIGUOUS, Trouble.PROVIDER),
        ({".": "nonsense"}, AMBIGUOUS, Trouble.PROVIDER),
        ({"CONNECT": "554 No"}, NOT_ACCEPTED, Trouble.PROVIDER),
        ({"CONNECT": "421 4.7.0 Too many connections"}, NOT_ACCEPTED, Trouble.PACE),
        ({"EHLO": "502 What"}, NOT_ACCEPTED, Trouble.PROVIDER),
        ({"RCPT": "nonsense"}, NOT_ACCEPTED, Trouble.PROVIDER),
    ],
)
async def test_what_a_reply_means(
    replies: dict[str, str], kind: OutcomeKind, trouble: Trouble | None
) -> None:
    outcome, server = await attempt(Behaviour(replies=replies))
    assert (outcome.kind, outcome.trouble) == (kind, trouble)
    assert server.taken.letters == []


@pytest.mark.parametrize("extensions", [EXTENSIONS, ()], ids=["pipelining", "bare"])
@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA", "."])
async def test_after_a_refusal_the_connection_takes_the_next_letter(
    extensions: tuple[str, ...], at: str
) -> None:
    replies = {at: "550 5.5.0 Not this one"}
    behaviour = Behaviour(extensions, replies)
    async with MailServer(behaviour) as server, sending(server.port) as sender:
        refused = await sender.send(MESSAGE)
        replies.clear()
        assert (await sender.send(another(1))).kind is ACCEPTED
        assert refused.kind in {REFUSED, NOT_ACCEPTED}
        # With MAIL refused and RCPT taken, an end of data could be a letter: better a new one.
        assert server.taken.connections <= 2
        assert server.taken.keys == {another(1).idempotency_key: 1}


async def test_an_end_of_data_that_could_be_a_letter_is_not_sent() -> None:
    """MAIL is refused, RCPT and DATA are not: a server that is out of step with us."""
    behaviour = Behaviour(replies={"MAIL": "450 4.3.0 Not now"})
    outcome, server = await attempt(behaviour)
    assert outcome.kind is NOT_ACCEPTED
    assert server.taken.ends == 0


async def test_a_letter_that_is_too_large_is_not_begun() -> None:
    outcome, server = await attempt(Behaviour(["SIZE 200"]))
    assert outcome.kind is REFUSED
    assert "SIZE" in (outcome.error or "")
    assert not [c for c in server.taken.commands if c.startswith("MAIL")]


async def test_an_international_address_goes_where_it_can() -> None:
    jan = replace(MESSAGE, email="żółw@bücher.example")
    outcome, server = await attempt(Behaviour(), jan)
    assert outcome.kind is ACCEPTED
    assert server.taken.envelopes[0][1] == "żółw@xn--bcher-kva.example"
    assert any(c.endswith("BODY=8BITMIME SMTPUTF8") for c in server.taken.commands)
    outcome, server = await attempt(Behaviour(["PIPELINING"]), jan)
    assert (outcome.kind, outcome.trouble) == (REFUSED, None)
    assert "SMTPUTF8" in (outcome.error or "")


@pytest.mark.parametrize("address", ["a\r\nRCPT TO:<b@x.org>@example.com", "no", "a@b@c.org", ""])
async def test_what_is_no_address_is_refused_before_any_connection(address: str) -> None:
    outcome, server = await attempt(Behaviour(), replace(MESSAGE, email=address))
    assert (outcome.kind, outcome.trouble) == (REFUSED, None)
    assert server.taken.connections == 0


async def test_what_a_server_says_of_the_person_is_not_kept() -> None:
    said = "550 5.1.1 <ada.byron@example.com> Lovelace: unknown"
    outcome, _ = await attempt(Behaviour(replies={"RCPT": said}))
    assert outcome.body
    assert not {"ada", "byron", "Lovelace"} & set(outcome.body.replace("@", " ").split())


# --- Faults -----------------------------------------------------------------------------------


@pytest.mark.parametrize("drop", list(Drop))
async def test_a_break_is_ambiguous_from_the_final_dot_on_and_never_before(drop: Drop) -> None:
    outcome, server = await attempt(once(drop))
    # In the middle of the letter the dot was handed over already: nobody can say.
    after = {Drop.HALF, Drop.DOT, Drop.ACCEPTED, Drop.HALF_REPLY}
    assert outcome.kind is (AMBIGUOUS if drop in after else NOT_ACCEPTED)
    assert outcome.trouble is Trouble.PROVIDER
    assert server.taken.drops == {drop: 1}


@pytest.mark.parametrize("step", ["EHLO", "MAIL", "DATA", "."])
async def test_silence_is_ambiguous_from_the_final_dot_on_and_never_before(step: str) -> None:
    outcome, _ = await attempt(Behaviour(hold=step), patience=0.4)
    assert outcome.kind is (AMBIGUOUS if step == "." else NOT_ACCEPTED)
    assert outcome.trouble is Trouble.PROVIDER


async def test_a_kept_connection_that_is_gone_costs_no_attempt() -> None:
    def second(number: int) -> Drop | None:
        return Drop.SENDER if number == 2 else None

    async with MailServer(Behaviour(drop=second)) as server, sending(server.port) as sender:
        for number in range(3):
            assert (await sender.send(another(number))).kind is ACCEPTED
        assert server.taken.connections == 2
        assert server.taken.drops == {Drop.SENDER: 1}


async def test_a_server_that_is_away_and_a_name_that_is_none() -> None:
    async with MailServer() as server:
        port = server.port
    async with sending(port) as sender:
        outcome = await sender.send(MESSAGE)
    assert (outcome.kind, outcome.trouble) == (NOT_ACCEPTED, Trouble.PROVIDER)
    assert outcome.error == "no connection to the mail server (ECONNREFUSED)"


async def test_who_finds_every_connection_busy_did_not_try() -> None:
    async with (
        MailServer(Behaviour(hold=".")) as server,
        sending(server.port, connections=1, patience=0.6) as sender,
    ):
        outcomes = await asyncio.gather(sender.send(another(1)), sender.send(another(2)))
    kinds = sorted(outcome.kind for outcome in outcomes)
    assert kinds == [AMBIGUOUS, OutcomeKind.NOT_TRIED]


async def test_a_cancelled_attempt_leaves_no_connection_to_the_next() -> None:
    behaviour = Behaviour(hold=".")
    async with MailServer(behaviour) as server, sending(server.port) as sender:
        attempting = asyncio.create_task(sender.send(MESSAGE))
        await server.wait_for("DATA")
        attempting.cancel()
        await asyncio.wait({attempting})
        behaviour.hold = None
        assert (await sender.send(another(1))).kind is ACCEPTED
        assert server.taken.connections == 2


async def test_a_sender_that_is_not_open_says_so() -> None:
    async with sending(9) as sender:
        pass
    with pytest.raises(RuntimeError, match="not open"):
        await sender.send(MESSAGE)


# --- TLS and log-in ---------------------------------------------------------------------------


@pytest.mark.parametrize("is_wrapped", [False, True], ids=["STARTTLS", "TLS"])
async def test_a_letter_by_tls_with_a_login(certificate: Certificate, is_wrapped: bool) -> None:  # noqa: FBT001 - a case
    behaviour = Behaviour(tls=certificate.server(), login=(ADA.user, ADA.password))
    entrance = replace(FROM_AFAR, tls=certificate.client(), starts_tls=not is_wrapped)
    async with (
        MailServer(behaviour, is_wrapped=is_wrapped) as server,
        sending(server.port, entrance=entrance) as sender,
    ):
        outcomes = [await sender.send(another(number)) for number in range(2)]
        assert [outcome.kind for outcome in outcomes] == [ACCEPTED, ACCEPTED], outcomes
        assert server.taken.connections == 1
        verbs = [command.split(" ")[0] for command in server.taken.commands]
        start = ["EHLO"] if is_wrapped else ["EHLO", "STARTTLS", "EHLO"]
        assert verbs[: len(start) + 2] == [*start, "AUTH", "MAIL"]


async def test_a_wrong_password_is_trouble_with_the_account() -> None:
    behaviour = Behaviour(login=("ada", "right"))
    async with (
        MailServer(behaviour) as server,
        sending(server.port, entrance=replace(OPEN, login=ADA)) as sender,
    ):
        outcome = await sender.send(MESSAGE)
    assert (outcome.kind, outcome.code) == (NOT_ACCEPTED, 535)
    assert outcome.trouble is Trouble.ACCOUNT
    assert outcome.body == "5.7.8 Error: authentication failed"
    assert not [c for c in server.taken.commands if c.startswith("MAIL")]


async def test_no_password_leaves_without_tls_for_another_machine() -> None:
    behaviour = Behaviour(login=(ADA.user, ADA.password))
    async with (
        MailServer(behaviour) as server,
        sending(server.port, entrance=FROM_AFAR) as sender,
    ):
        outcome = await sender.send(MESSAGE)
    assert (outcome.kind, outcome.trouble) == (NOT_ACCEPTED, Trouble.ACCOUNT)
    assert not [c for c in server.taken.commands if c.startswith("AUTH")]


async def test_where_starttls_is_not_offered_nothing_is_sent(certificate: Certificate) -> None:
    async with (
        MailServer() as server,
        sending(server.port, entrance=replace(FROM_AFAR, tls=certificate.client())) as sender,
    ):
        outcome = await sender.send(MESSAGE)
    assert outcome.error == "the mail server does not offer STARTTLS"
    assert [c.split(" ")[0] for c in server.taken.commands if c != "QUIT"] == ["EHLO"]


async def test_a_certificate_of_somebody_else_ends_it(certificate: Certificate) -> None:
    async with (
        MailServer(Behaviour(tls=certificate.server())) as server,
        sending(server.port, entrance=replace(OPEN, tls=ssl.create_default_context())) as sender,
    ):
        outcome = await sender.send(MESSAGE)
    assert (outcome.kind, outcome.trouble) == (NOT_ACCEPTED, Trouble.PROVIDER)
    assert (outcome.error or "").startswith("no TLS connection to the mail server")


async def test_words_before_tls_are_not_taken_for_words_under_it(certificate: Certificate) -> None:
    """Whoever is on the way could have said them (CVE-2021-38084 and its kin)."""
    injected = "220 Ready\r\n250-mail.example.com\r\n250 AUTH PLAIN"
    async with (
        MailServer(Behaviour(tls=certificate.server(), replies={"STARTTLS": injected})) as server,
        sending(server.port, entrance=replace(FROM_AFAR, tls=certificate.client())) as sender,
    ):
        outcome = await sender.send(MESSAGE)
    assert (outcome.kind, outcome.error) == (NOT_ACCEPTED, "the mail server spoke out of turn")
    assert not [c for c in server.taken.commands if c.startswith("AUTH")]


async def test_a_server_that_only_knows_auth_login() -> None:
    behaviour = Behaviour(login=(ADA.user, ADA.password), ways="LOGIN")
    async with (
        MailServer(behaviour) as server,
        sending(server.port, entrance=replace(OPEN, login=ADA)) as sender,
    ):
        assert (await sender.send(MESSAGE)).kind is ACCEPTED
        assert "AUTH LOGIN" in server.taken.commands


async def test_a_server_that_knows_no_way_of_ours() -> None:
    behaviour = Behaviour(login=(ADA.user, ADA.password), ways="GSSAPI")
    async with (
        MailServer(behaviour) as server,
        sending(server.port, entrance=replace(OPEN, login=ADA)) as sender,
    ):
        outcome = await sender.send(MESSAGE)
    assert (outcome.kind, outcome.trouble) == (NOT_ACCEPTED, Trouble.ACCOUNT)
