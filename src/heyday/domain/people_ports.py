"""Say what keeps people."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from heyday.domain.finding import EVERYBODY, PeopleFilter, PeopleSearch
from heyday.domain.models import PersonDraft, User
from heyday.domain.people import FIELDS
from heyday.domain.people_tables import PersonFields, StoredPeople


class UserStore(Protocol):
    """Keep people. A deleted person is found by `undelete`, `leave` and, asked for, `list_page`.

    Whose address is on the list of those who want no greetings comes as one who wants none. Who
    unsubscribes is put on it.   message_type: the name of one; None stands for all.
    """

    async def insert(self, person: PersonDraft, now: datetime) -> User:
        """Store a new person. Raises EmailTaken."""
        ...

    async def find(self, user_id: UUID) -> User | None:
        """Return the person with this id."""
        ...

    async def find_for_update(self, user_id: UUID) -> User | None:
        """Return the person with this id, and keep others from changing it meanwhile."""
        ...

    async def list_page(
        self, after: UUID | None, limit: int, wanted: PeopleFilter = EVERYBODY
    ) -> list[User]:
        """Return up to `limit` people in order of id, after the one given, who fit the filter."""
        ...

    async def search(self, wanted: PeopleSearch, limit: int) -> list[User]:
        """Return up to `limit` live people in order of id whose name or address begins so."""
        ...

    async def find_ids(self, addresses: Sequence[str]) -> list[UUID | None]:
        """Return the id of each live person by address, in the order given."""
        ...

    async def replace(self, user_id: UUID, person: PersonDraft, now: datetime) -> User | None:
        """Overwrite a person and return the new state. Raises EmailTaken."""
        ...

    async def delete(self, user_id: UUID, now: datetime) -> bool:
        """Mark a person deleted; tell whether there was one."""
        ...

    async def undelete(self, user_id: UUID, now: datetime) -> User | None:
        """Take a deletion back; return the person if there was one. Raises EmailTaken."""
        ...

    async def unsubscribe(
        self, user_id: UUID, now: datetime, message_type: str | None = None
    ) -> User | None:
        """Note that a person wants no more greetings; return the person if that is new."""
        ...

    async def resubscribe(
        self, user_id: UUID, now: datetime, message_type: str | None = None
    ) -> User | None:
        """Note that a person wants greetings again; return the person if that is new."""
        ...

    async def leave(
        self, user_id: UUID, now: datetime, message_type: str | None = None
    ) -> list[UUID]:
        """Unsubscribe whom a link is for, and who has their address now; return their ids."""
        ...

    async def upsert_many(
        self,
        people: Sequence[PersonFields],
        now: datetime,
        columns: Collection[str] = FIELDS,
        near: Collection[int] = (),
    ) -> StoredPeople:
        """Store people by address, each address once; return the new and the changed.

        columns: the fields that were given; a person who is there already keeps what is stored in
        the others.   near: the month-days, month * 100 + day, for which people are planned now.
        """
        ...

    async def count(self) -> int:
        """Return how many people there are."""
        ...
