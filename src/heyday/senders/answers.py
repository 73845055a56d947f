"""Read a provider's HTTP answer: which class of outcome it is, and what of it is worth storing.

Source: DESIGN section 4; RFC 9110 sections 10.2.3 (Retry-After) and 15 (status codes); RFC 8470
(425); draft-ietf-httpapi-idempotency-key-header (409).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import cast

import msgspec

from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.models import ClaimedMessage
from heyday.senders.scrub import Scrubber

_ID_FIELDS = ("id", "message_id", "messageId")
_ID_LENGTH = 255
_LONGEST_WAIT = timedelta(days=1)
_SUCCESS = 2
# The rest of the 400s never go away by themselves; these ask for another try.
_TRY_LATER = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
# "The same request, elsewhere": nothing was done here. 303 means that it was, and 304 answers no
# POST; of those and of the rest of the 300s nobody can say.
_ELSEWHERE = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)
# What would be said to any message: our key, our bill, our address for the provider, the form of
# our requests. 451 is not among them: it may be about one recipient.
_REFUSES_US = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.PAYMENT_REQUIRED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
        HTTPStatus.GONE,
        HTTPStatus.LENGTH_REQUIRED,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.EXPECTATION_FAILED,
        HTTPStatus.MISDIRECTED_REQUEST,
        HTTPStatus.UPGRADE_REQUIRED,
        HTTPStatus.PRECONDITION_REQUIRED,
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold what came back over the wire.

    body: None where it broke off or was too long; `fault` then says why.   headers: those that
    were asked for, by their names in lower case.
    """

    status: int
    body: bytes | None
    fault: str | None = None
    retry_after: str | None = None
    headers: Mapping[str, str] | None = None

    def header(self, name: str) -> str | None:
        """Return a header that was asked for, if it came."""
        return (self.headers or {}).get(name)


def judge(answer: Answer, message: ClaimedMessage, now: datetime, *, honours_keys: bool) -> Outcome:
    """Return the outcome of the attempt that brought this answer.

    honours_keys: whether the provider takes a second request with the same key for the first.
    """
    return judge_for(Scrubber([message]), answer, now, honours_keys=honours_keys)


def judge_for(scrubber: Scrubber, answer: Answer, now: datetime, *, honours_keys: bool) -> Outcome:
    """Return the outcome, as `judge` does, of an attempt at whomever the scrubber knows."""
    fields = read_object(answer.body)
    kind, error = _classify(answer, fields, honours_keys=honours_keys)
    return Outcome(
        kind,
        code=answer.status,
        body=scrubber.scrub((answer.body or b"").decode("utf-8", "replace")) or None,
        error=error,
        retry_after=parse_retry_after(answer.retry_after, now),
        provider_message_id=_find_id(fields) if kind is OutcomeKind.ACCEPTED else None,
        trouble=trouble_of(kind, answer.status),
    )


def _classify(
    answer: Answer, fields: dict[str, object] | None, *, honours_keys: bool
) -> tuple[OutcomeKind, str | None]:
    said = f"the provider answered {answer.status}"
    if is_success(answer.status):
        return _classify_success(answer, fields, said)
    if answer.status == HTTPStatus.CONFLICT and honours_keys:
        said = f"{said}: a request with this key may still be under way"
    return kind_of(answer.status, honours_keys=honours_keys), said


def is_success(status: int) -> bool:
    """Tell whether a status says that all went well."""
    return status // 100 == _SUCCESS


def kind_of(status: int, *, honours_keys: bool) -> OutcomeKind:
    """Return what a status shows that says anything but that all went well."""
    match status // 100:
        case 3 if status in _ELSEWHERE:
            return OutcomeKind.NOT_ACCEPTED
        case 4 if status in _TRY_LATER:
            return OutcomeKind.NOT_ACCEPTED
        case 4 if status == HTTPStatus.CONFLICT and honours_keys:
            return OutcomeKind.AMBIGUOUS
        case 4:
            return OutcomeKind.REFUSED
        case _:
            return OutcomeKind.AMBIGUOUS


def _classify_success(
    answer: Answer, fields: dict[str, object] | None, said: str
) -> tuple[OutcomeKind, str | None]:
    if fields is None:
        reason = answer.fault or "the body is not a JSON object"
        return OutcomeKind.AMBIGUOUS, f"{said}, but {reason}"
    success = fields.get("success", True)
    if success is True:
        return OutcomeKind.ACCEPTED, None
    if success is False:
        return OutcomeKind.NOT_ACCEPTED, f"{said}, but with success false"
    return OutcomeKind.AMBIGUOUS, f"{said}, but success is neither true nor false"


def trouble_of(kind: OutcomeKind, status: int) -> Trouble | None:
    """Return what the answer shows about the provider: nothing where it is about the message."""
    if kind is OutcomeKind.ACCEPTED:
        return None
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Trouble.PACE
    if status in _REFUSES_US:
        return Trouble.ACCOUNT
    is_unsure = kind in {OutcomeKind.NOT_ACCEPTED, OutcomeKind.AMBIGUOUS}
    return Trouble.PROVIDER if is_unsure else None


def read_object(body: bytes | None) -> dict[str, object] | None:
    """Return the body as an object, or None if it is anything else."""
    if not body:
        return None
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return cast("dict[str, object]", found) if isinstance(found, dict) else None


def _find_id(fields: dict[str, object] | None) -> str | None:
    """Return the provider's id for the message, if it gave one that can be stored."""
    if fields is None:
        return None
    for name in _ID_FIELDS:
        value = fields.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return storable_id(str(value))
    return None


def storable_id(text: str) -> str | None:
    """Return a provider's id for a message as it may be stored: one line, and not too long."""
    if not text.isprintable():
        text = "".join(c for c in text if c.isprintable())
    return text[:_ID_LENGTH] or None


def parse_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Return the wait that a Retry-After header asks for: seconds, or an HTTP date.

    None where there is no header, or one that says neither. At most a day.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        # A float takes any number of digits, and becomes infinite where it must.
        return timedelta(seconds=min(float(text), _LONGEST_WAIT.total_seconds()))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max(at - now, timedelta()), _LONGEST_WAIT)
