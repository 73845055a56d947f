"""Read what Postmark tells: one event a request, which it does not sign.

It sends HTTP Basic credentials instead, over TLS. They stand in a header, and never in a path,
which proxies write into their logs.
Source: https://postmarkapp.com/developer/webhooks/webhooks-overview (authentication, retries),
https://postmarkapp.com/developer/webhooks/delivery-webhook, .../bounce-webhook,
.../spam-complaint-webhook, .../subscription-change-webhook (fields),
https://postmarkapp.com/developer/api/bounce-api (types of bounces).
"""

import binascii
import hmac
from base64 import b64decode
from collections.abc import Iterable
from datetime import datetime

from heyday.domain.errors import NotSigned
from heyday.domain.event_ports import Posted
from heyday.domain.events import EventKind, ProviderEvent, Received
from heyday.webhooks.reading import event, find, key_in, own_id, read_json, text

# Of those that it calls bounces: who complained, what was never tried, and what is for good.
_BOUNCES = {
    "HardBounce": EventKind.BOUNCED,
    "BadEmailAddress": EventKind.BOUNCED,
    "Transient": EventKind.DELAYED,
    "SpamComplaint": EventKind.COMPLAINED,
    "Unsubscribe": EventKind.UNSUBSCRIBED,
    "ManuallyDeactivated": EventKind.DROPPED,
    "InboundError": EventKind.DROPPED,
    "SMTPApiError": EventKind.DROPPED,
    "TemplateRenderingFailed": EventKind.DROPPED,
}


class PostmarkEvents:
    """Know Postmark (EventSource). logins: user and password with a colon between, newest first."""

    provider = "postmark"

    def __init__(self, logins: Iterable[str]) -> None:
        self._logins = [login.encode() for login in logins]

    async def read(self, posted: Posted, now: datetime) -> Received:  # noqa: ARG002 - nothing ends
        """Return what a request tells. Raises NotSigned, EventsUnreadable."""
        scheme, _, encoded = posted.headers.get("authorization", "").partition(" ")
        try:
            given = b64decode(encoded.strip(), validate=True) if scheme.lower() == "basic" else b""
        except (binascii.Error, ValueError):
            given = b""
        if not any(hmac.compare_digest(given, login) for login in self._logins):
            raise NotSigned("another login" if given else "no login")
        told = _event(self.provider, read_json(posted.body))
        return Received([told] if told else [])


def _event(provider: str, told: object) -> ProviderEvent | None:
    record, letter = text(told, "RecordType"), find(told, "MessageID")
    key = key_in(find(told, "Metadata"))
    match record:
        case "Delivery":
            at, to = find(told, "DeliveredAt"), find(told, "Recipient")
            status = text(told, "Details")
            own = own_id(provider, record, letter)
            return event(own, EventKind.DELIVERED, key, at=at, to=to, status=status)
        case "Bounce" | "SpamComplaint":
            kind = _BOUNCES.get(text(told, "Type"), EventKind.RETURNED)
            at, to = find(told, "BouncedAt"), find(told, "Email")
            status = text(told, "Details")
            own = own_id(provider, record, find(told, "ID"))
            return event(own, kind, key, at=at, to=to, status=status)
        case "SubscriptionChange" if text(told, "SuppressionReason") == "ManualSuppression":
            # Other reasons tell of a bounce or a complaint, which comes as such.
            at, to = find(told, "ChangedAt"), find(told, "Recipient")
            if find(told, "SuppressSending") is not True:
                return None
            own = own_id(provider, record, letter, at)
            return event(own, EventKind.UNSUBSCRIBED, key, at=at, to=to)
        case _:
            return None
