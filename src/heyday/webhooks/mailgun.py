"""Read what Mailgun tells: one event a request, with a signature over a timestamp and a token.

The signature says nothing of the event, so each token serves one request alone, and soon ends.
Source: https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks (HMAC,
tokens), .../user-manual/events/webhooks (tried again for eight hours; 406: not again),
.../user-manual/events/event-structure (fields).
"""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from heyday.domain.errors import NotSigned
from heyday.domain.event_ports import Posted
from heyday.domain.events import EventKind, Received, Token, event_id
from heyday.webhooks.reading import event, find, key_in, own_id, read_json, seconds, text

EARLIEST, LATEST = timedelta(hours=12), timedelta(minutes=5)
"""How old a request may be, which Mailgun sends again for eight hours, and how far ahead of us."""

_KINDS = {
    "accepted": EventKind.ACCEPTED,
    "delivered": EventKind.DELIVERED,
    "failed": EventKind.RETURNED,
    "rejected": EventKind.DROPPED,
    "complained": EventKind.COMPLAINED,
    "unsubscribed": EventKind.UNSUBSCRIBED,
}
# What Mailgun remembers of an address, so that it does not even try.
_SUPPRESSED = "suppress-"
_FOR_GOOD = "bounce"


class MailgunEvents:
    """Know Mailgun (EventSource). keys: the signing keys of webhooks, newest first."""

    provider = "mailgun"

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = [key.encode() for key in keys]

    async def read(self, posted: Posted, now: datetime) -> Received:
        """Return what a request tells. Raises NotSigned, EventsUnreadable."""
        body = read_json(posted.body)
        token = self._check(find(body, "signature"), now)
        data = find(body, "event-data")
        kind = _kind(data)
        request_id = UUID(bytes=hashlib.sha256(posted.body).digest()[:16])
        used = Token(event_id(self.provider, f"token {token}"), request_id)
        if kind is None:
            return Received([], used)
        status = find(data, "delivery-status")
        said = text(status, "enhanced-code") or text(status, "message")
        told = event(
            own_id(self.provider, text(data, "id")),
            kind,
            key_in(find(data, "user-variables")),
            at=find(data, "timestamp"),
            to=find(data, "recipient"),
            status=said,
        )
        return Received([told], used)

    def _check(self, signature: object, now: datetime) -> str:
        """Return the token of what is signed. Raises NotSigned."""
        sent_at, token, given = (
            text(signature, name) for name in ("timestamp", "token", "signature")
        )
        at = seconds(sent_at)
        if not token or at is None:
            raise NotSigned("no signature")
        if not now - EARLIEST <= at <= now + LATEST:
            raise NotSigned("signed at another time")
        signed = f"{sent_at}{token}".encode("utf-8", "replace")
        expected = [hmac.new(key, signed, "sha256").hexdigest() for key in self._keys]
        sent = given.encode("utf-8", "replace")
        if not any(hmac.compare_digest(sent, one.encode()) for one in expected):
            raise NotSigned("another signature")
        return token


def _kind(data: object) -> EventKind | None:
    """Return what happened. A failure for good is told from one that goes on by its severity."""
    kind, reason = _KINDS.get(text(data, "event")), text(data, "reason")
    if kind is not EventKind.RETURNED:
        return kind
    if text(data, "severity") == "temporary":
        return EventKind.DELAYED
    if reason.startswith(_SUPPRESSED):
        return EventKind.DROPPED
    return EventKind.BOUNCED if reason == _FOR_GOOD else EventKind.RETURNED
