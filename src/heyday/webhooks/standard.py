"""Check signatures of Standard Webhooks, which Svix and so Resend also makes.

Source: the specification of Standard Webhooks (id, timestamp and body joined by dots, HMAC-SHA256,
base64, several signatures with blanks between, `whsec_` before the secret, some minutes of
tolerance): https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import binascii
import hmac
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from heyday.domain.errors import ConfigurationError, NotSigned
from heyday.domain.event_ports import Posted
from heyday.domain.events import ProviderEvent, Received
from heyday.webhooks.reading import own_id, read_json, seconds

TOLERANCE = timedelta(minutes=5)
"""How far the clock of who signs may be from ours. Each try of a request is signed anew."""

_PREFIX = "whsec_"
_VERSION = "v1,"
# The specification asks for 24 bytes at the least.
_LEAST_BYTES = 24


class StandardSignature:
    """Check them. secrets: newest first, as written.   prefix: what names of headers begin with."""

    def __init__(self, secrets: Iterable[str], prefix: str) -> None:
        self._secrets = [read_secret(secret) for secret in secrets]
        self._prefix = prefix

    def check(self, posted: Posted, now: datetime) -> str:
        """Return the id of a request that is signed. Raises NotSigned."""
        name, sent_at, given = (
            posted.headers.get(f"{self._prefix}-{field}", "")
            for field in ("id", "timestamp", "signature")
        )
        at = seconds(sent_at)
        if not name or not given or at is None:
            raise NotSigned("no signature")
        if abs(now - at) > TOLERANCE:
            raise NotSigned("signed at another time")
        signed = f"{name}.{sent_at}.".encode("latin-1", "replace") + posted.body
        signatures = [part.encode("latin-1", "replace") for part in given.split(" ")]
        if not any(self._is_signed(signed, signature) for signature in signatures):
            raise NotSigned("another signature")
        return name

    def _is_signed(self, signed: bytes, signature: bytes) -> bool:
        digests = [hmac.digest(secret, signed, "sha256") for secret in self._secrets]
        expected = [_VERSION.encode() + b64encode(digest) for digest in digests]
        return any(hmac.compare_digest(signature, one) for one in expected)


class StandardEvents(ABC):
    """Know a provider that signs so, and tells one event a request (EventSource).

    prefix: what the names of its headers begin with.   secrets: newest first.
    """

    provider: ClassVar[str]
    prefix: ClassVar[str]

    def __init__(self, secrets: Iterable[str]) -> None:
        self._signature = StandardSignature(secrets, self.prefix)

    async def read(self, posted: Posted, now: datetime) -> Received:
        """Return what a request tells. Raises NotSigned, EventsUnreadable."""
        name = self._signature.check(posted, now)
        told = self.event_of(read_json(posted.body), own_id(self.provider, name))
        return Received([told] if told else [])

    @abstractmethod
    def event_of(self, told: object, own: UUID) -> ProviderEvent | None:
        """Return the event that a body tells, by its id; None if it is of no matter."""


def read_secret(written: str) -> bytes:
    """Return the bytes of a secret. Raises ConfigurationError."""
    try:
        secret = b64decode(written.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) < _LEAST_BYTES:
        raise ConfigurationError(
            "a secret of webhooks cannot be read; expected whsec_ and 24 bytes or more in base64, "
            "as the provider shows it"
        )
    return secret
