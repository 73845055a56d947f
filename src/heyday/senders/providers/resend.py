"""Send through Resend: POST /emails with a key, or /emails/batch without.

Source: its API description (resend.yaml of resend/resend-openapi 1.5.0: SendEmailRequest, Tag,
CreateBatchEmailsResponse, up to 100 a call, Idempotency-Key of up to 256 characters), and
resend.com/docs: dashboard/emails/idempotency-keys (known for 24 hours), api-reference/errors,
api-reference/rate-limit (2 requests a second by one version of it, 5 by another, unless more were
granted; Retry-After), changelog/batch-validation-modes (permissive: each letter by itself). The
key of a batch is one for all of it, so in a batch no letter has one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import msgspec

from heyday.domain.idempotency import KEY_FIELD, to_tag
from heyday.domain.letters import Letter
from heyday.senders.answers import Answer
from heyday.senders.mime import Origin
from heyday.senders.providers.dialect import (
    OF_ACCOUNT,
    OF_EARLIER,
    OF_PACE,
    Meaning,
    Reading,
    Request,
)
from heyday.senders.providers.fields import from_field, headers_of

URL = "https://api.resend.com"
CALLS_PER_SECOND = 2.0
"""What every team may call at the least; who was granted more says so."""

_MEANINGS = {
    "rate_limit_exceeded": OF_PACE,
    "invalid_idempotent_request": OF_EARLIER,  # the key came before, with another text
    "daily_quota_exceeded": OF_ACCOUNT,
    "monthly_quota_exceeded": OF_ACCOUNT,
    "missing_api_key": OF_ACCOUNT,
    "invalid_api_key": OF_ACCOUNT,
    "restricted_api_key": OF_ACCOUNT,
    "invalid_from_address": OF_ACCOUNT,
}


class _One(msgspec.Struct):
    id: str


class _Error(msgspec.Struct):
    index: int


class _Many(msgspec.Struct):
    data: list[_One]
    errors: list[_Error] | None = None


class _Fault(msgspec.Struct):
    name: str


_ONE, _MANY = msgspec.json.Decoder(_One), msgspec.json.Decoder(_Many)
_FAULT = msgspec.json.Decoder(_Fault)
_INVALID = "validation_error"


class Resend:
    """Speak with Resend."""

    key_lifetime: Final = timedelta(hours=24)
    batch_limit: Final = 100
    kept: Final[frozenset[bytes]] = frozenset()
    meanings: Final[Mapping[str, Meaning]] = MappingProxyType(_MEANINGS)

    def __init__(self, key: str, origin: Origin) -> None:
        self._from = {"from": from_field(origin)}
        if origin.reply_to:
            self._from["reply_to"] = str(origin.reply_to)
        self.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}

    def request(self, letters: Sequence[Letter], now: datetime) -> Request:  # noqa: ARG002 - port
        """Return what to post: one letter with its key, or a list of them."""
        items = [self._item(letter) for letter in letters]
        if len(items) == 1:
            return Request("emails", msgspec.json.encode(items[0]), key=letters[0].key)
        permissive = {"x-batch-validation": "permissive"}
        return Request("emails/batch", msgspec.json.encode(items), permissive)

    def read(self, answer: Answer, count: int) -> Sequence[Reading] | str:
        """Return the results: ids of those that were taken, in order, and places of the others."""
        body = answer.body or b""
        try:
            if count == 1:
                return [Reading(_ONE.decode(body).id)]
            many = _MANY.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return "the body has no id for each letter"
        refused = {error.index for error in many.errors or ()}
        if len(many.data) + len(refused) != count or not refused <= set(range(count)):
            return f"with {len(many.data)} ids and {len(refused)} errors for {count} letters"
        ids = iter(many.data)
        return [
            Reading(fault=_INVALID) if place in refused else Reading(next(ids).id)
            for place in range(count)
        ]

    def read_fault(self, answer: Answer, now: datetime) -> Reading:  # noqa: ARG002 - port
        """Return its name for the fault."""
        try:
            return Reading(fault=_FAULT.decode(answer.body or b"").name)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Reading()

    def _item(self, letter: Letter) -> dict[str, object]:
        html = {"html": letter.html} if letter.html is not None else {}
        return {
            **self._from,
            "to": [letter.to],
            "subject": letter.subject,
            "text": letter.text,
            **html,
            "headers": headers_of(letter),
            "tags": [{"name": KEY_FIELD, "value": to_tag(letter.key)}],
        }
