"""Send one letter that greets nobody, to see whether sending works."""

from datetime import UTC
from uuid import UUID, uuid4

from heyday.domain.addresses import normalize_address
from heyday.domain.delivery import Outcome
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.idempotency import IdempotencyKey
from heyday.domain.message_types import BIRTHDAY
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import BatchSender, Clock

_NOBODY = UUID(int=0)
_TEXT = (
    "This is a letter from Heyday, sent to try whether greetings arrive.\n\n"
    "Greetings look like this: Hey, Ada Lovelace it's your birthday\n"
)


class TrialService:
    """Try the sender in force."""

    def __init__(self, sender: BatchSender, clock: Clock) -> None:
        self._sender = sender
        self._clock = clock

    async def send(self, address: str) -> Outcome:
        """Make one attempt at a letter to an address; nothing of it is kept in the database.

        Raises InvalidInput if it is no address.
        """
        to = normalize_address(address)
        if to is None:
            detail = "is not an email address; expected one such as you@example.com"
            raise InvalidInput([FieldProblem("ADDRESS", detail)])
        now = self._clock.now()
        # A new key each time: a provider that knows keys would not send it again.
        key = IdempotencyKey(uuid4(), BIRTHDAY.name, now.astimezone(UTC).date())
        letter = ClaimedMessage(
            id=uuid4(),
            user_id=_NOBODY,
            scheduled_send_at=now,
            epoch=1,
            retry_count=0,
            ambiguous_count=0,
            message_type=BIRTHDAY.name,
            idempotency_key=str(key),
            email=to,
            text=_TEXT,
            subject="A letter from Heyday, to try sending",
        )
        (outcome,) = await self._sender.send_many([letter])
        return outcome
