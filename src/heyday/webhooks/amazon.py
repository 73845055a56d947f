"""Fetch from Amazon SNS what its messages name: certificates, and confirmations of subscriptions.

A message says itself where to fetch from, before anybody knows who wrote it. So an address is taken
only if it is that of SNS in a region of our own topics, to the letter; nothing is followed further.
Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import asyncio
import http.client
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from heyday.domain.errors import NotSigned, SourceUnavailable

Fetch = Callable[[str], Awaitable[bytes]]
"""Return what is at an address of SNS. Raises SourceUnavailable."""

_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-f]{32}\.pem", re.ASCII)
_CONFIRMATION = re.compile(r"Action=ConfirmSubscription&[A-Za-z0-9._~%:&=-]{1,2000}", re.ASCII)
_ARN = re.compile(r"arn:aws:sns:([a-z0-9-]{3,30}):\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?", re.ASCII)
_KEPT = timedelta(days=1)
_MOST_KEPT = 16
# Whoever makes up addresses of certificates has us ask for no more.
_MOST_FETCHED, _PERIOD = 10, timedelta(minutes=1)
_TIMEOUT_SECONDS = 5.0
_LONGEST_ANSWER = 64 * 1024


def region_of(topic: str) -> str | None:
    """Return the region of a topic, by its ARN; None if it is none."""
    match = _ARN.fullmatch(topic)
    return match[1] if match else None


def is_certificate(url: str, region: str) -> bool:
    """Tell whether a certificate of SNS is at this address."""
    host, rest = f"https://{host_of(region)}", url.partition(".com")[2]
    return url == f"{host}{rest}" and _CERTIFICATE.fullmatch(rest) is not None


def is_confirmation(url: str, region: str) -> bool:
    """Tell whether asking for this address confirms a subscription, and does nothing else."""
    start = f"https://{host_of(region)}/?"
    return url.startswith(start) and _CONFIRMATION.fullmatch(url[len(start) :]) is not None


def host_of(region: str) -> str:
    """Return where SNS is in a region."""
    return f"sns.{region}.amazonaws.com"


async def fetch(url: str) -> bytes:
    """Return what is at an address of SNS, and follow no redirect. Raises SourceUnavailable."""
    try:
        return await asyncio.to_thread(_fetch, url)
    except (OSError, http.client.HTTPException) as error:
        raise SourceUnavailable(f"Amazon SNS does not answer ({type(error).__name__})") from None


def _fetch(url: str) -> bytes:
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(parts.netloc, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        reply = connection.getresponse()
        body = reply.read(_LONGEST_ANSWER + 1)
    finally:
        connection.close()
    if reply.status != http.client.OK or len(body) > _LONGEST_ANSWER:
        raise SourceUnavailable(f"Amazon SNS answers with status {reply.status}")
    return body


@dataclass(slots=True)
class Certificates:
    """Keep the keys of SNS for a day, each by the address of its certificate."""

    fetch: Fetch
    _keys: dict[str, tuple[datetime, RSAPublicKey]] = field(default_factory=dict)
    _fetched: deque[datetime] = field(default_factory=deque)

    async def key_at(self, url: str, now: datetime) -> RSAPublicKey:
        """Return the key of a certificate. Raises NotSigned, SourceUnavailable."""
        until, key = self._keys.get(url, (now, None))
        if key is not None and now < until:
            return key
        self._count(now)
        key, ends_at = _read(await self.fetch(url), now)
        while len(self._keys) >= _MOST_KEPT:
            del self._keys[next(iter(self._keys))]
        self._keys[url] = (min(now + _KEPT, ends_at), key)
        return key

    def _count(self, now: datetime) -> None:
        while self._fetched and self._fetched[0] <= now - _PERIOD:
            self._fetched.popleft()
        if len(self._fetched) >= _MOST_FETCHED:
            raise SourceUnavailable("too many certificates are asked for")
        self._fetched.append(now)


def _read(pem: bytes, now: datetime) -> tuple[RSAPublicKey, datetime]:
    """Return the key of a certificate that is valid now, and when it ends. Raises NotSigned."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
    except ValueError:
        raise NotSigned("the certificate is none") from None
    ends_at = certificate.not_valid_after_utc
    if not isinstance(key, RSAPublicKey) or not certificate.not_valid_before_utc <= now < ends_at:
        raise NotSigned("the certificate is not valid now")
    return key, ends_at
