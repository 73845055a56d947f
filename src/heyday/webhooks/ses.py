"""Read what Amazon SES publishes through SNS: one event a request, with the signature of SNS.

Signatures of version 1 (SHA-1) are refused: two messages with one SHA-1 can be made, and the name
of the topic is a part of what is signed. A topic is set to version 2 once.
Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html (what is
signed, versions), .../sns-message-and-json-formats.html (fields),
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html (events;
only those of configuration sets bring tags back).
"""

import binascii
from base64 import b64decode
from collections.abc import Iterable, Mapping
from datetime import datetime

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from heyday.domain.errors import ConfigurationError, EventsUnreadable, NotSigned
from heyday.domain.event_ports import Posted
from heyday.domain.events import EventKind, Received
from heyday.domain.idempotency import KEY_FIELD, from_tag
from heyday.webhooks.amazon import (
    Certificates,
    Fetch,
    is_certificate,
    is_confirmation,
    region_of,
)
from heyday.webhooks.reading import event, find, own_id, read_json, text

log = structlog.get_logger()

NOTIFICATION = "Notification"
CONFIRMATION = "SubscriptionConfirmation"
_NOTICE = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMING = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED: Mapping[str, tuple[str, ...]] = {
    NOTIFICATION: _NOTICE,
    CONFIRMATION: _CONFIRMING,
    "UnsubscribeConfirmation": _CONFIRMING,
}
"""The fields that are signed, in this order, by the type of a message; Subject may be missing."""

_VERSION = "2"
_KINDS = {
    "Send": EventKind.ACCEPTED,
    "Delivery": EventKind.DELIVERED,
    "DeliveryDelay": EventKind.DELAYED,
    "Bounce": EventKind.BOUNCED,
    "Reject": EventKind.DROPPED,
    "Rendering Failure": EventKind.DROPPED,
    "Complaint": EventKind.COMPLAINED,
    "Subscription": EventKind.UNSUBSCRIBED,
}
# Where an event says when it happened; one without says so of the letter as a whole.
_PARTS = {
    "Delivery": "delivery",
    "DeliveryDelay": "deliveryDelay",
    "Bounce": "bounce",
    "Complaint": "complaint",
    "Subscription": "subscription",
}
_FOR_GOOD = "Permanent"


class SesEvents:
    """Know SES (EventSource). topics: the ARNs of the SNS topics that are ours."""

    provider = "ses"

    def __init__(self, topics: Iterable[str], fetch: Fetch) -> None:
        self._regions = {topic: _region(topic) for topic in topics}
        self._certificates = Certificates(fetch)
        self._fetch = fetch

    async def read(self, posted: Posted, now: datetime) -> Received:
        """Return what a request tells; confirm a subscription to a topic of ours.

        Raises NotSigned, EventsUnreadable, SourceUnavailable.
        """
        message = read_json(posted.body)
        region = await self._check(message, now)
        if text(message, "Type") == NOTIFICATION:
            return _read(self.provider, message)
        if text(message, "Type") == CONFIRMATION:
            await self._confirm(message, region)
        else:
            log.warning("webhook_unsubscribed", provider=self.provider)
        return Received([])

    async def _check(self, message: object, now: datetime) -> str:
        """Return the region of the topic that a message came by, if it is ours and signed."""
        region = self._regions.get(text(message, "TopicArn"))
        fields = SIGNED.get(text(message, "Type"))
        if region is None or fields is None:
            raise NotSigned("no topic of ours")
        if text(message, "SignatureVersion") != _VERSION:
            raise NotSigned("the topic's SignatureVersion is not 2")
        url = text(message, "SigningCertURL")
        if not is_certificate(url, region):
            raise NotSigned("a certificate from elsewhere")
        key = await self._certificates.key_at(url, now)
        try:
            signature = b64decode(text(message, "Signature"), validate=True)
            key.verify(signature, signed_part(message, fields), PKCS1v15(), SHA256())
        except (binascii.Error, ValueError, InvalidSignature):
            raise NotSigned("another signature") from None
        return region

    async def _confirm(self, message: object, region: str) -> None:
        url = text(message, "SubscribeURL")
        if not is_confirmation(url, region):
            raise NotSigned("a confirmation that leads elsewhere")
        await self._fetch(url)
        log.info("webhook_subscribed", provider=self.provider)


def signed_part(message: object, fields: Iterable[str]) -> bytes:
    """Return what of a message is signed: each field that it has, name and value, line by line."""
    found = ((name, find(message, name)) for name in fields)
    lines = [f"{name}\n{value}\n" for name, value in found if isinstance(value, str)]
    return "".join(lines).encode("utf-8", "replace")


def _region(topic: str) -> str:
    region = region_of(topic)
    if region is None:
        raise ConfigurationError(
            "HEYDAY_EVENTS_SES_TOPICS: expected ARNs of SNS topics such as "
            "arn:aws:sns:eu-central-1:123456789012:heyday, with commas between"
        )
    return region


def _read(provider: str, message: object) -> Received:
    try:
        told = read_json(text(message, "Message"))
    except EventsUnreadable:
        # SNS itself says in words that a topic may publish.
        return Received([])
    what = text(told, "eventType")
    kind, mail = _KINDS.get(what), find(told, "mail")
    if kind is None:
        return Received([])
    part = find(told, _PARTS.get(what, ""))
    if kind is EventKind.BOUNCED and text(part, "bounceType") != _FOR_GOOD:
        kind = EventKind.RETURNED
    return Received(
        [
            event(
                own_id(provider, text(message, "MessageId")),
                kind,
                from_tag(text(mail, "tags", KEY_FIELD, 0)),
                at=find(part, "timestamp") or text(message, "Timestamp"),
                to=find(mail, "destination", 0),
                status=text(part, "bouncedRecipients", 0, "status"),
            )
        ]
    )
