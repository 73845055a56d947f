"""Let a browser stand for the API key that somebody signed in with, for as long as that is valid.

What the database says of a session is gone by for a few seconds; a key that is revoked is refused
as soon as the key ring knows.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from heyday.domain.access import ApiKey
from heyday.domain.errors import DatabaseError
from heyday.domain.ports import Clock
from heyday.domain.session_ports import SessionStore
from heyday.domain.sessions import (
    IDLE,
    LONGEST,
    TOKEN_BYTES,
    WebSession,
    digest_of,
    form_token,
    is_token,
)
from heyday.services.key_ring import KeyRing

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """Say how what was read is gone by.

    kept_for: until it is read again.   held: how many sessions are held at once, at the most.
    looks: how many are looked up at once: whoever invents tokens takes no more connections.
    """

    kept_for: timedelta = timedelta(seconds=5)
    held: int = 4096
    looks: int = 2


@dataclass(frozen=True, slots=True)
class _Held:
    session: WebSession = field(repr=False)
    read_at: float


class SessionService:
    """Begin, find and end sessions. chance: returns so many bytes that nobody can foresee."""

    def __init__(
        self,
        store: SessionStore,
        ring: KeyRing,
        clock: Clock,
        chance: Callable[[int], bytes],
        config: SessionConfig | None = None,
    ) -> None:
        self._store = store
        self._ring = ring
        self._clock = clock
        self._chance = chance
        self._config = config or SessionConfig()
        self._held: dict[bytes, _Held] = {}
        self._looks = asyncio.Semaphore(self._config.looks)

    async def begin(self, key: ApiKey, before: str | None = None) -> str:
        """Begin a session; return its token, which is always a new one.

        before: the token that the browser came with, which opens nothing from here on.
        Raises DatabaseError.
        """
        now = self._clock.now()
        token = form_token(self._chance(TOKEN_BYTES))
        session = WebSession(key.id, key.prefix, now, now + IDLE, now + LONGEST)
        await self._store.insert(digest_of(token), session)
        if before is not None and is_token(before):
            await self.end(before)
        return token

    async def find(self, token: str, *, is_use: bool = True) -> ApiKey | None:
        """Return the valid key that a session stands for; None for what is no session any longer.

        is_use: whether the session lasts longer for it: not for what pages ask by themselves.
        Raises DatabaseError if the session was never read.
        """
        if not is_token(token):
            return None
        digest = digest_of(token)
        session = await self._current(digest)
        now = self._clock.now()
        if session is None or not session.lasts(now):
            return None
        key = await self._ring.find_known(session.key_prefix)
        if key is None or key.id != session.key_id:
            return None
        if is_use and (idle_until := session.extended(now)):
            await self._extend(digest, session, idle_until)
        return key

    async def end(self, token: str) -> None:
        """End a session: here at once, in other processes after a few seconds.

        Raises DatabaseError.
        """
        if not is_token(token):
            return
        digest = digest_of(token)
        await self._store.end(digest)
        self._held.pop(digest, None)

    async def _current(self, digest: bytes) -> WebSession | None:
        """Return a session as it was a few seconds ago at the most; later while nobody can say."""
        held = self._held.get(digest)
        if held and self._clock.monotonic() - held.read_at < self._config.kept_for.total_seconds():
            return held.session
        async with self._looks:
            read_at = self._clock.monotonic()
            try:
                session = await self._store.find(digest, self._clock.now())
            except DatabaseError as error:
                if held is None:
                    raise
                log.info("session_not_read", error=type(error).__name__)
                return held.session
        self._held.pop(digest, None)
        if session:
            self._hold(digest, _Held(session, read_at))
        return session

    async def _extend(self, digest: bytes, session: WebSession, idle_until: datetime) -> None:
        """Write down that a session is used; if that fails, its next use is written down."""
        try:
            await self._store.extend(digest, idle_until)
        except DatabaseError as error:
            log.info("session_not_extended", error=type(error).__name__)
            return
        if held := self._held.get(digest):
            self._held[digest] = replace(held, session=replace(session, idle_until=idle_until))

    def _hold(self, digest: bytes, held: _Held) -> None:
        """Hold what was read, in the place of what was read first if there is too much."""
        self._held[digest] = held
        while len(self._held) > self._config.held:
            del self._held[next(iter(self._held))]
