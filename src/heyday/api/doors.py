"""Hold what decides who is let in, and find the key that a caller shows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heyday.api.credentials import BEARER, NoKey, read_key
from heyday.api.problems import Unauthenticated
from heyday.domain.access import ApiKey
from heyday.domain.callers import caller_at
from heyday.domain.errors import TooManyRequests
from heyday.domain.rate_limit import RateLimits, Whose
from heyday.services.key_ring import KeyRing
from heyday.services.sessions import SessionService
from heyday.telemetry import Metrics

if TYPE_CHECKING:
    from litestar.types import HTTPScope


@dataclass(frozen=True, slots=True)
class Access:
    """Hold what decides who is let in.

    limits: of all callers; None where there are none.   failures: of those with wrong keys.
    sessions: of browsers; None where there are no pages, as in some tests.
    """

    ring: KeyRing
    failures: RateLimits
    metrics: Metrics
    limits: RateLimits | None = None
    sessions: SessionService | None = None

    async def key_shown(self, scope: "HTTPScope", address: str) -> ApiKey:
        """Return the valid key that came in a header. Raises Unauthenticated, TooManyRequests."""
        given = "wrong key"
        try:
            credential = read_key(scope["headers"])
            if key := await self.ring.find(credential):
                return key
        except NoKey as error:
            given = "no key" if error.was_given else "nothing"
        self.metrics.api_strangers.labels(given).inc()
        if given != "nothing":
            wait = await self.failures.take(Whose.WRONG_KEY, caller_at(address))
            if wait:
                raise TooManyRequests(wait, "with wrong keys from your address")
        raise Unauthenticated(BEARER)
