"""Keep people, and their plans in step with them: always in one transaction."""

import dataclasses
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import date, datetime
from uuid import UUID

from heyday.domain.dates import format_date
from heyday.domain.errors import Changed, NotFound
from heyday.domain.finding import EVERYBODY, PeopleFilter, PeopleSearch
from heyday.domain.models import PersonDraft, User
from heyday.domain.people import FIELDS, parse_person
from heyday.domain.people_ports import UserStore
from heyday.domain.ports import Clock, Session, Store
from heyday.services.planning import Planner


class UserService:
    """Create, read, change and delete people; let them leave and come back.

    expected: where it is given, a change raises Changed, or NotFound, and does nothing unless the
    person is there in one of these versions. Nobody else can change them in between.
    """

    def __init__(self, store: Store, planner: Planner, clock: Clock) -> None:
        self._store = store
        self._planner = planner
        self._clock = clock

    async def create(self, fields: Mapping[str, object]) -> User:
        """Store a person and plan their greetings. Raises InvalidInput, EmailTaken."""
        now = self._clock.now()
        person = parse_person(fields, now)
        await self._planner.prepare(self._store, now)

        async def work(session: Session) -> User:
            user = await session.users.insert(person, now)
            await self._planner.plan_person(session, user, now)
            return user

        return await self._store.in_transaction(work)

    async def get(self, user_id: UUID) -> User:
        """Return a person. Raises NotFound."""
        async with self._store.session() as session:
            return _present(await session.users.find(user_id))

    async def list_page(
        self, after: UUID | None, limit: int, wanted: PeopleFilter = EVERYBODY
    ) -> list[User]:
        """Return up to `limit` people in order of id, after the one given, who fit the filter."""
        async with self._store.session() as session:
            return await session.users.list_page(after, limit, wanted)

    async def search(self, wanted: PeopleSearch, limit: int) -> list[User]:
        """Return up to `limit` live people in order of id whose name or address begins so."""
        async with self._store.session() as session:
            return await session.users.search(wanted, limit)

    async def replace(
        self, user_id: UUID, fields: Mapping[str, object], expected: Collection[str] | None = None
    ) -> User:
        """Overwrite a person; an absent optional field is emptied.

        Raises NotFound, InvalidInput, EmailTaken.
        """
        now = self._clock.now()
        person = parse_person(fields, now)
        await self._planner.prepare(self._store, now)

        async def work(session: Session) -> User:
            await _expect(session, user_id, expected)
            return await self._write(session, user_id, person)

        return await self._store.in_transaction(work)

    async def patch(
        self, user_id: UUID, fields: Mapping[str, object], expected: Collection[str] | None = None
    ) -> User:
        """Change the fields given; null empties an optional one.

        Raises NotFound, InvalidInput, EmailTaken.
        """
        now = self._clock.now()
        await self._planner.prepare(self._store, now)

        async def work(session: Session) -> User:
            await _expect(session, user_id, expected)
            user = _present(await session.users.find_for_update(user_id))
            person = parse_person({**_as_given(user), **fields}, now)
            return await self._write(session, user_id, person)

        return await self._store.in_transaction(work)

    async def delete(self, user_id: UUID, expected: Collection[str] | None = None) -> None:
        """Delete a person, keeping the row, and cancel what they have not got. Raises NotFound."""
        now = self._clock.now()

        async def work(session: Session) -> None:
            await _expect(session, user_id, expected)
            if not await session.users.delete(user_id, now):
                raise _no_such_person()
            await self._planner.cancel(session, [user_id], now)

        await self._store.in_transaction(work)

    async def undelete(self, user_id: UUID, expected: Collection[str] | None = None) -> User:
        """Take a deletion back; what is still to come is owed again, and what is due today.

        Who is there already stays as they are. Raises NotFound, EmailTaken.
        """
        return await self._come_back(
            user_id, lambda people, now: people.undelete(user_id, now), expected
        )

    async def unsubscribe(
        self,
        user_id: UUID,
        expected: Collection[str] | None = None,
        message_type: str | None = None,
    ) -> User:
        """Send a person no more greetings, and cancel what they have not got.

        Who has unsubscribed already stays so, since the same instant.   message_type: greetings
        of this type alone.   Raises NotFound.
        """

        async def work(session: Session) -> User:
            await _expect(session, user_id, expected)
            now = self._clock.now()
            user = await session.users.unsubscribe(user_id, now, message_type)
            if user is None:
                return _present(await session.users.find(user_id))
            await self._planner.cancel(session, [user_id], now)
            return user

        return await self._store.in_transaction(work)

    async def resubscribe(
        self,
        user_id: UUID,
        expected: Collection[str] | None = None,
        message_type: str | None = None,
    ) -> User:
        """Greet a person again; what is still to come is owed again, and what is due today.

        Who is subscribed already stays so.   message_type: greet with this type alone, of those
        that they had left.   Raises NotFound.
        """
        return await self._come_back(
            user_id, lambda people, now: people.resubscribe(user_id, now, message_type), expected
        )

    async def _come_back(
        self,
        user_id: UUID,
        change: Callable[[UserStore, datetime], Awaitable[User | None]],
        expected: Collection[str] | None,
    ) -> User:
        await self._planner.prepare(self._store, self._clock.now())

        async def work(session: Session) -> User:
            await _expect(session, user_id, expected)
            now = self._clock.now()
            user = await change(session.users, now)
            if user is None:
                return _present(await session.users.find(user_id))
            # A zone that SQL has written may be none: such a person has no days to plan.
            zones = self._planner.zones & {user.timezone}
            await self._planner.replan(session, [user_id], zones, now)
            return user

        return await self._store.in_transaction(work)

    async def _write(self, session: Session, user_id: UUID, person: PersonDraft) -> User:
        now = self._clock.now()
        user = _present(await session.users.replace(user_id, person, now))
        await self._planner.replan(session, [user.id], [user.timezone], now)
        return user


async def _expect(session: Session, user_id: UUID, expected: Collection[str] | None) -> None:
    """Lock a person who must be there in one of these versions; do nothing if any will do."""
    if expected is None:
        return
    if _present(await session.users.find_for_update(user_id)).version not in expected:
        raise Changed


def _present(user: User | None) -> User:
    if user is None:
        raise _no_such_person()
    return user


def _no_such_person() -> NotFound:
    return NotFound("there is no person with this id; it may have been deleted")


def _as_given(user: User) -> dict[str, object]:
    """Return a person's fields as a company would give them."""
    stored = dataclasses.asdict(user)
    return {
        name: format_date(value) if isinstance(value := stored[name], date) else value
        for name in FIELDS
    }
