"""Send one letter that is nobody's greeting, to see whether sending works, and how it looks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from uuid import UUID, uuid4

from heyday.domain.addresses import normalize_address
from heyday.domain.delivery import Outcome
from heyday.domain.errors import ConfigurationError, FieldProblem, InvalidInput
from heyday.domain.idempotency import IdempotencyKey
from heyday.domain.message_types import BIRTHDAY
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import BatchSender, Clock
from heyday.domain.text_ports import Composed

_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class TrialLetter:
    """Say what the letter holds."""

    message_type: str
    language: str
    content: Composed


PLAIN = TrialLetter(
    BIRTHDAY.name,
    "en",
    Composed(
        "A letter from Heyday, to try sending",
        "This is a letter from Heyday, sent to try whether greetings arrive.\n\n"
        "Greetings look like this: Hey, Ada Lovelace it's your birthday\n",
        None,
    ),
)
"""The letter that tells of nothing but sending."""


class TrialService:
    """Try the senders in force, which are given by name: those that reach people."""

    def __init__(self, senders: Mapping[str, BatchSender], clock: Clock) -> None:
        self._senders = senders
        self._clock = clock

    @property
    def senders(self) -> Sequence[str]:
        """Return the names of the senders that would be tried."""
        return list(self._senders)

    async def send(self, address: str, letter: TrialLetter = PLAIN) -> dict[str, Outcome]:
        """Make one attempt at a letter to an address through each sender; return what came of it.

        Nothing of it is kept in the database. Raises InvalidInput if it is no address,
        ConfigurationError where no sender reaches anybody.
        """
        if not self._senders:
            raise ConfigurationError(
                "SENDER=inbox sends nothing, so there is nothing to try; expected http or smtp"
            )
        to = normalize_address(address)
        if to is None:
            detail = "is not an email address; expected one such as you@example.com"
            raise InvalidInput([FieldProblem("ADDRESS", detail)])
        return {name: await self._try(sender, to, letter) for name, sender in self._senders.items()}

    async def _try(self, sender: BatchSender, to: str, letter: TrialLetter) -> Outcome:
        now = self._clock.now()
        # A new key each time: a provider that knows keys would not send it again.
        key = IdempotencyKey(uuid4(), letter.message_type, now.astimezone(UTC).date())
        message = ClaimedMessage(
            id=uuid4(),
            user_id=_NOBODY,
            scheduled_send_at=now,
            epoch=1,
            retry_count=0,
            ambiguous_count=0,
            message_type=letter.message_type,
            idempotency_key=str(key),
            email=to,
            text=letter.content.text,
            subject=letter.content.subject,
            html=letter.content.html,
            language=letter.language,
        )
        (outcome,) = await sender.send_many([message])
        return outcome
