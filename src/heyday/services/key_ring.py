"""Tell which key a caller has, without asking the database each time.

All valid keys are held at once: there are few, and so a key that is none costs no look of its own.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from heyday.domain.access import ApiKey, Credential, StoredKey
from heyday.domain.access_ports import KeyStore
from heyday.domain.errors import DatabaseError
from heyday.domain.ports import Clock
from heyday.domain.rate_limit import RateLimit

if TYPE_CHECKING:
    from uuid import UUID

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RingConfig:
    """Say how long what was read is gone by.

    kept_for: until it is read again, at the next request.   patience: how long requests wait for
    PostgreSQL, once there is something to go by.   ask_again: how long it is left alone after that.
    looks: how often it is read again for the sake of a key that is not held: it may be new.
    """

    kept_for: timedelta = timedelta(seconds=5)
    patience: timedelta = timedelta(seconds=1)
    ask_again: timedelta = timedelta(seconds=1)
    looks: RateLimit = field(default_factory=lambda: RateLimit(20, timedelta(seconds=5)))


class KeyRing:
    """Hold all valid keys for a few seconds, and note which of them are used.

    news: set when keys may have changed; `find` then reads them again at once. While PostgreSQL is
    away, what was last read goes on to count: nothing of people can be shown or changed then.
    """

    def __init__(
        self, store: KeyStore, news: asyncio.Event, clock: Clock, config: RingConfig | None = None
    ) -> None:
        self._store = store
        self._news = news
        self._clock = clock
        self._config = config or RingConfig()
        self._keys: Mapping[str, StoredKey] | None = None
        self._read_at = self._ask_at = 0.0
        self._looks_clear_at = 0
        self._reading: asyncio.Task[Mapping[str, StoredKey]] | None = None
        self._used_at: dict[UUID, datetime] = {}

    async def find(self, credential: Credential) -> ApiKey | None:
        """Return the valid key with this prefix and secret, and note that it is used.

        Raises DatabaseError if keys could not be read even once.
        """
        keys = await self._current()
        stored = keys.get(credential.prefix)
        if stored is None and self._may_look_again():
            stored = (await self._read_again(keys)).get(credential.prefix)
        now = self._clock.now()
        if stored is None or not stored.is_opened_by(credential) or not stored.key.is_valid(now):
            return None
        self._used_at[stored.key.id] = now
        return stored.key

    async def find_known(self, prefix: str) -> ApiKey | None:
        """Return the valid key with this prefix, whose secret was shown before; note its use.

        Raises DatabaseError if keys could not be read even once.
        """
        stored = (await self._current()).get(prefix)
        now = self._clock.now()
        if stored is None or not stored.key.is_valid(now):
            return None
        self._used_at[stored.key.id] = now
        return stored.key

    async def close(self) -> None:
        """Write down what is left to write, and wait for nothing else."""
        if self._reading:
            self._reading.cancel()
        await self.flush()

    async def flush(self) -> None:
        """Write down which keys were used since the last time; if that fails, the next time."""
        used_at, self._used_at = self._used_at, {}
        if not used_at:
            return
        try:
            await self._store.note_use(used_at)
        except DatabaseError as error:
            log.info("key_use_not_written", keys=len(used_at), error=type(error).__name__)
            self._used_at = used_at | self._used_at

    async def _current(self) -> Mapping[str, StoredKey]:
        """Return the keys, as they were a few seconds ago at the most."""
        if self._keys is None:
            return await self._read_once()
        now = self._clock.monotonic()
        is_old = self._news.is_set() or now - self._read_at >= self._config.kept_for.total_seconds()
        return await self._read_again(self._keys) if is_old and now >= self._ask_at else self._keys

    async def _read_again(self, before: Mapping[str, StoredKey]) -> Mapping[str, StoredKey]:
        """Return the keys as they are now; as they were before if PostgreSQL cannot say."""
        try:
            async with asyncio.timeout(self._config.patience.total_seconds()):
                return await self._read_once()
        except (DatabaseError, TimeoutError) as error:
            self._ask_at = self._clock.monotonic() + self._config.ask_again.total_seconds()
            log.info("keys_not_read", error=type(error).__name__)
            return before

    async def _read_once(self) -> Mapping[str, StoredKey]:
        """Return the keys; who asks while others wait for them waits with these."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(_look_at_end)
        # Whoever gives up waiting leaves the others what they wait for.
        return await asyncio.shield(self._reading)

    async def _read(self) -> Mapping[str, StoredKey]:
        while True:
            # Before the look: what is announced after it is news again.
            self._news.clear()
            self._read_at = self._clock.monotonic()
            try:
                stored = await self._store.list_valid(self._clock.now())
            except BaseException:
                self._news.set()
                raise
            if not self._news.is_set():
                self._keys = {each.key.prefix: each for each in stored}
                return self._keys

    def _may_look_again(self) -> bool:
        """Tell whether a key that is not held is worth a look, and count it: guesses are many."""
        now = int(self._clock.monotonic() * 1_000_000)
        self._looks_clear_at, wait = self._config.looks.take(self._looks_clear_at, now)
        return not wait


def _look_at_end(reading: asyncio.Task[Mapping[str, StoredKey]]) -> None:
    """Have asyncio know that a fault was seen, also where nobody waits for it any longer."""
    if not reading.cancelled():
        reading.exception()
