"""Sign people in with an API key, and count who tries keys that are none."""

from heyday.domain.access import ApiKey, read_credential
from heyday.domain.callers import caller_at
from heyday.domain.errors import TooManyRequests
from heyday.domain.rate_limit import RateLimits, Whose
from heyday.services.key_ring import KeyRing
from heyday.services.sessions import SessionService
from heyday.telemetry import Metrics


class SignInService:
    """Turn a key into a session.

    failures: of those who try wrong keys, shared with the API: whoever guesses has one allowance.
    """

    def __init__(
        self, ring: KeyRing, sessions: SessionService, failures: RateLimits, metrics: Metrics
    ) -> None:
        self._ring = ring
        self._sessions = sessions
        self._failures = failures
        self._strangers = metrics.api_strangers

    async def check(self, text: str, host: str) -> ApiKey | None:
        """Return the valid key that somebody at an address typed, or None.

        Raises TooManyRequests where too many from there were none.
        """
        credential = read_credential(text.strip())
        if credential and (key := await self._ring.find(credential)):
            return key
        self._strangers.labels("wrong key" if credential else "no key").inc()
        if wait := await self._failures.take(Whose.WRONG_KEY, caller_at(host)):
            raise TooManyRequests(wait, "with wrong keys from your address")
        return None

    async def begin(self, key: ApiKey, before: str | None = None) -> str:
        """Begin a session; return its token. before: the token that the browser came with."""
        return await self._sessions.begin(key, before)

    async def end(self, token: str) -> None:
        """End a session."""
        await self._sessions.end(token)
