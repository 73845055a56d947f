"""Let greetings reach only whom they may: one address, or some domains.

It stands before every sender that reaches people, so that none of them can forget it.
Source: docs/adr/0037.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress

from heyday.domain.addresses import to_mail_address
from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.message_types import get_message_type
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import BatchSender
from heyday.services.passing import PassingOn

MARK = "[Test] "
"""What the subject of a letter begins with that goes to the safe address."""

_REFUSED = Outcome(
    OutcomeKind.REFUSED, error="the address's domain is not among HEYDAY_ALLOWED_DOMAINS"
)


@dataclass(frozen=True, slots=True)
class Safety:
    """Say whom letters may reach.

    address: everybody's letter goes to this one; None: to whom it is for.   domains: only letters
    to these leave, in lower case, as DNS knows them; none: to all.
    """

    address: str | None = None
    domains: frozenset[str] = frozenset()

    @property
    def is_on(self) -> bool:
        """Tell whether anything is held back."""
        return self.address is not None or bool(self.domains)

    def allows(self, address: str) -> bool:
        """Tell whether a letter may leave for an address."""
        if not self.domains:
            return True
        known = to_mail_address(address)
        return known is not None and known.domain in self.domains

    def redirect(self, message: ClaimedMessage) -> ClaimedMessage:
        """Return a greeting as it leaves; nothing in it but its text tells whom it was for."""
        if self.address is None:
            return message
        subject = message.subject or get_message_type(message.message_type).subject
        return replace(message, email=self.address, subject=f"{MARK}{subject}")


class SafeSender(PassingOn):
    """Pass on what may leave; refuse the rest before any connection (ports.BatchSender)."""

    def __init__(self, sender: BatchSender, safety: Safety) -> None:
        super().__init__(sender)
        self._safety = safety

    async def send_many(self, messages: Sequence[ClaimedMessage]) -> Sequence[Outcome]:
        """Make one attempt at each that may leave; the outcomes come in the order of all."""
        leaving = [self._safety.redirect(message) for message in messages]
        may_leave = [self._safety.allows(message.email) for message in leaving]
        allowed = list(compress(leaving, may_leave))
        sent = await self.sender.send_many(allowed) if allowed else []
        if sent and sent[0].is_of_batch:
            # It goes again in halves, with those that are refused here.
            return [sent[0]] * len(messages)
        outcomes = iter(sent)
        return [next(outcomes) if may else _REFUSED for may in may_leave]
