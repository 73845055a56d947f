"""The model database: tables in memory, transactions all or nothing, one after the other."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING
from uuid import UUID

from tests.model.clockwork import ModelClock
from tests.model.rows import AttemptRow, JobRow, MessageRow, Move, PersonRow, month_day

if TYPE_CHECKING:
    from heyday.domain.ports import Session


@dataclass
class Tables:
    """What is stored. Rows are frozen, so that a shallow copy is a snapshot.

    moves: every write to a greeting since the beginning, for whoever checks the promises.
    """

    people: dict[UUID, PersonRow] = field(default_factory=dict)
    messages: dict[UUID, MessageRow] = field(default_factory=dict)
    ledger: set[tuple[date, UUID, str]] = field(default_factory=set)
    attempts: list[AttemptRow] = field(default_factory=list)
    jobs: dict[int, JobRow] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)

    def copy(self) -> "Tables":
        return Tables(
            dict(self.people),
            dict(self.messages),
            set(self.ledger),
            list(self.attempts),
            dict(self.jobs),
            list(self.moves),
        )


class ModelDatabase:
    """Hold the tables, and the clock that decides leases.

    skew: how far it is ahead of that of the processes.
    session: what gives the stores, if it is not the model's own.
    statements: the names of those that the present or last transaction ran.
    """

    def __init__(self, clock: ModelClock, skew: timedelta = timedelta()) -> None:
        self.tables = Tables()
        self.statements: list[str] = []
        self.session: Session | None = None
        self._clock = clock
        self.skew = skew
        self._ids = count(1)
        self._saved: Tables | None = None

    def now(self) -> datetime:
        """What SQL's now() says."""
        return self._clock.now() + self.skew

    def id_of_person(self, email: str) -> UUID:  # noqa: ARG002 - a subclass asks by it
        return UUID(int=next(self._ids))

    def id_of_message(self, key: str) -> UUID:  # noqa: ARG002 - as above
        return UUID(int=next(self._ids))

    def begin(self) -> None:
        assert self._saved is None, "transactions of the model do not overlap"
        self._saved = self.tables.copy()
        self.statements = []

    def commit(self) -> None:
        self._saved = None

    def roll_back(self) -> None:
        assert self._saved is not None
        self.tables, self._saved = self._saved, None

    def put(self, row: MessageRow) -> MessageRow:
        """Write a greeting, and note the move."""
        before = self.tables.messages.get(row.id)
        self.tables.messages[row.id] = row
        person = self.tables.people[row.user_id]
        self.tables.moves.append(Move(before, row, self._clock.now(), person))
        return row

    def id_of_job(self) -> int:
        return next(self._ids)

    def edit_by_sql(self, user_id: UUID, **changes: object) -> None:
        """Change a person as somebody with psql would."""
        self.update_person(self.tables.people[user_id], **changes)

    def check_tables(self) -> None:
        """Check what may be checked of the tables as a whole."""

    def update_person(self, person: PersonRow, **changes: object) -> PersonRow:
        """Write a person; what is not given is set as the trigger touch_user does."""
        new = replace(person, **changes)  # type: ignore[arg-type] # names of columns
        now = self.now()
        days = [
            (month_day(person.birthday_date), month_day(new.birthday_date)),
            (month_day(person.anniversary_date), month_day(new.anniversary_date)),
        ]
        is_new_day = any(old != now_ for old, now_ in days)
        presence = (person.deleted_at, person.unsubscribed_at)
        is_new_presence = (new.deleted_at, new.unsubscribed_at) != presence
        if new.updated_at == person.updated_at:
            new = replace(new, updated_at=now)
        if new.eligible_since == person.eligible_since and (is_new_day or is_new_presence):
            new = replace(new, eligible_since=now)
        if any(old is not None and old != now_ for old, now_ in days):
            new = replace(new, dates_changed_at=max(now, new.updated_at))
        self.tables.people[new.id] = new
        return new
