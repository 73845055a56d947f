"""Send through Postmark: POST /email, or /email/batch with a result for each letter.

Source: its API description (server.yml of "Postmark API" 1.0.0: SendEmailRequest,
SendEmailBatchResponse, StandardPostmarkResponse), postmarkapp.com/developer/api/email-api (up to
500 letters and 50 MB a call, Metadata, MessageStream) and /developer/api/overview (codes). It says
that it knows no idempotency keys, and names neither a rate nor a header for it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

import msgspec

from heyday.domain.idempotency import KEY_FIELD
from heyday.domain.letters import Letter
from heyday.senders.answers import Answer
from heyday.senders.mime import Origin
from heyday.senders.providers.dialect import (
    OF_ACCOUNT,
    OF_PACE,
    OF_PROVIDER,
    Meaning,
    Reading,
    Request,
)
from heyday.senders.providers.fields import from_field, headers_of

URL = "https://api.postmarkapp.com"
# All others are about the letter: 300 (invalid), 406 (inactive recipient) and so on.
_MEANINGS = {
    "10": OF_ACCOUNT,  # bad or missing token
    "100": OF_PROVIDER,  # maintenance
    "400": OF_ACCOUNT,  # sender signature not found
    "401": OF_ACCOUNT,  # sender signature not confirmed
    "405": OF_ACCOUNT,  # not allowed to send: out of credits
    "412": OF_ACCOUNT,  # account is pending
    "413": OF_ACCOUNT,  # account may not send
    "429": OF_PACE,
}


class _Result(msgspec.Struct):
    code: int = msgspec.field(name="ErrorCode")
    message_id: str | None = msgspec.field(name="MessageID", default=None)


_ONE = msgspec.json.Decoder(_Result)
_MANY = msgspec.json.Decoder(list[_Result])


class Postmark:
    """Speak with Postmark. token: of the server.   stream: the message stream that is used."""

    key_lifetime: Final = None
    batch_limit: Final = 500
    kept: Final[frozenset[bytes]] = frozenset()
    meanings: Final[Mapping[str, Meaning]] = MappingProxyType(_MEANINGS)

    def __init__(self, token: str, origin: Origin, stream: str) -> None:
        self._from = {"From": from_field(origin)}
        if origin.reply_to:
            self._from["ReplyTo"] = str(origin.reply_to)
        self._stream = stream
        self.headers = {"Content-Type": "application/json", "X-Postmark-Server-Token": token}

    def request(self, letters: Sequence[Letter], now: datetime) -> Request:  # noqa: ARG002 - port
        """Return what to post: one letter by itself, or a list of them."""
        items = [self._item(letter) for letter in letters]
        if len(items) == 1:
            return Request("email", msgspec.json.encode(items[0]))
        return Request("email/batch", msgspec.json.encode(items))

    def read(self, answer: Answer, count: int) -> Sequence[Reading] | str:
        """Return the results, which come in the order of the letters."""
        try:
            body = answer.body or b""
            results = [_ONE.decode(body)] if count == 1 else _MANY.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return "the body has no result for each letter"
        if any(result.code == 0 and not result.message_id for result in results):
            return "a letter that was taken has no MessageID"
        return [
            Reading(fault=str(result.code)) if result.code else Reading(result.message_id)
            for result in results
        ]

    def read_fault(self, answer: Answer, now: datetime) -> Reading:  # noqa: ARG002 - port
        """Return its code for the fault."""
        try:
            return Reading(fault=str(_ONE.decode(answer.body or b"").code))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Reading()

    def _item(self, letter: Letter) -> dict[str, object]:
        html = {"HtmlBody": letter.html} if letter.html is not None else {}
        headers = headers_of(letter).items()
        return {
            **self._from,
            "To": letter.to,
            "Subject": letter.subject,
            "TextBody": letter.text,
            **html,
            "Headers": [{"Name": name, "Value": value} for name, value in headers],
            "Metadata": {KEY_FIELD: letter.key},
            "MessageStream": self._stream,
        }
