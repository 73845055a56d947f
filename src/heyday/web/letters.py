"""Gather what the inbox page shows, with every time also as the wall clock showed it there."""

from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct

from heyday.domain.inbox_ports import InboxStore
from heyday.domain.models import InboxMessage, UpcomingGreeting
from heyday.domain.ports import Clock, Store
from heyday.domain.sealing import LinkSubject
from heyday.domain.tzdb import PINNED
from heyday.services.unsubscribing import LinkMaker

SHOWN = 100
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


class NextGreeting(Struct, frozen=True):
    """Show who is next to be greeted, and when."""

    name: str
    message_type: str
    timezone: str
    scheduled_at: datetime
    scheduled_local: str


class InboxReply(Struct, frozen=True):
    """Answer one poll of the page.

    now: lets the page count down whatever the clock of its own machine says.   latest_id: the
    newest letter there is, 0 for none; smaller than before if the database was emptied.
    """

    now: datetime
    sender: str
    next: NextGreeting | None
    latest_id: int
    letters: list[Letter]


class InboxFeed:
    """Answer the polls of the inbox page. sender: the setting SENDER."""

    def __init__(
        self, store: Store, inbox: InboxStore, clock: Clock, sender: str, links: LinkMaker
    ) -> None:
        self._store = store
        self._links = links
        self._inbox = inbox
        self._clock = clock
        self._sender = sender

    async def read(self, after: int) -> InboxReply:
        """Return the latest letters with a number above `after`, newest first."""
        now = self._clock.now()
        async with self._store.session() as session:
            upcoming = await session.messages.find_next(now)
        messages = await self._inbox.list_page(SHOWN)
        return InboxReply(
            now=now,
            sender=self._sender,
            next=_next_greeting(upcoming) if upcoming else None,
            latest_id=messages[0].id if messages else 0,
            letters=[self._letter(message) for message in messages if message.id > after],
        )

    def _letter(self, message: InboxMessage) -> Letter:
        scheduled_at, received_at = message.scheduled_send_at, message.received_at
        return Letter(
            id=message.id,
            email=message.email,
            message=message.message or _EMPTIED,
            timezone=message.timezone,
            scheduled_local=_wall_time(scheduled_at, message.timezone) if scheduled_at else None,
            received_local=_wall_time(received_at, message.timezone),
            received_at=received_at,
            late_seconds=(received_at - scheduled_at).total_seconds() if scheduled_at else None,
            unsubscribe=self._links.make_path(_subject(message.idempotency_key)),
        )


def _subject(idempotency_key: str) -> LinkSubject:
    user_id, message_type, _ = idempotency_key.split(":")
    return LinkSubject(UUID(user_id), message_type)


def _next_greeting(upcoming: UpcomingGreeting) -> NextGreeting:
    return NextGreeting(
        name=f"{upcoming.first_name} {upcoming.last_name}",
        message_type=upcoming.message_type,
        timezone=upcoming.timezone,
        scheduled_at=upcoming.scheduled_send_at,
        scheduled_local=_wall_time(upcoming.scheduled_send_at, upcoming.timezone),
    )


def _wall_time(at: datetime, zone: str | None) -> str:
    """Write an instant as a wall clock in the zone shows it, such as "Mon 4 Jan 2027, 09:00:00"."""
    local = at.astimezone(PINNED.load(zone) if zone in PINNED.served else UTC)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S}"
