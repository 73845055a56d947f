"""Say what a greeting is once it is a letter: what every sender of mail hands to its provider."""

from dataclasses import dataclass
from typing import Protocol

from heyday.domain.models import ClaimedMessage


@dataclass(frozen=True, slots=True)
class Letter:
    """Hold one letter, whole: nothing is left to be filled in.

    key: the greeting's idempotency key.   to: one address, as the company gave it, which may hold
    characters beyond ASCII.   subject: one line.   text: always there.   html: None if there is
    none.   language: a BCP 47 tag, such as pt-BR.   unsubscribe_url: the link by which its person
    leaves (RFC 8058), https; None where people cannot reach Heyday.
    """

    key: str
    to: str
    subject: str
    text: str
    html: str | None
    language: str
    unsubscribe_url: str | None


class LetterWriter(Protocol):
    """Make letters of greetings that are about to leave."""

    def write(self, message: ClaimedMessage) -> Letter:
        """Return the letter for a greeting: the same each time it is asked."""
        ...
