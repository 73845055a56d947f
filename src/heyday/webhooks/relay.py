"""Read what the company's own relay tells, signed as Standard Webhooks are.

The body is a JSON object: `type`, which is `greeting.` and a kind of event (domain/events.py),
`timestamp` in ISO 8601, and `data` with `heyday_key`, and perhaps `recipient` and `code`.
Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
(the structure of payloads).
"""

from uuid import UUID

from heyday.domain.events import EventKind, ProviderEvent
from heyday.webhooks.reading import event, find, key_in, text
from heyday.webhooks.standard import StandardEvents

_KINDS = {f"greeting.{kind}": kind for kind in EventKind}


class RelayEvents(StandardEvents):
    """Know the relay."""

    provider = prefix = "webhook"

    def event_of(self, told: object, own: UUID) -> ProviderEvent | None:
        """Return the event that a body tells, by its id."""
        kind, data = _KINDS.get(text(told, "type")), find(told, "data")
        if kind is None:
            return None
        at, to, status = find(told, "timestamp"), find(data, "recipient"), text(data, "code")
        return event(own, kind, key_in(data), at=at, to=to, status=status)
