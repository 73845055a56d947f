"""Send through Mailgun: POST /v3/{domain}/messages, one letter a call.

Source: its API description (openapi.yaml of "Mailgun API" 3.0.0: POST /v3/{domain_name}/messages,
SendMessageResponse; a 429 says in its message for how many seconds), and its user manual, "Batch
sending". It names no idempotency key. A call takes up to 1,000 recipients with variables, but has
one text, one result and one id for all of them: no batch for letters that each have their own.
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from heyday.domain.idempotency import KEY_FIELD
from heyday.domain.letters import Letter
from heyday.senders.answers import Answer, read_object
from heyday.senders.mime import Origin, message_id
from heyday.senders.providers.dialect import Meaning, Reading, Request
from heyday.senders.providers.fields import from_field, headers_of
from heyday.senders.providers.judging import seconds
from heyday.senders.providers.multipart import write_form

URL = "https://api.mailgun.net"
_AGAIN_AFTER = re.compile(r"try again after (\d{1,6}) seconds", re.ASCII)


class Mailgun:
    """Speak with Mailgun. domain: the one that letters are sent from, as it is known there."""

    key_lifetime: Final = None
    batch_limit: Final = 1
    kept: Final[frozenset[bytes]] = frozenset()
    meanings: Final[Mapping[str, Meaning]] = MappingProxyType({})

    def __init__(self, key: str, domain: str, origin: Origin) -> None:
        self._from = from_field(origin)
        self._domain = origin.address.domain
        self._always = {"Reply-To": str(origin.reply_to)} if origin.reply_to else {}
        self._name = f"v3/{quote(domain, safe='')}/messages"
        login = b64encode(f"api:{key}".encode()).decode()
        self.headers = {"Authorization": f"Basic {login}"}

    def request(self, letters: Sequence[Letter], now: datetime) -> Request:  # noqa: ARG002 - port
        """Return what to post."""
        (letter,) = letters
        own = {"Message-Id": message_id(letter.key, self._domain)}
        headers = {**own, **self._always, **headers_of(letter)}
        fields = [
            ("from", self._from),
            ("to", letter.to),
            ("subject", letter.subject),
            ("text", letter.text),
            *([("html", letter.html)] if letter.html is not None else []),
            *((f"h:{name}", value) for name, value in headers.items()),
            (f"v:{KEY_FIELD}", letter.key),
        ]
        content_type, form = write_form(fields)
        return Request(self._name, form, {"Content-Type": content_type})

    def read(self, answer: Answer, count: int) -> Sequence[Reading] | str:  # noqa: ARG002 - port
        """Return its id for the letter."""
        found = (read_object(answer.body) or {}).get("id")
        return [Reading(found)] if isinstance(found, str) and found else "the body has no id"

    def read_fault(self, answer: Answer, now: datetime) -> Reading:  # noqa: ARG002 - port
        """Return for how long it asks to be left alone."""
        said = _AGAIN_AFTER.search((answer.body or b"").decode("utf-8", "replace"))
        return Reading(wait=seconds(float(said[1])) if said else None)
