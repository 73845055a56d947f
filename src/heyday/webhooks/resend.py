"""Read what Resend tells: one event a request, signed by Svix.

Source: https://resend.com/docs/webhooks/event-types (kinds and fields),
https://resend.com/docs/webhooks/verify-webhooks-requests and https://docs.svix.com/receiving
(headers).
Tags come back as an object, in older accounts as a list of names and values; they may hold neither
colons nor dots, so the key is written as a tag (domain/idempotency.py).
"""

from uuid import UUID

from heyday.domain.events import EventKind, ProviderEvent
from heyday.domain.idempotency import KEY_FIELD, from_tag
from heyday.webhooks.reading import event, find, key_in, text
from heyday.webhooks.standard import StandardEvents

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


class ResendEvents(StandardEvents):
    """Know Resend."""

    provider, prefix = "resend", "svix"

    def event_of(self, told: object, own: UUID) -> ProviderEvent | None:
        """Return the event that a body tells, by its id."""
        kind, data = _KINDS.get(text(told, "type")), find(told, "data")
        if kind is None:
            return None
        bounce, key = find(data, "bounce"), from_tag(_tag(find(data, "tags")))
        if kind is EventKind.BOUNCED and text(bounce, "type") not in {"", _FOR_GOOD}:
            kind = EventKind.RETURNED
        at, to, status = find(told, "created_at"), find(data, "to", 0), text(bounce, "message")
        return event(own, kind, key, at=at, to=to, status=status)


def _tag(tags: object) -> str:
    """Return the tag with the key, in whichever form tags come."""
    if not isinstance(tags, list):
        return key_in(tags)
    named = (text(tag, "value") for tag in tags if text(tag, "name") == KEY_FIELD)
    return next(named, "")
