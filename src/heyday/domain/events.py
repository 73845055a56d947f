"""Say what a provider told of a letter, and what that means for the greeting and its person.

Events come in no order, twice, late, or not at all. So each is kept, and what it leads to does not
depend on what came before: docs/adr/0040.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from heyday.domain.errors import InvalidInput
from heyday.domain.idempotency import IdempotencyKey, IdempotencyService
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.suppressions import Reason
from heyday.domain.transitions import Status

TOLD = "told"
"""What stands in the place of an outcome among the attempts, where a provider's event decided."""

DROP_PATIENCE = timedelta(hours=1)
"""How long a drop waits for a word that the letter was taken after all, before it counts."""


class EventKind(StrEnum):
    """Name what happened to a letter, by whichever words its provider told of it."""

    ACCEPTED = "accepted"
    """The provider took it, and will try to deliver it."""
    DELIVERED = "delivered"
    """The mail server of its person took it."""
    DELAYED = "delayed"
    """That server would not take it yet; the provider goes on trying."""
    RETURNED = "returned"
    """It came back for a passing reason, such as a full mailbox; the address may be good."""
    BOUNCED = "bounced"
    """It came back for good: there is no such address."""
    DROPPED = "dropped"
    """The provider did not even try."""
    COMPLAINED = "complained"
    """Its person called it spam."""
    UNSUBSCRIBED = "unsubscribed"
    """Its person left, by the provider's own means."""


_TYPES = frozenset(message_type.name for message_type in MESSAGE_TYPES)
# Beyond them there are no partitions, and days before and after them could not be reckoned.
_YEARS = range(2000, 3000)
_LEAVES_ALL = {EventKind.BOUNCED: Reason.BOUNCED, EventKind.COMPLAINED: Reason.COMPLAINED}


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """Describe one event.

    id: made of the provider's own name for it (`event_id`).   key: as it came, which may be no key.
    happened_at: None if the provider did not say.   recipient: the address it is about, which is
    not kept; None if it did not say.   code: an enhanced status code (RFC 3463), such as 5.1.1.
    """

    id: UUID
    kind: EventKind
    key: str
    happened_at: datetime | None = None
    recipient: str | None = None
    code: str | None = None

    def __post_init__(self) -> None:
        """Refuse an instant without a zone."""
        if self.happened_at is not None and self.happened_at.tzinfo is None:
            raise ValueError("expected an aware instant")

    @property
    def greeting(self) -> IdempotencyKey | None:
        """Return which greeting it is about, if its key is one that we may have made."""
        try:
            key = IdempotencyService().parse(self.key)
        except InvalidInput:
            return None
        is_ours = key.message_type in _TYPES and key.delivery_on.year in _YEARS
        return key if is_ours else None

    def at(self, received_at: datetime) -> datetime:
        """Return when it happened: never later than we heard of it."""
        return min(self.happened_at or received_at, received_at)


@dataclass(frozen=True, slots=True)
class Token:
    """Name what a provider lets be used once, and what it was used for: the whole request."""

    id: UUID
    request_id: UUID


@dataclass(frozen=True, slots=True)
class Received:
    """Hold what one request told. token: where its signature is over no more than that."""

    events: Sequence[ProviderEvent]
    token: Token | None = None


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """Show one event of a greeting, as it is kept."""

    provider: str
    kind: EventKind
    happened_at: datetime
    code: str | None = None

    def __str__(self) -> str:
        """Return what a person is told."""
        return f"{self.provider}: {self.kind}" + (f" ({self.code})" if self.code else "")


@dataclass(frozen=True, slots=True)
class NotedEvent:
    """Hold an event that was not known, with the greeting it is about, as that stands."""

    event: ProviderEvent
    message_id: UUID
    user_id: UUID
    message_type: str
    scheduled_send_at: datetime
    status: Status


@dataclass(frozen=True, slots=True)
class Word:
    """Hold what tells most of a greeting that is UNKNOWN, which stands as this epoch left it."""

    message_id: UUID
    scheduled_send_at: datetime
    epoch: int
    told: ToldEvent

    @property
    def verdict(self) -> Status:
        """Return what became of the greeting: who was told anything but a drop has taken it."""
        return Status.FAILED if self.told.kind is EventKind.DROPPED else Status.SENT


@dataclass(frozen=True, slots=True)
class Departure:
    """Say that somebody is to be greeted no more.

    address: the one that is put on the list; None: the one that the person has now.
    message_type: the name of one, or None for all.
    """

    user_id: UUID
    address: str | None
    message_type: str | None
    reason: Reason


def event_id(provider: str, name: str) -> UUID:
    """Return what stands for a provider's own name of an event: the same each time.

    The name itself is not kept: by it, the provider's records show the person.
    """
    return UUID(bytes=hashlib.sha256(f"{provider}\n{name}".encode()).digest()[:16])


def departures_of(noted: Iterable[NotedEvent]) -> list[Departure]:
    """Return who is to be greeted no more, after what was told."""
    departures = []
    for each in noted:
        kind, all_types = each.event.kind, _LEAVES_ALL.get(each.event.kind)
        if all_types is None and kind is not EventKind.UNSUBSCRIBED:
            continue
        departures.append(
            Departure(
                user_id=each.user_id,
                address=each.event.recipient,
                message_type=None if all_types else each.message_type,
                reason=all_types or Reason.UNSUBSCRIBED,
            )
        )
    return departures
