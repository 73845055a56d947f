"""Send into the local mailbox: a way to try Heyday out without a provider."""

from datetime import timedelta

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.inbox_ports import InboxStore
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import Clock

_FOR_EVER = timedelta(days=36_500)


class InboxSender:
    """Store each greeting as a letter. A repeated key finds the letter that is there."""

    def __init__(self, store: InboxStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    @property
    def key_lifetime(self) -> timedelta:
        """Tell that the mailbox keeps one letter for each key, for ever."""
        return _FOR_EVER

    async def send(self, message: ClaimedMessage) -> Outcome:
        """Store the letter; its number is the provider's id for it.

        Raises DatabaseError: the mailbox has no faults of its own, only those of the database.
        """
        number = await self._store.add(message, self._clock.now())
        return Outcome(OutcomeKind.ACCEPTED, provider_message_id=str(number))

    def make_ready(self, calls: int) -> None:
        """Do nothing: the database is there."""
