"""Send through Amazon SES: POST /v2/email/outbound-emails (SendEmail), one letter a call.

Source: its API description (sesv2-2019-09-27.normal.json of aws/aws-sdk-js, service-2.json of
boto/botocore: SendEmail, MessageHeader, MessageTag, and the status of each exception; their name is
in x-amzn-errortype). SendEmailInput has no idempotency key. SendBulkEmail takes 50 entries with a
result for each, but of one template: no batch for letters that each have their own text.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

import msgspec

from heyday.domain.idempotency import KEY_FIELD, to_tag
from heyday.domain.letters import Letter
from heyday.senders.answers import Answer, read_object
from heyday.senders.mime import Origin
from heyday.senders.place import Place
from heyday.senders.providers.dialect import (
    OF_ACCOUNT,
    OF_LETTER,
    OF_PACE,
    Meaning,
    Reading,
    Request,
)
from heyday.senders.providers.fields import from_field, headers_of
from heyday.senders.providers.signature_v4 import Credentials, Signer

_NAME = "v2/email/outbound-emails"
_JSON = MappingProxyType({"Content-Type": "application/json"})
_MEANINGS = {
    "TooManyRequestsException": OF_PACE,
    "LimitExceededException": OF_ACCOUNT,  # the day's quota
    "AccountSuspendedException": OF_ACCOUNT,
    "SendingPausedException": OF_ACCOUNT,
    "MailFromDomainNotVerifiedException": OF_ACCOUNT,
    "NotFoundException": OF_ACCOUNT,  # the configuration set
    "MessageRejected": OF_LETTER,
    "BadRequestException": OF_LETTER,
}


def url_of(region: str) -> str:
    """Return where SES is called in a region."""
    return f"https://email.{region}.amazonaws.com"


class Ses:
    """Speak with SES. url: where it is called.   configuration_set: empty: the account's own."""

    key_lifetime: Final = None
    batch_limit: Final = 1
    kept: Final = frozenset({b"x-amzn-errortype"})
    meanings: Final[Mapping[str, Meaning]] = MappingProxyType(_MEANINGS)
    headers: Final[Mapping[str, str]] = _JSON

    def __init__(
        self,
        url: str,
        region: str,
        credentials: Credentials,
        origin: Origin,
        configuration_set: str = "",
    ) -> None:
        place = Place(url)
        self._signer = Signer(credentials, region, "ses")
        self._path = place.path_of(_NAME)
        self._signed = {"Host": place.authority, **_JSON}
        self._from: dict[str, object] = {"FromEmailAddress": from_field(origin)}
        if origin.reply_to:
            self._from["ReplyToAddresses"] = [str(origin.reply_to)]
        self._set = {"ConfigurationSetName": configuration_set} if configuration_set else {}

    def request(self, letters: Sequence[Letter], now: datetime) -> Request:
        """Return what to post, signed."""
        (letter,) = letters
        body = {
            **self._from,
            "Destination": {"ToAddresses": [letter.to]},
            "Content": {"Simple": _message(letter)},
            "EmailTags": [{"Name": KEY_FIELD, "Value": to_tag(letter.key)}],
            **self._set,
        }
        content = msgspec.json.encode(body)
        signature = self._signer.sign("POST", self._path, self._signed, content, now)
        return Request(_NAME, content, signature)

    def read(self, answer: Answer, count: int) -> Sequence[Reading] | str:  # noqa: ARG002 - port
        """Return its id for the letter."""
        found = (read_object(answer.body) or {}).get("MessageId")
        is_there = isinstance(found, str) and found
        return [Reading(str(found))] if is_there else "the body has no MessageId"

    def read_fault(self, answer: Answer, now: datetime) -> Reading:  # noqa: ARG002 - port
        """Return its name for the fault; where it came from follows a colon."""
        return Reading(fault=(answer.header("x-amzn-errortype") or "").partition(":")[0] or None)


def _message(letter: Letter) -> dict[str, object]:
    body = {"Text": _utf8(letter.text)}
    if letter.html is not None:
        body["Html"] = _utf8(letter.html)
    headers = headers_of(letter).items()
    return {
        "Subject": _utf8(letter.subject),
        "Body": body,
        "Headers": [{"Name": name, "Value": value} for name, value in headers],
    }


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}
