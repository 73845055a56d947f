from datetime import datetime, timedelta

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.models import ClaimedMessage, InboxMessage
from heyday.senders.inbox import InboxSender
from tests.fakes import MESSAGE, START_AT, FakeClock


class Mailbox:
    """An InboxStore in memory: one letter for each key."""

    def __init__(self) -> None:
        self.letters: dict[str, tuple[int, datetime]] = {}

    async def add(self, message: ClaimedMessage, now: datetime) -> int:
        letter = (len(self.letters) + 1, now)
        return self.letters.setdefault(message.idempotency_key, letter)[0]

    async def list_page(
        self, limit: int, *, first: int = 0, before: int | None = None
    ) -> list[InboxMessage]:
        raise NotImplementedError

    async def find(self, number: int) -> InboxMessage | None:
        raise NotImplementedError


async def test_a_letter_is_accepted_under_its_number_at_the_present_instant():
    mailbox = Mailbox()
    outcome = await InboxSender(mailbox, FakeClock()).send(MESSAGE)
    assert outcome == Outcome(OutcomeKind.ACCEPTED, provider_message_id="1")
    assert mailbox.letters == {MESSAGE.idempotency_key: (1, START_AT)}


async def test_a_repeated_key_is_the_same_letter():
    sender = InboxSender(Mailbox(), FakeClock())
    assert sender.key_lifetime > timedelta(days=365)
    assert await sender.send(MESSAGE) == await sender.send(MESSAGE)
