"""Read what SendGrid tells: up to thousands of events a request, signed as a whole by ECDSA.

Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event (kinds and fields;
custom arguments stand beside them),
.../getting-started-event-webhook-security-features (the signature: over timestamp and body).
"""

import binascii
from base64 import b64decode
from collections.abc import Iterable, Iterator
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from heyday.domain.errors import ConfigurationError, EventsUnreadable, NotSigned
from heyday.domain.event_ports import Posted
from heyday.domain.events import EventKind, ProviderEvent, Received
from heyday.webhooks.reading import event, find, key_in, own_id, read_json, text

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"

_KINDS = {
    "processed": EventKind.ACCEPTED,
    "delivered": EventKind.DELIVERED,
    "deferred": EventKind.DELAYED,
    "bounce": EventKind.BOUNCED,
    "dropped": EventKind.DROPPED,
    "spamreport": EventKind.COMPLAINED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "group_unsubscribe": EventKind.UNSUBSCRIBED,
}
# A `bounce` of this type was refused for a passing reason.
_BLOCKED = "blocked"


class SendGridEvents:
    """Know SendGrid (EventSource). keys: the public keys of the webhook, as SendGrid shows them."""

    provider = "sendgrid"

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = [read_key(key) for key in keys]

    async def read(self, posted: Posted, now: datetime) -> Received:  # noqa: ARG002 - see adr/0040
        """Return what a request tells. Raises NotSigned, EventsUnreadable."""
        self._check(posted)
        told = read_json(posted.body)
        if not isinstance(told, list):
            raise EventsUnreadable("the body is not a list of events")
        return Received(list(_events(self.provider, told)))

    def _check(self, posted: Posted) -> None:
        given, sent_at = posted.headers.get(SIGNATURE, ""), posted.headers.get(TIMESTAMP, "")
        try:
            signature = b64decode(given, validate=True)
        except (binascii.Error, ValueError):
            signature = b""
        if not signature:
            raise NotSigned("no signature")
        signed = sent_at.encode("latin-1", "replace") + posted.body
        if not any(_is_signed(key, signature, signed) for key in self._keys):
            raise NotSigned("another signature")


def _is_signed(key: EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _events(provider: str, told: Iterable[object]) -> Iterator[ProviderEvent]:
    for each in told:
        kind, name, key = _KINDS.get(text(each, "event")), text(each, "sg_event_id"), key_in(each)
        # An event without our key is of another letter of the account.
        if kind is None or not name or not key:
            continue
        if kind is EventKind.BOUNCED and text(each, "type") == _BLOCKED:
            kind = EventKind.RETURNED
        own = own_id(provider, name)
        at, to = find(each, "timestamp"), find(each, "email")
        status = text(each, "status") or text(each, "reason") or text(each, "response")
        yield event(own, kind, key, at=at, to=to, status=status)


def read_key(written: str) -> EllipticCurvePublicKey:
    """Return a public key that is written in base64. Raises ConfigurationError."""
    try:
        key = load_der_public_key(b64decode(written, validate=True))
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, EllipticCurvePublicKey):
        raise ConfigurationError(
            "HEYDAY_EVENTS_SENDGRID_KEY cannot be read; expected the verification key that "
            "SendGrid shows beside the webhook, in base64"
        )
    return key
