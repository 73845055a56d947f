"""Make, list and revoke API keys."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from heyday.domain.access import (
    CHANCE_BYTES,
    ApiKey,
    KeyDraft,
    NewKey,
    Scope,
    form_credential,
    is_prefix,
    read_draft,
)
from heyday.domain.access_ports import KeyStore
from heyday.domain.errors import UnknownKey
from heyday.domain.ports import Clock

FIRST = KeyDraft("first key", frozenset({Scope.ADMIN}))
"""What whoever starts Heyday on an empty database is given."""


class KeyService:
    """Change which keys there are.

    news: set after each change, so that this process goes by it at once.   chance: returns so many
    bytes that nobody can foresee.
    """

    def __init__(
        self, store: KeyStore, news: asyncio.Event, clock: Clock, chance: Callable[[int], bytes]
    ) -> None:
        self._store = store
        self._news = news
        self._clock = clock
        self._chance = chance

    async def create(self, given: Mapping[str, object]) -> NewKey:
        """Make a key as described by name, scopes and perhaps expires_at. Raises InvalidInput."""
        now = self._clock.now()
        draft = read_draft(given, now)
        while True:
            credential = form_credential(self._chance(CHANCE_BYTES))
            # A prefix is of 32 bits: among thousands of keys one may come twice.
            if key := await self._store.insert(draft, credential.prefix, credential.digest, now):
                self._news.set()
                return NewKey(key, credential.text)

    async def create_first(self) -> NewKey | None:
        """Make a key that may do everything, if there never was any key; else return None."""
        credential = form_credential(self._chance(CHANCE_BYTES))
        key = await self._store.insert_first(
            FIRST, credential.prefix, credential.digest, self._clock.now()
        )
        self._news.set()
        return NewKey(key, credential.text) if key else None

    async def has_any(self) -> bool:
        """Tell whether there ever was a key."""
        return await self._store.has_any()

    async def list_all(self) -> Sequence[ApiKey]:
        """Return every key there ever was, the oldest first."""
        return await self._store.list_all()

    async def revoke(self, prefix: str) -> ApiKey:
        """Revoke a key; done twice, it is as done once. Raises UnknownKey."""
        # What can be no prefix may be no text for PostgreSQL either.
        found = is_prefix(prefix) and await self._store.revoke(prefix, self._clock.now())
        self._news.set()
        if not found:
            raise UnknownKey
        return found
