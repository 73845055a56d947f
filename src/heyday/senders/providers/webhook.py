"""Hand letters to a webhook of the company's own, signed as Standard Webhooks says.

Source: standard-webhooks.md 1.0.0 of standard-webhooks/standard-webhooks: the headers webhook-id,
webhook-timestamp and webhook-signature, one signature for each secret; the id of a repeat is the
same, so that whoever receives it can take it for the first. Any 2xx is a success.
"""

import hmac
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import msgspec

from heyday.domain.idempotency import KEY_FIELD
from heyday.domain.letters import Letter
from heyday.senders.answers import Answer, read_object
from heyday.senders.providers.dialect import Meaning, Reading, Request

EVENT = "greeting.due"
"""What such a request is about."""

_PREFIX = "whsec_"
_LENGTHS = range(24, 65)


def read_secret(text: str) -> bytes:
    """Return a secret as it signs. Raises ValueError, which does not tell it."""
    try:
        secret = b64decode(text.removeprefix(_PREFIX), validate=True)
    except (Error, ValueError):
        secret = b""
    if not text.startswith(_PREFIX) or len(secret) not in _LENGTHS:
        raise ValueError(
            "expected whsec_ and 24 to 64 bytes in base64, "
            'as by `echo "whsec_$(openssl rand -base64 32)"`'
        )
    return secret


class Webhook:
    """Speak with whatever takes webhooks.

    secrets: each signs, so that a new one can come before the old one goes.
    key_lifetime: for how long the webhook takes a repeated id for the same letter.
    """

    batch_limit: Final = 1
    kept: Final[frozenset[bytes]] = frozenset()
    meanings: Final[Mapping[str, Meaning]] = MappingProxyType({})
    headers: Final[Mapping[str, str]] = MappingProxyType({"Content-Type": "application/json"})

    def __init__(self, secrets: Sequence[bytes], key_lifetime: timedelta | None) -> None:
        self._secrets = secrets
        self.key_lifetime = key_lifetime

    def request(self, letters: Sequence[Letter], now: datetime) -> Request:
        """Return what to post, signed."""
        (letter,) = letters
        data = {
            KEY_FIELD: letter.key,
            "to": letter.to,
            "subject": letter.subject,
            "text": letter.text,
            "html": letter.html,
            "language": letter.language,
            "unsubscribe_url": letter.unsubscribe_url,
        }
        body = {"type": EVENT, "timestamp": now, "data": data}
        content = msgspec.json.encode(body)
        seconds = int(now.timestamp())
        headers = {
            "webhook-id": letter.key,
            "webhook-timestamp": str(seconds),
            "webhook-signature": sign(self._secrets, letter.key, seconds, content),
        }
        return Request("", content, headers)

    def read(self, answer: Answer, count: int) -> Sequence[Reading] | str:  # noqa: ARG002 - port
        """Return its id for the letter, if it has one."""
        found = (read_object(answer.body) or {}).get("id")
        return [Reading(found if isinstance(found, str) else None)]

    def read_fault(self, answer: Answer, now: datetime) -> Reading:  # noqa: ARG002 - port
        """Return nothing: the status tells."""
        return Reading()


def sign(secrets: Sequence[bytes], key: str, seconds: int, content: bytes) -> str:
    """Return the signatures of a webhook, one by each secret. seconds: since 1970."""
    signed = b"%b.%d.%b" % (key.encode(), seconds, content)
    digests = (hmac.digest(secret, signed, "sha256") for secret in secrets)
    return " ".join(f"v1,{b64encode(digest).decode()}" for digest in digests)
