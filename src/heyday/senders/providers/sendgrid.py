"""Send through SendGrid: POST /v3/mail/send, one letter a call.

Source: its API description (tsg_mail_v3.yaml of twilio/sendgrid-oai 1.0.0: PostMailSend,
ErrorResponse; an answer of 202 has no body), and twilio.com/docs/sendgrid: rate limits
(X-RateLimit-Reset, in seconds since 1970). It names no idempotency key. A call takes up to 1,000
personalizations, but they share one text: no batch for letters that each have their own.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

import msgspec

from heyday.domain.idempotency import KEY_FIELD
from heyday.domain.letters import Letter
from heyday.senders.answers import Answer
from heyday.senders.mime import Origin, message_id
from heyday.senders.providers.dialect import Meaning, Reading, Request
from heyday.senders.providers.fields import headers_of

URL = "https://api.sendgrid.com"


class SendGrid:
    """Speak with SendGrid."""

    key_lifetime: Final = None
    batch_limit: Final = 1
    kept: Final = frozenset({b"x-message-id", b"x-ratelimit-reset"})
    meanings: Final[Mapping[str, Meaning]] = MappingProxyType({})

    def __init__(self, key: str, origin: Origin) -> None:
        self._domain = origin.address.domain
        named = {"name": origin.name} if origin.name else {}
        self._from: dict[str, object] = {"from": {"email": str(origin.address), **named}}
        if origin.reply_to:
            self._from["reply_to"] = {"email": str(origin.reply_to)}
        self.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}

    def request(self, letters: Sequence[Letter], now: datetime) -> Request:  # noqa: ARG002 - port
        """Return what to post."""
        (letter,) = letters
        content = [{"type": "text/plain", "value": letter.text}]
        if letter.html is not None:
            content.append({"type": "text/html", "value": letter.html})
        to = {"to": [{"email": letter.to}], "custom_args": {KEY_FIELD: letter.key}}
        body = {
            "personalizations": [to],
            **self._from,
            "subject": letter.subject,
            "content": content,
            "headers": {"Message-ID": message_id(letter.key, self._domain), **headers_of(letter)},
        }
        return Request("v3/mail/send", msgspec.json.encode(body))

    def read(self, answer: Answer, count: int) -> Sequence[Reading] | str:  # noqa: ARG002 - port
        """Return its id for the letter, which stands in a header."""
        if answer.status != HTTPStatus.ACCEPTED:
            return "not with 202, which alone says that it was taken"
        return [Reading(answer.header("x-message-id"))]

    def read_fault(self, answer: Answer, now: datetime) -> Reading:
        """Return when it may be called again."""
        reset = answer.header("x-ratelimit-reset") or ""
        if answer.status != HTTPStatus.TOO_MANY_REQUESTS or not reset.isdecimal():
            return Reading()
        left = float(reset) - now.timestamp()
        return Reading(wait=timedelta(seconds=min(max(math.ceil(left), 0), 86_400)))
