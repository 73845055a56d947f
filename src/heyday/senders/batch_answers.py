"""Read a provider's answer to a batch, item by item as if each had come by itself.

Source: docs/adr/0031-batches.md.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.models import ClaimedMessage
from heyday.senders.answers import Answer, is_success, judge_for
from heyday.senders.scrub import Scrubber

# What is longer is not looked at for people, and so not stored: it is for a thousand.
_LONGEST_STORED = 64 * 1024
_STATUSES = range(100, 600)


class _Results(msgspec.Struct):
    results: list[msgspec.Raw]


class _Item(msgspec.Struct):
    status: int | None = None


_DECODER = msgspec.json.Decoder(_Results)
_ITEM_DECODER = msgspec.json.Decoder(_Item)


def judge_batch(
    answer: Answer, messages: Sequence[ClaimedMessage], now: datetime, *, honours_keys: bool
) -> list[Outcome]:
    """Return the outcomes of a call with these messages, in their order.

    An answer other than 2xx is about all of them, and so is one that says nothing of each. What
    it says to one is scrubbed of all: it may have been mixed up.
    """
    scrubber = Scrubber(messages)
    if not is_success(answer.status):
        whole = judge_for(scrubber, _storable(answer), now, honours_keys=honours_keys)
        is_of_batch = whole.kind is OutcomeKind.REFUSED and len(messages) > 1
        return [replace(whole, is_of_batch=is_of_batch)] * len(messages)
    found = _find_results(answer, len(messages))
    if isinstance(found, str):
        body = scrubber.scrub((_storable(answer).body or b"").decode("utf-8", "replace")) or None
        error = f"the provider answered {answer.status}, but {found}"
        unclear = Outcome(OutcomeKind.AMBIGUOUS, answer.status, body, error)
        return [replace(unclear, trouble=Trouble.PROVIDER)] * len(messages)
    items = (_answer_of(bytes(item), answer) for item in found)
    return [judge_for(scrubber, item, now, honours_keys=honours_keys) for item in items]


def _find_results(answer: Answer, count: int) -> list[msgspec.Raw] | str:
    """Return one result for each message, or say why there is none."""
    if answer.body is None:
        return answer.fault or "without a body"
    try:
        results = _DECODER.decode(answer.body).results
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "without a list of results"
    return results if len(results) == count else f"with {len(results)} results for {count} messages"


def _answer_of(item: bytes, answer: Answer) -> Answer:
    """Return an item as the answer to a call of its own; one that is no answer as a broken one."""
    try:
        status = _ITEM_DECODER.decode(item).status
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Answer(answer.status, None, "its result is not readable")
    if status is None:
        status = answer.status
    elif status not in _STATUSES:
        return Answer(answer.status, None, "its result has a status that is none of HTTP")
    return Answer(status, item, retry_after=answer.retry_after)


def _storable(answer: Answer) -> Answer:
    is_long = answer.body is not None and len(answer.body) > _LONGEST_STORED
    return replace(answer, body=None) if is_long else answer
