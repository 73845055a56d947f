"""Read what mail servers reply: which class of outcome it is, and what of it is worth storing.

Source: RFC 5321 sections 3.8 and 4.2, RFC 3463 (enhanced status codes), RFC 1047; docs/adr/0037.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.models import ClaimedMessage
from heyday.senders.scrub import Scrubber

GOES_ON = 354
_TOO_MUCH = 552
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?=\s|$)")
# 530, 534, 535 and 538 ask for a log-in, or for another (RFC 4954, section 6).
_LOG_IN = frozenset({530, 534, 535, 538})
_POLICY, _PROTOCOL, _ADDRESS, _MAILBOX = "7", "5", "1", "2"
# X.1.7 and X.1.8 are about the address that we send from.
_OUR_ADDRESS = frozenset({"7", "8"})
_GREYLISTED = re.compile(r"gr[ae]y-?list", re.IGNORECASE)
_TOO_OFTEN = re.compile(r"\b(?:rate|throttl\w*|too (?:many|fast|often|much))\b", re.IGNORECASE)
# Servers that ask a stranger to come again want minutes to pass.
_LATER = timedelta(minutes=5)
# Where servers tell by which name they keep the letter: those in use, with a digit in it.
_QUEUED = re.compile(
    r"(?:\bqueued as |\bid=|^(?:2\.\d+\.\d+ )?ok:? )((?=\S*\d)[a-z0-9][\w.@=+-]{5,199})",
    re.IGNORECASE,
)


class Step(StrEnum):
    """Name the step of a delivery that a reply is to."""

    CONNECT = "the greeting"
    LOG_IN = "the log-in"
    SENDER = "MAIL"
    RECIPIENT = "RCPT"
    DATA = "DATA"
    LETTER = "the letter"


class Reply(NamedTuple):
    """Hold one reply: its code, and its lines without it."""

    code: int
    lines: Sequence[str]

    @property
    def text(self) -> str:
        """Return its lines as one."""
        return " ".join(self.lines)

    @property
    def is_good(self) -> bool:
        """Tell whether it says yes."""
        return self.code // 100 == 2  # noqa: PLR2004 - RFC 5321, section 4.2.1

    @property
    def subject(self) -> tuple[str, str]:
        """Return the last two parts of the enhanced status code; blanks where there is none."""
        found = _ENHANCED.match(self.lines[0]) if self.lines else None
        return (found[2], found[3]) if found else ("", "")


def judge(step: Step, reply: Reply, message: ClaimedMessage) -> Outcome:
    """Return the outcome of an attempt that ended with a reply to a step."""
    kind, trouble, wait = classify(step, reply)
    body = Scrubber([message]).scrub(reply.text) or None
    if kind is OutcomeKind.ACCEPTED:
        found = _QUEUED.search(reply.text)
        return Outcome(kind, reply.code, body, provider_message_id=found[1] if found else None)
    error = f"the mail server answered {reply.code} to {step}"
    return Outcome(kind, reply.code, body, error, retry_after=wait, trouble=trouble)


def classify(step: Step, reply: Reply) -> tuple[OutcomeKind, Trouble | None, timedelta | None]:
    """Return the class of outcome, what it shows of the server, and when to come again."""
    match reply.code // 100:
        case 2 if step is Step.LETTER:
            return OutcomeKind.ACCEPTED, None, None
        case 4:
            return OutcomeKind.NOT_ACCEPTED, *_of_delay(step, reply)
        case 5:
            return *_of_refusal(step, reply), None
        case _ if step is Step.LETTER:
            return OutcomeKind.AMBIGUOUS, Trouble.PROVIDER, None
        case _:
            return OutcomeKind.NOT_ACCEPTED, Trouble.PROVIDER, None


def _of_delay(step: Step, reply: Reply) -> tuple[Trouble | None, timedelta | None]:
    """Return what a 400 shows, and when to come again."""
    group = reply.subject[0]
    if _GREYLISTED.search(reply.text):
        return None, _LATER
    if _TOO_OFTEN.search(reply.text) or (group, reply.subject[1]) == (_PROTOCOL, "3"):
        return Trouble.PACE, None
    if step is Step.RECIPIENT and group in {_ADDRESS, _MAILBOX}:
        return None, _LATER
    return Trouble.PROVIDER, None


def _of_refusal(step: Step, reply: Reply) -> tuple[OutcomeKind, Trouble | None]:
    """Return what a 500 means: about the letter or its recipient for good, about us not yet."""
    group, detail = reply.subject
    if step is Step.CONNECT:
        return OutcomeKind.NOT_ACCEPTED, Trouble.PROVIDER
    if step is Step.LOG_IN or reply.code in _LOG_IN:
        return OutcomeKind.NOT_ACCEPTED, Trouble.ACCOUNT
    if reply.code == _TOO_MUCH or (group, detail) == ("3", "4"):
        return OutcomeKind.REFUSED, None
    if step is Step.SENDER or (group == _ADDRESS and detail in _OUR_ADDRESS):
        return OutcomeKind.NOT_ACCEPTED, Trouble.ACCOUNT
    # A policy may be about one recipient or about all that we send: the breaker will tell.
    return OutcomeKind.REFUSED, Trouble.ACCOUNT if group == _POLICY else None
