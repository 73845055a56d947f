"""Say what is to be known of a provider's API to send through it.

A provider is one module beside this: how it wants letters, how it answers, and what it promises.
Source: docs/adr/0039-providers.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from heyday.domain.delivery import OutcomeKind, Trouble
from heyday.domain.letters import Letter
from heyday.senders.answers import Answer


@dataclass(frozen=True, slots=True)
class Request:
    """Hold what is posted.

    name: of what it is posted to, behind the provider's URL.   headers: beyond those of every
    request.   key: goes along as Idempotency-Key.
    """

    name: str
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """Hold what an answer says of one letter, or of all in a call.

    message_id: the provider's, of a letter that it took.   fault: what it calls the reason where
    it took none; None: it took it, or gave no name.   wait: for how long it asks to be left alone.
    """

    message_id: str | None = None
    fault: str | None = None
    wait: timedelta | None = None


class Meaning(NamedTuple):
    """Say what a provider's name for a fault means; trouble: None where it is the letter's."""

    kind: OutcomeKind
    trouble: Trouble | None


# Each of them surely took nothing. What is about the account says nothing of a letter, which waits
# until somebody has seen to it.
OF_LETTER = Meaning(OutcomeKind.REFUSED, None)
OF_ACCOUNT = Meaning(OutcomeKind.NOT_ACCEPTED, Trouble.ACCOUNT)
OF_PACE = Meaning(OutcomeKind.NOT_ACCEPTED, Trouble.PACE)
OF_PROVIDER = Meaning(OutcomeKind.NOT_ACCEPTED, Trouble.PROVIDER)
# Took nothing either, but something with this key before: a repeat would be told the same again.
OF_EARLIER = Meaning(OutcomeKind.FORGOTTEN, None)


class Dialect(Protocol):
    """Speak with one provider."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers of every request, with what lets us in."""
        ...

    @property
    def key_lifetime(self) -> timedelta | None:
        """Return for how long the provider takes a repeated key for the same letter; None: never.

        Where a call carries many letters there is no key for each, so it is never then.
        """
        ...

    @property
    def batch_limit(self) -> int:
        """Return the most letters a call may carry, each with its own text, headers and result."""
        ...

    @property
    def kept(self) -> frozenset[bytes]:
        """Return the names of headers that say something in its answers, in lower case."""
        ...

    @property
    def meanings(self) -> Mapping[str, Meaning]:
        """Return what its names for faults mean; of others the status tells."""
        ...

    def request(self, letters: Sequence[Letter], now: datetime) -> Request:
        """Return what to post for these letters."""
        ...

    def read(self, answer: Answer, count: int) -> Sequence[Reading] | str:
        """Return what an answer of 2xx says of each letter, or in which way it is unclear."""
        ...

    def read_fault(self, answer: Answer, now: datetime) -> Reading:
        """Return what an answer of any other status says."""
        ...
