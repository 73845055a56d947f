"""Read what Resend tells: one event a request, signed by Svix.

Source: https://resend.com/docs/webhooks/event-types (kinds and fields),
https://resend.com/docs/webhooks/verify-webhooks-requests and https://docs.svix.com/receiving
(headers).
Tags come back as an object, in older accounts as a list of names and values; they may hold neither
colons nor dots, so the key is written as a tag (domain/idempotency.py).
"""

from collections.abc import Iterable
from datetime import datetime

from heyday.domain.event_ports import Posted
from heyday.domain.events import KEY_FIELD, EventKind, Received
from heyday.domain.idempotency import from_tag
from heyday.webhooks.reading import event, find, key_in, own_id, read_json, text
from heyday.webhooks.standard import StandardSignature

_KINDS = {
    "email.sent": EventKind.ACCEPTED,
    "email.delivered": EventKind.DELIVERED,
    "email.delivery_delayed": EventKind.DELAYED,
    "email.bounced": EventKind.BOUNCED,
    "email.complained": EventKind.COMPLAINED,
    "email.failed": EventKind.DROPPED,
    "email.suppressed": EventKind.DROPPED,
}
_FOR_GOOD = "Permanent"


class ResendEvents:
    """Know Resend (EventSource). secrets: newest first."""

    provider = "resend"

    def __init__(self, secrets: Iterable[str]) -> None:
        self._signature = StandardSignature(secrets, "svix")

    async def read(self, posted: Posted, now: datetime) -> Received:
        """Return what a request tells. Raises NotSigned, EventsUnreadable."""
        name = self._signature.check(posted, now)
        told = read_json(posted.body)
        kind, data = _KINDS.get(text(told, "type")), find(told, "data")
        if kind is None:
            return Received([])
        bounce = find(data, "bounce")
        if kind is EventKind.BOUNCED and text(bounce, "type") not in {"", _FOR_GOOD}:
            kind = EventKind.RETURNED
        own, key = own_id(self.provider, name), from_tag(_tag(find(data, "tags")))
        at, to = find(told, "created_at"), find(data, "to", 0)
        return Received([event(own, kind, key, at=at, to=to, status=text(bounce, "message"))])


def _tag(tags: object) -> str:
    """Return the tag with the key, in whichever form tags come."""
    if not isinstance(tags, list):
        return key_in(tags)
    named = (text(tag, "value") for tag in tags if text(tag, "name") == KEY_FIELD)
    return next(named, "")
