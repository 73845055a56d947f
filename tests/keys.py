"""API keys for tests: a store in memory, what lets callers in, and keys that open it."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from heyday.api.doors import Access
from heyday.clock import SystemClock
from heyday.db.api_keys import ApiKeyRepository
from heyday.db.connection import Database, PoolConfig
from heyday.db.web_sessions import WebSessionRepository
from heyday.domain.access import ApiKey, KeyDraft, Scope, StoredKey
from heyday.domain.access_ports import KeyStore
from heyday.domain.ports import Clock
from heyday.domain.rate_limit import RateLimits
from heyday.domain.session_ports import SessionStore
from heyday.domain.sessions import WebSession
from heyday.rate_limits import OwnRateLimits
from heyday.services.key_ring import KeyRing
from heyday.services.keys import KeyService
from heyday.services.sessions import SessionService
from heyday.services.signing_in import SignInService
from heyday.telemetry import Metrics
from tests.factories import Pipeline
from tests.fakes import FakeClock


class MemoryKeys:
    """Keep keys in memory (access_ports.KeyStore). reads: how often all valid ones were asked for.

    fault: what the next question raises, as long as it stands.
    """

    def __init__(self) -> None:
        self.stored: dict[str, StoredKey] = {}
        self.reads = 0
        self.fault: Exception | None = None

    def _check(self) -> None:
        if self.fault:
            raise self.fault

    async def insert(
        self, draft: KeyDraft, prefix: str, digest: bytes, now: datetime
    ) -> ApiKey | None:
        self._check()
        if prefix in self.stored:
            return None
        key = ApiKey(uuid4(), prefix, draft.name, draft.scopes, now, draft.expires_at)
        self.stored[prefix] = StoredKey(key, digest)
        return key

    async def insert_first(
        self, draft: KeyDraft, prefix: str, digest: bytes, now: datetime
    ) -> ApiKey | None:
        return None if self.stored else await self.insert(draft, prefix, digest, now)

    async def has_any(self) -> bool:
        self._check()
        return bool(self.stored)

    async def list_valid(self, now: datetime) -> Sequence[StoredKey]:
        self.reads += 1
        self._check()
        return [each for each in self.stored.values() if each.key.is_valid(now)]

    async def list_all(self) -> Sequence[ApiKey]:
        self._check()
        return sorted(
            (each.key for each in self.stored.values()), key=lambda k: (k.created_at, k.prefix)
        )

    async def revoke(self, prefix: str, now: datetime) -> ApiKey | None:
        self._check()
        if prefix not in self.stored:
            return None
        key = self.stored[prefix].key
        return self._change(replace(key, revoked_at=key.revoked_at or now))

    async def note_use(self, used_at: Mapping[UUID, datetime]) -> None:
        self._check()
        for each in list(self.stored.values()):
            at, before = used_at.get(each.key.id), each.key.last_used_at
            if at and (before is None or before < at):
                self._change(replace(each.key, last_used_at=at))

    def _change(self, key: ApiKey) -> ApiKey:
        self.stored[key.prefix] = replace(self.stored[key.prefix], key=key)
        return key


class MemorySessions:
    """Keep sessions in memory (session_ports.SessionStore). finds: how often one was looked up.

    fault: what the next question raises, as long as it stands.
    """

    def __init__(self) -> None:
        self.stored: dict[bytes, WebSession] = {}
        self.finds = 0
        self.fault: Exception | None = None

    def _check(self) -> None:
        if self.fault:
            raise self.fault

    async def insert(self, digest: bytes, session: WebSession) -> None:
        self._check()
        self.stored[digest] = session

    async def find(self, digest: bytes, now: datetime) -> WebSession | None:
        self.finds += 1
        self._check()
        session = self.stored.get(digest)
        return session if session and session.lasts(now) else None

    async def extend(self, digest: bytes, idle_until: datetime) -> None:
        self._check()
        session = self.stored.get(digest)
        if session and session.idle_until < idle_until:
            self.stored[digest] = replace(session, idle_until=idle_until)

    async def end(self, digest: bytes) -> None:
        self._check()
        self.stored.pop(digest, None)

    async def forget(self, before: datetime) -> int:
        self._check()
        old = [digest for digest, each in self.stored.items() if each.idle_until < before]
        for digest in old:
            del self.stored[digest]
        return len(old)


@dataclass(frozen=True, slots=True)
class Doors:
    """Hold what makes keys, and what lets in who has one."""

    keys: KeyService
    access: Access
    signing_in: SignInService

    async def key(self, *scopes: Scope, **given: object) -> str:
        """Make a key with these scopes, or with `admin`; return its text."""
        described = {"name": "a test", "scopes": list(scopes or (Scope.ADMIN,)), **given}
        return (await self.keys.create(described)).text

    async def signed_in(self, *scopes: Scope) -> str:
        """Make a key, and begin a session with it; return what the cookie holds."""
        key = await self.signing_in.check(await self.key(*scopes), "127.0.0.1")
        assert key
        return await self.signing_in.begin(key)

    async def opened(self, *scopes: Scope) -> dict[str, str]:
        """Make a key; return the header that sends it."""
        return bearer(await self.key(*scopes))


def bearer(text: str) -> dict[str, str]:
    """Return the header that sends a key."""
    return {"Authorization": f"Bearer {text}"}


def memory_doors(limits: RateLimits | None = None, failures: RateLimits | None = None) -> Doors:
    """Return doors whose keys are kept in memory; wrong keys may be tried for ever."""
    return _doors(MemoryKeys(), MemorySessions(), FakeClock(), Metrics(), limits, failures)


def pipeline_doors(pipeline: Pipeline, failures: RateLimits | None = None) -> Doors:
    """Return doors whose keys are in a pipeline's database."""
    return database_doors(pipeline.database, pipeline.clock, pipeline.metrics, failures)


def database_doors(
    database: Database, clock: Clock, metrics: Metrics, failures: RateLimits | None = None
) -> Doors:
    """Return doors whose keys are in a database."""
    keys, sessions = ApiKeyRepository(database), WebSessionRepository(database)
    return _doors(keys, sessions, clock, metrics, failures=failures)


def _doors(  # noqa: PLR0913, PLR0917 - one parameter for each part that a test may script
    store: KeyStore,
    kept: SessionStore,
    clock: Clock,
    metrics: Metrics,
    limits: RateLimits | None = None,
    failures: RateLimits | None = None,
) -> Doors:
    news = asyncio.Event()
    ring = KeyRing(store, news, clock)
    patient = failures or OwnRateLimits({}, clock, metrics)
    keys = KeyService(store, news, clock, secrets.token_bytes)
    sessions = SessionService(kept, ring, clock, secrets.token_bytes)
    access = Access(ring, patient, metrics, limits, sessions)
    return Doors(keys, access, SignInService(ring, sessions, patient, metrics))


async def key_at(url: str, *scopes: Scope) -> str:
    """Make a key in the database at a URL, for processes that run on it; return its text."""
    database = Database(PoolConfig(url, min_size=1, max_size=1))
    await database.open()
    try:
        return await database_doors(database, SystemClock(), Metrics()).key(*scopes)
    finally:
        await database.close()
