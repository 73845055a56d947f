"""Build what decides who may ask the API, and how often."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from heyday.db.api_keys import ApiKeyRepository
from heyday.db.connection import Database
from heyday.db.notifications import KEYS, Announcements
from heyday.db.web_sessions import WebSessionRepository
from heyday.domain.ports import Clock
from heyday.domain.rate_limit import RateLimit, RateLimits, Whose
from heyday.rate_limits import OwnRateLimits, SharedConfig, SharedRateLimits
from heyday.schedulers.key_use import KeyUse
from heyday.services.key_ring import KeyRing
from heyday.services.keys import KeyService
from heyday.services.sessions import SessionService
from heyday.services.signing_in import SignInService
from heyday.settings import Settings
from heyday.telemetry import Metrics

WRONG_KEYS = RateLimit(30, timedelta(minutes=1))
"""How many wrong keys an address may try; each process counts by itself."""


@dataclass(frozen=True, slots=True)
class AccessParts:
    """Hold the parts. limits: of all callers; None where nothing limits them."""

    keys: KeyService
    ring: KeyRing
    use: KeyUse
    limits: RateLimits | None
    failures: RateLimits
    sessions: SessionService
    signing_in: SignInService

    async def close(self) -> None:
        """Write down what is left to write, and give back what is held."""
        await self.ring.close()
        if self.limits:
            await self.limits.close()


def build_access(
    settings: Settings,
    database: Database,
    announcements: Announcements,
    clock: Clock,
    metrics: Metrics,
) -> AccessParts:
    """Return the parts."""
    store, news = ApiKeyRepository(database), announcements.event(KEYS)
    ring = KeyRing(store, news, clock)
    failures = OwnRateLimits({Whose.WRONG_KEY: WRONG_KEYS}, clock, metrics)
    sessions = SessionService(WebSessionRepository(database), ring, clock, secrets.token_bytes)
    return AccessParts(
        keys=KeyService(store, news, clock, secrets.token_bytes),
        ring=ring,
        use=KeyUse(ring, clock),
        limits=_limits(settings, clock, metrics),
        failures=failures,
        sessions=sessions,
        signing_in=SignInService(ring, sessions, failures, metrics),
    )


def _limits(settings: Settings, clock: Clock, metrics: Metrics) -> RateLimits | None:
    asked = {
        Whose.ADDRESS: settings.api_rate_limit,
        Whose.KEY: settings.api_key_rate_limit,
    }
    limits = {whose: RateLimit(requests) for whose, requests in asked.items() if requests}
    if not limits:
        return None
    own = OwnRateLimits(limits, clock, metrics)
    if not settings.redis_url:
        return own
    return SharedRateLimits(SharedConfig(settings.redis_url), own, clock, metrics)
