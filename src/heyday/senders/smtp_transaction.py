"""Hand one letter over to a mail server: MAIL, RCPT, DATA, the letter and its final dot.

Until the dot is handed to the socket, nothing can have been accepted; from then on only the
server's reply tells (RFC 1047). Source: RFC 5321, 1870 (SIZE), 2920, 6531; docs/adr/0037.
"""

from collections.abc import Sequence

from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.models import ClaimedMessage
from heyday.senders.mime import Mail
from heyday.senders.smtp_connection import NoReply, SmtpConnection
from heyday.senders.smtp_replies import GOES_ON, Reply, Step, judge

_STEPS = (Step.SENDER, Step.RECIPIENT, Step.DATA)
_TOO_LARGE = Outcome(
    OutcomeKind.REFUSED, error="the letter is larger than the mail server takes (SIZE)"
)
_TOO_FOREIGN = Outcome(
    OutcomeKind.REFUSED,
    error="the address has characters that the mail server does not take (no SMTPUTF8)",
)


class Stale(Exception):
    """Hold the outcome where a server had left before it heard of the letter."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.error)
        self.outcome = outcome


async def hand_over(
    connection: SmtpConnection, mail: Mail, message: ClaimedMessage, deadline: float
) -> Outcome:
    """Make one attempt; every fault is an outcome. Raises Stale if another connection may do it."""
    if refusal := _find_obstacle(connection, mail):
        return refusal
    try:
        replies = await _announce(connection, mail, deadline)
    except NoReply as fault:
        outcome = _surely_not(fault)
        if fault.replies and not fault.replies[-1].is_good:
            outcome = judge(_STEPS[len(fault.replies) - 1], fault.replies[-1], message)
        if not any(reply.is_good for reply in fault.replies):
            raise Stale(outcome) from fault
        return outcome
    for step, reply in zip(_STEPS, replies, strict=False):
        if not (reply.code == GOES_ON if step is Step.DATA else reply.is_good):
            outcome = judge(step, reply, message)
            await _back_out(connection, replies, deadline)
            return outcome
    return await _hand_letter(connection, mail, message, deadline)


async def _hand_letter(
    connection: SmtpConnection, mail: Mail, message: ClaimedMessage, deadline: float
) -> Outcome:
    connection.count_letter()
    if not connection.is_open:
        return _surely_not(NoReply("the connection to the mail server was lost", []))
    try:
        (reply,) = await connection.ask(_dotted(mail.content), 1, deadline)
    except NoReply as fault:
        return Outcome(OutcomeKind.AMBIGUOUS, error=str(fault), trouble=Trouble.PROVIDER)
    return judge(Step.LETTER, reply, message)


def _find_obstacle(connection: SmtpConnection, mail: Mail) -> Outcome | None:
    """Return why this server will never take the letter, where it has said so beforehand."""
    limit = connection.extensions.get("SIZE", "")
    if limit.isdecimal() and 0 < int(limit) < len(mail.content):
        return _TOO_LARGE
    if mail.recipient.is_international and "SMTPUTF8" not in connection.extensions:
        return _TOO_FOREIGN
    return None


async def _announce(connection: SmtpConnection, mail: Mail, deadline: float) -> Sequence[Reply]:
    """Send MAIL, RCPT and DATA: at once where the server takes that, else up to the first no."""
    commands = _commands(connection, mail)
    if "PIPELINING" in connection.extensions:
        return await connection.ask(b"".join(commands), len(commands), deadline)
    replies: list[Reply] = []
    for command in commands:
        replies += await connection.ask(command, 1, deadline)
        if not replies[-1].is_good:
            break
    return replies


def _commands(connection: SmtpConnection, mail: Mail) -> Sequence[bytes]:
    options = ""
    if "SIZE" in connection.extensions:
        options += f" SIZE={len(mail.content)}"
    if mail.recipient.is_international:
        options += " BODY=8BITMIME SMTPUTF8"
    return (
        f"MAIL FROM:<{mail.sender}>{options}\r\n".encode(),
        f"RCPT TO:<{mail.recipient}>\r\n".encode(),
        b"DATA\r\n",
    )


async def _back_out(connection: SmtpConnection, replies: Sequence[Reply], deadline: float) -> None:
    """Leave the connection ready for another letter, or not at all."""
    is_waiting = replies[-1].code == GOES_ON
    if is_waiting and replies[1].is_good:
        # An end here would be a letter with nothing in it.
        connection.drop()
        return
    try:
        # A server that waits for a letter to nobody is to get an empty one (RFC 2920, section 3.1).
        await connection.ask(b".\r\n" if is_waiting else b"RSET\r\n", 1, deadline)
    except NoReply:
        return


def _surely_not(fault: NoReply) -> Outcome:
    return Outcome(OutcomeKind.NOT_ACCEPTED, error=str(fault), trouble=Trouble.PROVIDER)


def _dotted(content: bytes) -> bytes:
    """Return a letter as it goes over the wire: no line of it can be the end (RFC 5321, 4.5.2)."""
    if content.startswith(b"."):
        content = b"." + content
    return content.replace(b"\r\n.", b"\r\n..") + b".\r\n"
