"""The statements of db/sql/users.sql, on the model database (ports.UserStore)."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from heyday.domain.errors import EmailTaken
from heyday.domain.finding import EVERYBODY, PeopleFilter, PeopleSearch
from heyday.domain.models import PersonDraft, User
from heyday.domain.people import FIELDS
from heyday.domain.people_tables import PersonFields, StoredPeople
from tests.model.rows import PersonRow, month_day
from tests.model.tables import ModelDatabase


class ModelPeople:
    """Keep people."""

    def __init__(self, database: ModelDatabase) -> None:
        self._database = database

    async def insert(self, person: PersonDraft, now: datetime) -> User:
        self._check_address(person.email)
        row = PersonRow(
            id=self._database.id_of_person(person.email),
            created_at=now,
            updated_at=now,
            eligible_since=now,
            **asdict(person),
        )
        self._database.tables.people[row.id] = row
        return row.as_user()

    async def find(self, user_id: UUID) -> User | None:
        row = self._find(user_id)
        return row.as_user() if row else None

    async def find_for_update(self, user_id: UUID) -> User | None:
        return await self.find(user_id)

    async def list_page(
        self, after: UUID | None, limit: int, wanted: PeopleFilter = EVERYBODY
    ) -> list[User]:
        assert wanted is EVERYBODY
        present = sorted(self._present(), key=lambda row: row.id)
        return [row.as_user() for row in present if after is None or row.id > after][:limit]

    async def replace(self, user_id: UUID, person: PersonDraft, now: datetime) -> User | None:
        row = self._find(user_id)
        if row is None:
            return None
        self._check_address(person.email, of=user_id)
        old = month_day(row.birthday_date), month_day(row.anniversary_date)
        new = month_day(person.birthday_date), month_day(person.anniversary_date)
        since = row.eligible_since if old == new else now
        written = self._database.update_person(
            row, **asdict(person), updated_at=now, eligible_since=since
        )
        return written.as_user()

    async def delete(self, user_id: UUID, now: datetime) -> bool:
        row = self._find(user_id)
        if row:
            self._database.update_person(row, deleted_at=now, updated_at=now)
        return row is not None

    async def undelete(self, user_id: UUID, now: datetime) -> User | None:
        row = self._database.tables.people.get(user_id)
        if row is None or row.deleted_at is None:
            return None
        self._check_address(row.email, of=user_id)
        return self._database.update_person(
            row, deleted_at=None, updated_at=now, eligible_since=now
        ).as_user()

    async def unsubscribe(
        self, user_id: UUID, now: datetime, message_type: str | None = None
    ) -> User | None:
        assert message_type is None, "the machine leaves all greetings or none"
        row = self._find(user_id)
        if row is None or row.unsubscribed_at is not None:
            return None
        return self._database.update_person(row, unsubscribed_at=now, updated_at=now).as_user()

    async def resubscribe(
        self, user_id: UUID, now: datetime, message_type: str | None = None
    ) -> User | None:
        assert message_type is None, "the machine leaves all greetings or none"
        row = self._find(user_id)
        if row is None or row.unsubscribed_at is None:
            return None
        return self._database.update_person(
            row, unsubscribed_at=None, updated_at=now, eligible_since=now
        ).as_user()

    async def leave(
        self, user_id: UUID, now: datetime, message_type: str | None = None
    ) -> list[UUID]:
        raise NotImplementedError("the machine follows no links")

    async def upsert_many(
        self,
        people: Sequence[PersonFields],
        now: datetime,
        columns: Collection[str] = FIELDS,
        near: Collection[int] = (),
    ) -> StoredPeople:
        raise NotImplementedError("the machine imports nobody")

    async def search(self, wanted: PeopleSearch, limit: int) -> list[User]:
        raise NotImplementedError("the machine looks for nobody")

    async def find_ids(self, addresses: Sequence[str]) -> list[UUID | None]:
        raise NotImplementedError("the machine imports nobody")

    async def count(self) -> int:
        return len(self._present())

    def _present(self) -> list[PersonRow]:
        return [row for row in self._database.tables.people.values() if row.deleted_at is None]

    def _find(self, user_id: UUID) -> PersonRow | None:
        row = self._database.tables.people.get(user_id)
        return row if row and row.deleted_at is None else None

    def _check_address(self, email: str, of: UUID | None = None) -> None:
        if any(r.email.lower() == email.lower() and r.id != of for r in self._present()):
            raise EmailTaken
