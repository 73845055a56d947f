"""Send greetings one by one, through a sender that makes a call for each."""

from collections.abc import Sequence
from datetime import timedelta

from heyday.domain.delivery import Outcome
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import Sender


class OneByOne:
    """Take batches of one (ports.BatchSender)."""

    batch_size = 1

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @property
    def key_lifetime(self) -> timedelta | None:
        """Return what the sender says."""
        return self._sender.key_lifetime

    async def send_many(self, messages: Sequence[ClaimedMessage]) -> Sequence[Outcome]:
        """Make one attempt at each, one after the other."""
        return [await self._sender.send(message) for message in messages]

    def make_ready(self, calls: int) -> None:
        """Pass it on."""
        self._sender.make_ready(calls)
