"""Name what whoever looks at Heyday's condition needs from the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MonthSize:
    """Tell how large a month is: its greetings, their keys and what providers told of them.

    rows: greetings, as PostgreSQL last estimated them; None if it never did.   size: bytes, indexes
    included.
    """

    month: date
    rows: int | None
    size: int


@dataclass(frozen=True, slots=True)
class ProviderPace:
    """Tell how fast a provider is called, where a 429 or a limit has a say in that.

    rate: calls a second; None: nothing limits them.   blocked_until: no calls before; None or past:
    it is called.   slowed_at: when the rate was last halved.
    """

    provider: str
    rate: float | None
    blocked_until: datetime | None
    slowed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Failing:
    """Tell of a sender that takes nothing.

    greetings: that failed since it last took one, and wait to be tried again.   since: the first of
    those attempts ended.
    """

    sender: str
    greetings: int
    since: datetime


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """Tell what PostgreSQL tells of itself.

    version: such as "15.14".   size: of the whole database, bytes.   failed, stuck: greetings that
    failed within the last day, and those whose worker has given no sign of life for minutes; each
    is counted up to MOST_READ.   lost_people: how many the daily run found in zones that nobody
    knows.   is_audit_stray: lines of the audit log have no month.   failing: senders of which some
    attempts failed since they last took a greeting.
    """

    version: str
    size: int
    months: Sequence[MonthSize]
    paces: Sequence[ProviderPace]
    failed: int
    stuck: int = 0
    lost_people: int = 0
    is_audit_stray: bool = False
    failing: Sequence[Failing] = ()


def is_behind(revision: str | None, newest: str) -> bool:
    """Tell whether a migration is missing. What a newer release has migrated serves both.

    newest: that this release knows; revisions are numbers of one length.
    """
    return revision is None or revision < newest


@dataclass(frozen=True, slots=True)
class SchemaFacts:
    """Tell which schema the database has, migrated or not.

    version: of PostgreSQL.   revision: None where nothing was ever migrated.   newest: the revision
    that this release of Heyday expects.   months: that have all of their partitions.
    """

    version: str
    revision: str | None
    newest: str
    months: frozenset[date]

    @property
    def is_behind(self) -> bool:
        """Tell whether a migration is missing."""
        return is_behind(self.revision, self.newest)


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """Tell how PostgreSQL is set up.

    settings: its own, by name, as PostgreSQL shows them.   sessions: that there are now, of all
    accounts and databases.   is_replica: it takes no writes.   took: how long it was to answer.
    pool_max: connections that one process of Heyday may open.
    """

    settings: Mapping[str, str]
    sessions: int
    is_replica: bool
    took: timedelta
    pool_max: int


class SchemaStore(Protocol):
    """Look at the schema, in what every probe can pay for."""

    async def read_schema(self) -> SchemaFacts:
        """Return which there is. Raises DatabaseError."""
        ...


class ConditionStore(Protocol):
    """Look at the database as a whole."""

    async def read_server(self) -> ServerFacts:
        """Return how it is set up, also where nothing was migrated. Raises DatabaseError."""
        ...

    async def read_facts(self, failed_since: datetime) -> DatabaseFacts:
        """Return what it tells. Raises DatabaseError."""
        ...
