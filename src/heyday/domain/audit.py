"""Say who did what, and who looked at whom: the deed at hand, and what the audit log keeps of it.

A door (the API, the command line) says at the beginning who is at work, in DEED. The database then
writes it down in the transaction of the deed itself, whatever code runs in between. No value of a
person is ever kept: ids, and names of fields.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class ActorKind(StrEnum):
    """Name by which door somebody came."""

    KEY = "key"
    """An API key: its id and name."""
    ANYBODY = "anybody"
    """The API, by a route that asks for no key."""
    CLI = "cli"
    """The command line: the user of the operating system."""
    JOB = "job"
    """Work that goes on by itself after somebody asked for it: the id of an import."""
    SQL = "sql"
    """PostgreSQL itself: the role."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Say who is at work. id: of an API key, or of a job.   address: the IP address of a caller."""

    kind: ActorKind
    name: str
    id: UUID | None = None
    address: str | None = None


@dataclass(slots=True, eq=False)
class Deed:
    """Hold what somebody is doing, and whom it concerns as far as that is known by now.

    action: such as person.create.   is_write: the first transaction of it that commits is noted,
    and each that changes people.   is_noted: the log has it, in a transaction of the deed.
    """

    actor: Actor
    action: str
    request_id: str | None = None
    is_write: bool = False
    is_noted: bool = False
    subject_ids: dict[UUID, None] = field(default_factory=dict)

    def concerns(self, user_ids: Collection[UUID]) -> None:
        """Add people whom the deed concerns."""
        self.subject_ids.update(dict.fromkeys(user_ids))


DEED: ContextVar[Deed | None] = ContextVar("heyday_deed", default=None)
"""What the present task is doing, if a door has said so."""


@contextmanager
def doing(deed: Deed) -> Iterator[Deed]:
    """Say that what is done inside is this deed."""
    token = DEED.set(deed)
    try:
        yield deed
    finally:
        DEED.reset(token)


def concern(user_ids: Collection[UUID]) -> None:
    """Say whom the deed at hand concerns, where a service finds that out. No deed: do nothing."""
    if deed := DEED.get():
        deed.concerns(user_ids)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Show one line of the audit log. fields: names of what changed, where people were changed.

    sql_role: as whom PostgreSQL knew the writer, which nobody can give otherwise.
    """

    id: int
    at: datetime
    actor_kind: ActorKind
    actor_id: UUID | None
    actor_name: str
    sql_role: str
    action: str
    subject_ids: tuple[UUID, ...]
    fields: tuple[str, ...]
    address: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Say which lines are asked for; None asks for any.

    actor: the name of one.   key: how the prefix of an API key begins.   until: not included.
    """

    person_id: UUID | None = None
    actor: str | None = None
    key: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditUpkeep:
    """Count the months of the audit log that were made and dropped."""

    created: int
    dropped: int


class AuditStore(Protocol):
    """Keep the audit log."""

    async def add_looks(self, deeds: Sequence[Deed]) -> None:
        """Write down deeds that no transaction of their own has noted."""
        ...

    async def list_page(
        self, asked: AuditFilter, before: int | None, limit: int
    ) -> Sequence[AuditEntry]:
        """Return up to `limit` lines, the latest first, older than the one of this number."""
        ...

    async def keep(self, now: datetime, months: int) -> AuditUpkeep:
        """Create the months that are near; drop those that ended so many whole months ago.

        months: 0 drops none.
        """
        ...
