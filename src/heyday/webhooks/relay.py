"""Read what the company's own relay tells, signed as Standard Webhooks are.

The body is a JSON object: `type`, which is `greeting.` and a kind of event (domain/events.py),
`timestamp` in ISO 8601, and `data` with `heyday_key`, and perhaps `recipient` and `code`.
Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
(the structure of payloads).
"""

from collections.abc import Iterable
from datetime import datetime

from heyday.domain.event_ports import Posted
from heyday.domain.events import EventKind, Received
from heyday.webhooks.reading import event, find, key_in, own_id, read_json, text
from heyday.webhooks.standard import StandardSignature

_KINDS = {f"greeting.{kind}": kind for kind in EventKind}


class RelayEvents:
    """Know the relay (EventSource). secrets: newest first."""

    provider = "webhook"

    def __init__(self, secrets: Iterable[str]) -> None:
        self._signature = StandardSignature(secrets, "webhook")

    async def read(self, posted: Posted, now: datetime) -> Received:
        """Return what a request tells. Raises NotSigned, EventsUnreadable."""
        name = self._signature.check(posted, now)
        told = read_json(posted.body)
        kind, data = _KINDS.get(text(told, "type")), find(told, "data")
        if kind is None:
            return Received([])
        own = own_id(self.provider, name)
        status, to = text(data, "code"), find(data, "recipient")
        at = find(told, "timestamp")
        return Received([event(own, kind, key_in(data), at=at, to=to, status=status)])
