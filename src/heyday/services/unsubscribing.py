"""Let a person who was greeted leave, by the link that came with the greeting.

Source: RFC 8058, docs/adr/0027.
"""

from heyday.domain.errors import UnknownLink
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.ports import Clock, Session, Store
from heyday.domain.sealing import LinkSubject, Seals
from heyday.services.planning import Planner

_NAMES = frozenset(message_type.name for message_type in MESSAGE_TYPES)

PATH = "/unsubscribe"
"""Where links lead, behind the address that people reach the API at."""


class LinkMaker:
    """Make the links. public_url: what they begin with; None: there are none."""

    def __init__(self, seals: Seals, public_url: str | None) -> None:
        self._seals = seals
        self._public_url = public_url

    def make(self, subject: LinkSubject) -> str | None:
        """Return the link by which a person leaves: the same each time."""
        path = self.make_path(subject)
        return f"{self._public_url}{path}" if path and self._public_url else None

    def make_path(self, subject: LinkSubject) -> str | None:
        """Return the link without what it begins with, for pages of the same server."""
        token = self._seals.write_link(subject)
        return f"{PATH}/{token}" if token else None


class UnsubscribeService:
    """Follow the links."""

    def __init__(self, store: Store, seals: Seals, planner: Planner, clock: Clock) -> None:
        self._store = store
        self._seals = seals
        self._planner = planner
        self._clock = clock

    def read(self, token: str) -> LinkSubject:
        """Return what a link says, and change nothing. Raises UnknownLink."""
        subject = self._seals.read_link(token)
        if subject is None or subject.message_type not in _NAMES:
            raise UnknownLink
        return subject

    async def follow(self, token: str, *, is_for_all: bool = False) -> LinkSubject:
        """Send the person no more greetings of the link's type, or none at all.

        When it returns, that is committed. It holds for whoever has their address now, and for who
        brings it again. Who is deleted or erased may follow their link as well.
        Raises UnknownLink.
        """
        subject = self.read(token)
        message_type = None if is_for_all else subject.message_type

        async def work(session: Session) -> None:
            now = self._clock.now()
            user_ids = await session.users.leave(subject.user_id, now, message_type)
            await self._planner.cancel(session, user_ids, now)

        await self._store.in_transaction(work)
        return subject
