"""Say how greetings are looked through: in which order, how far at once, and what is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from heyday.domain.message_filters import MessageFilter, Place
from heyday.domain.resolutions import GreetingRow
from heyday.domain.transitions import Status

LOOK = 10_000
"""How many rows are looked at for one page, however few of them fit: no list is a scan."""

# Of these an index leads to the rows; of others a look goes through all rows of the bounds.
_STAGES: Mapping[Status, str] = {
    Status.SCHEDULED: "PLANNED",
    Status.RETRYING: "PLANNED",
    Status.QUEUED: "LEAVING",
    Status.SENDING: "LEAVING",
    Status.FAILED: "FAILED",
    Status.UNKNOWN: "UNKNOWN",
    Status.CANCELLED: "CANCELLED",
    Status.SKIPPED: "SKIPPED",
}


class Order(StrEnum):
    """Name from which end of their bounds greetings are looked through."""

    LATEST = "latest"
    EARLIEST = "earliest"


@dataclass(frozen=True, slots=True)
class Look:
    """Say which greetings are looked for, and from where. after: None: from the beginning."""

    wanted: MessageFilter
    order: Order
    after: Place | None = None

    @property
    def stage(self) -> str | None:
        """Return the stage that an index leads to; None where none does, or a person leads."""
        if self.wanted.user_id is not None or self.wanted.status is None:
            return None
        return _STAGES.get(self.wanted.status)


_SOURCES: Mapping[Status, Sequence[Status]] = {
    Status.CANCELLED: (Status.SCHEDULED, Status.RETRYING, Status.QUEUED),
    Status.RETRYING: (Status.UNKNOWN, Status.FAILED),
    Status.SENT: (Status.UNKNOWN,),
    Status.FAILED: (Status.UNKNOWN,),
}


def narrowed(look: Look, target: Status, earliest: datetime) -> list[Look]:
    """Return looks for those of a look that a person may move so: an index leads to each.

    earliest: what is scheduled before this is too late for a retry.
    """
    wanted = look.wanted
    looks = []
    for source in _SOURCES[target]:
        if wanted.status not in {None, source}:
            continue
        fitting = replace(wanted, status=source)
        if target is Status.RETRYING:
            begin = max(wanted.scheduled_from or earliest, earliest)
            fitting = replace(fitting, scheduled_from=begin)
        if source is Status.FAILED:
            if wanted.is_ambiguous:
                continue
            fitting = replace(fitting, is_ambiguous=False)
        looks.append(Look(fitting, look.order))
    return looks


@dataclass(frozen=True, slots=True)
class ListedGreeting:
    """Hold a greeting with the zone of its person, as it was planned."""

    row: GreetingRow
    timezone: str


@dataclass(frozen=True, slots=True)
class PersonName:
    """Tell what a person is called."""

    first_name: str
    last_name: str
    is_deleted: bool

    def __str__(self) -> str:
        """Return the whole name."""
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class ListedPage:
    """Hold one page. next: where the list goes on; None: at its end.

    looked_to: the instant at which the look ended before the page was full; else None.
    """

    greetings: Sequence[ListedGreeting]
    next: Place | None
    looked_to: datetime | None = None

    @property
    def user_ids(self) -> list[UUID]:
        """Return whose greetings they are."""
        return [each.row.user_id for each in self.greetings]


@dataclass(frozen=True, slots=True)
class Counted:
    """Say how many greetings fit. is_exact: whether all were looked at, and not the first LOOK."""

    number: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class LetterRow:
    """Hold what a greeting says, and what only one who looks at it alone needs to know.

    text: empty where it was removed after its time.   body: what the provider said, cut short.
    """

    subject: str
    text: str
    html: str | None
    language: str
    timezone: str
    tzdb_version: str
    epoch: int
    lease_until: datetime | None
    body: str | None
    provider_message_id: str | None
    address: str
    person: PersonName
