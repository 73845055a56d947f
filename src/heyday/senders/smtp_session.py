"""Begin a session with a mail server: its greeting, what it offers, TLS, log-in.

Source: RFC 5321 section 3.1, RFC 3207 (STARTTLS), RFC 4954 (AUTH); docs/adr/0037.
"""

import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.senders.scrub import Scrubber
from heyday.senders.smtp_connection import NoReply, SmtpConnection
from heyday.senders.smtp_replies import Reply, Step, classify

_ASKS = 334


@dataclass(frozen=True, slots=True)
class Login:
    """Hold who we are to a server."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Entrance:
    """Say how to come in. starts_tls: by STARTTLS, or not at all.

    host: whom the certificate must speak for.   is_private: nobody can listen in without TLS.
    """

    host: str
    tls: ssl.SSLContext | None
    starts_tls: bool
    login: Login | None
    is_private: bool = False


class NoEntrance(Exception):
    """Hold the outcome of every attempt that wants this session: surely not accepted."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.error)
        self.outcome = outcome


async def enter(connection: SmtpConnection, entrance: Entrance, deadline: float) -> None:
    """Bring a connection to where letters can be handed over. Raises NoEntrance, OSError."""
    try:
        (greeting,) = await connection.hear(deadline)
        _expect_good(Step.CONNECT, greeting)
        await _say_hello(connection, deadline)
        if entrance.starts_tls and entrance.tls:
            await _start_tls(connection, entrance.tls, entrance.host, deadline)
        if entrance.login:
            if not (entrance.tls or entrance.is_private):
                raise _no_entrance("no password goes over a connection without TLS")
            await _log_in(connection, entrance.login, deadline)
    except NoReply as fault:
        if fault.replies:
            _expect_good(Step.CONNECT, fault.replies[-1])
        outcome = Outcome(OutcomeKind.NOT_ACCEPTED, error=str(fault), trouble=Trouble.PROVIDER)
        raise NoEntrance(outcome) from fault


async def _say_hello(connection: SmtpConnection, deadline: float) -> None:
    hello = f"EHLO {connection.local_host}\r\n".encode("ascii")
    (reply,) = await connection.ask(hello, 1, deadline)
    _expect_good(Step.CONNECT, reply)
    connection.extensions = _read_extensions(reply)


async def _start_tls(
    connection: SmtpConnection, tls: ssl.SSLContext, host: str, deadline: float
) -> None:
    if "STARTTLS" not in connection.extensions:
        raise _no_entrance("the mail server does not offer STARTTLS")
    (reply,) = await connection.ask(b"STARTTLS\r\n", 1, deadline)
    _expect_good(Step.CONNECT, reply)
    await connection.secure(tls, host)
    # What it said before, anybody on the way may have said.
    await _say_hello(connection, deadline)


async def _log_in(connection: SmtpConnection, login: Login, deadline: float) -> None:
    offered = connection.extensions.get("AUTH", "").upper().split()
    if "PLAIN" in offered:
        whole = _base64(f"\0{login.user}\0{login.password}")
        (reply,) = await connection.ask(b"AUTH PLAIN %b\r\n" % whole, 1, deadline)
    elif "LOGIN" in offered:
        (reply,) = await connection.ask(b"AUTH LOGIN\r\n", 1, deadline)
        for part in (login.user, login.password):
            if reply.code == _ASKS:
                (reply,) = await connection.ask(_base64(part) + b"\r\n", 1, deadline)
    else:
        raise _no_entrance("the mail server offers neither AUTH PLAIN nor AUTH LOGIN")
    _expect_good(Step.LOG_IN, reply)


def _expect_good(step: Step, reply: Reply) -> None:
    if reply.is_good:
        return
    kind, trouble, wait = classify(step, reply)
    error = f"the mail server answered {reply.code} to {step}"
    # No greeting was spoken of yet: what may be personal in it is an address at the most.
    said = Scrubber([]).scrub(reply.text) or None
    raise NoEntrance(Outcome(kind, reply.code, said, error, retry_after=wait, trouble=trouble))


def _no_entrance(error: str) -> NoEntrance:
    return NoEntrance(Outcome(OutcomeKind.NOT_ACCEPTED, error=error, trouble=Trouble.ACCOUNT))


def _read_extensions(reply: Reply) -> Mapping[str, str]:
    """Return what a reply to EHLO offers; its first line is the server's name."""
    parts = (line.partition(" ") for line in reply.lines[1:])
    return {name.upper(): said for name, _, said in parts}


def _base64(text: str) -> bytes:
    return b64encode(text.encode("utf-8"))
