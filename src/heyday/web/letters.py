"""Gather what the inbox shows, with every time also as the wall clock showed it there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from heyday.domain.audit import concern
from heyday.domain.errors import MessageTypeNotFound
from heyday.domain.inbox_ports import InboxStore
from heyday.domain.message_types import get_message_type
from heyday.domain.models import InboxMessage, UpcomingGreeting
from heyday.domain.ports import Clock, Store
from heyday.domain.sealing import LinkSubject
from heyday.services.unsubscribing import LinkMaker
from heyday.web.times import wall

SHOWN = 100
"""Letters on one page, and in one reply."""

_EMPTIED = "The text of this letter was removed."


class Letter(Struct, frozen=True):
    """Show one greeting that arrived.

    *_local: wall time in the person's zone, or in UTC where the zone is no longer known.
    late_seconds: from the scheduled instant to the arrival.   unsubscribe: the path of the page by
    which its person leaves.
    """

    id: int
    email: str
    message: str
    timezone: str | None
    scheduled_local: str | None
    received_local: str
    received_at: datetime
    late_seconds: float | None
    unsubscribe: str | None
    subject: str
    language: str


class NextGreeting(Struct, frozen=True):
    """Show who is next to be greeted, and when."""

    name: str
    message_type: str
    timezone: str
    scheduled_at: datetime
    scheduled_local: str


class InboxReply(Struct, frozen=True):
    """Answer one poll of a program.

    latest_id: the newest letter there is, 0 for none; smaller than before if the database was
    emptied.
    """

    now: datetime
    sender: str
    next: NextGreeting | None
    latest_id: int
    letters: list[Letter]


@dataclass(frozen=True, slots=True)
class News:
    """Say what arrived since somebody looked.

    is_whole: there is no telling what they have, so these letters stand for the whole list.
    """

    letters: Sequence[Letter]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class WholeLetter:
    """Show a letter with its HTML. user_id: whom it greets.   is_empty: its words were removed."""

    head: Letter
    user_id: UUID
    html: str | None
    is_empty: bool


class InboxFeed:
    """Look into the mailbox.

    sender: the setting SENDER.   origin: whom letters would be from.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - one parameter for each part that it joins
        self,
        store: Store,
        inbox: InboxStore,
        clock: Clock,
        sender: str,
        links: LinkMaker,
        origin: str = "Heyday",
    ) -> None:
        self._store = store
        self._links = links
        self._inbox = inbox
        self._clock = clock
        self.sender = sender
        self.origin = origin

    async def read(self, after: int) -> InboxReply:
        """Return the latest letters with a number above `after`, newest first."""
        messages = await self._inbox.list_page(SHOWN)
        return InboxReply(
            now=self._clock.now(),
            sender=self.sender,
            next=await self.find_next(),
            latest_id=messages[0].id if messages else 0,
            letters=[self._letter(message) for message in messages if message.id > after],
        )

    async def find_next(self) -> NextGreeting | None:
        """Return who is next to be greeted."""
        async with self._store.session() as session:
            upcoming = await session.messages.find_next(self._clock.now())
        return _next_greeting(upcoming) if upcoming else None

    async def list_page(self, before: int | None) -> tuple[Sequence[Letter], int | None]:
        """Return a page of letters, newest first, and the number before which the next begins."""
        messages = await self._inbox.list_page(SHOWN + 1, before=before)
        letters = [self._letter(message) for message in messages[:SHOWN]]
        return letters, letters[-1].id if len(messages) > SHOWN else None

    async def find_news(self, after: int) -> News:
        """Return the letters above the number of the last that the asker has; 0: of none."""
        messages = await self._inbox.list_page(SHOWN + 1, first=after)
        # The last is what they have, unless they are far behind, or it is gone.
        is_known = after == 0 or (bool(messages) and messages[-1].id == after)
        if not is_known:
            messages = await self._inbox.list_page(SHOWN)
        new = [message for message in messages[:SHOWN] if message.id > after or not is_known]
        return News([self._letter(message) for message in new], is_whole=not is_known)

    async def find(self, number: int) -> WholeLetter | None:
        """Return one letter, whole."""
        message = await self._inbox.find(number)
        if message is None:
            return None
        user_id = _subject(message.idempotency_key).user_id
        is_empty = not message.message
        return WholeLetter(self._letter(message), user_id, message.html, is_empty=is_empty)

    def _letter(self, message: InboxMessage) -> Letter:
        scheduled_at, received_at = message.scheduled_send_at, message.received_at
        subject = _subject(message.idempotency_key)
        concern([subject.user_id])
        return Letter(
            id=message.id,
            email=message.email,
            message=message.message or _EMPTIED,
            timezone=message.timezone,
            scheduled_local=wall(scheduled_at, message.timezone) if scheduled_at else None,
            received_local=wall(received_at, message.timezone),
            received_at=received_at,
            late_seconds=(received_at - scheduled_at).total_seconds() if scheduled_at else None,
            unsubscribe=self._links.make_path(subject),
            subject=message.subject or _usual_subject(subject.message_type),
            language=message.language,
        )


def _subject(idempotency_key: str) -> LinkSubject:
    user_id, message_type, _ = idempotency_key.split(":")
    return LinkSubject(UUID(user_id), message_type)


def _usual_subject(message_type: str) -> str:
    """Return what a letter is headed that brings no subject, as mail would be."""
    try:
        return get_message_type(message_type).subject
    except MessageTypeNotFound:
        return ""


def _next_greeting(upcoming: UpcomingGreeting) -> NextGreeting:
    return NextGreeting(
        name=f"{upcoming.first_name} {upcoming.last_name}",
        message_type=upcoming.message_type,
        timezone=upcoming.timezone,
        scheduled_at=upcoming.scheduled_send_at,
        scheduled_local=wall(upcoming.scheduled_send_at, upcoming.timezone),
    )
