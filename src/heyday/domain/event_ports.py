"""Name what the taking in of providers' events needs from the outside world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from heyday.domain.events import (
    Departure,
    NotedEvent,
    ProviderEvent,
    Received,
    Token,
    ToldEvent,
    Word,
)


@dataclass(frozen=True, slots=True)
class Posted:
    """Hold one request as it came. headers: by name in lower case."""

    headers: Mapping[str, str]
    body: bytes


class EventSource(Protocol):
    """Know how one provider signs what it tells, and what it means."""

    @property
    def provider(self) -> str:
        """Return its name, which is a part of the path."""
        ...

    async def read(self, posted: Posted, now: datetime) -> Received:
        """Return what a request tells. What is of no matter to a greeting is left out.

        Raises NotSigned, EventsUnreadable, SourceUnavailable.
        """
        ...


class EventStore(Protocol):
    """Keep what providers tell, and do what follows, in sets."""

    async def use_token(self, token: Token, now: datetime) -> bool:
        """Note that a token is used; tell whether it may be: never before for another request."""
        ...

    async def note(
        self, provider: str, events: Sequence[ProviderEvent], now: datetime
    ) -> list[NotedEvent]:
        """Keep events of greetings that there are; return those that were not known."""
        ...

    async def depart(self, departures: Sequence[Departure], now: datetime) -> list[UUID]:
        """Put addresses on the list, and unsubscribe whoever has them now; return their ids."""
        ...

    async def has_unknown(self) -> bool:
        """Tell whether any greeting is UNKNOWN."""
        ...

    async def list_words(self, dropped_before: datetime, limit: int) -> list[Word]:
        """Return what was told of greetings that are UNKNOWN, of each what tells most.

        dropped_before: a drop that we heard of later says nothing yet.
        """
        ...

    async def find_words(self, noted: Sequence[NotedEvent], dropped_before: datetime) -> list[Word]:
        """Return the same of these greetings alone."""
        ...

    async def settle(self, words: Sequence[Word], now: datetime) -> int:
        """Move those that are still UNKNOWN by the same epoch, with a trace; return how many."""
        ...

    async def list_told(self, message_id: UUID, delivery_on: date) -> list[ToldEvent]:
        """Return what was told of one greeting, in order."""
        ...

    async def forget_tokens(self, before: datetime) -> int:
        """Forget tokens that were used before an instant; return how many."""
        ...
