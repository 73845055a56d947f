"""Turn what a provider says into outcomes, one for each letter of a call."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus

from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.letters import Letter
from heyday.domain.models import ClaimedMessage
from heyday.senders.answers import (
    Answer,
    is_success,
    kind_of,
    parse_retry_after,
    storable_id,
    trouble_of,
)
from heyday.senders.providers.dialect import OF_LETTER, Dialect, Meaning, Reading
from heyday.senders.scrub import Scrubber


@dataclass(frozen=True, slots=True)
class Judge:
    """Know the provider, what it was asked and when.

    messages: of the letters, and perhaps of some that were not in the call.   honours_keys: whether
    it takes a second request with the same key for the first.
    """

    dialect: Dialect
    messages: Sequence[ClaimedMessage]
    letters: Sequence[Letter]
    now: datetime
    honours_keys: bool

    def judge(self, answer: Answer) -> list[Outcome]:
        """Return the outcomes of the call, in the order of its letters.

        An answer other than 2xx is about all of them, and so is one that says nothing of each.
        """
        count = len(self.letters)
        if not is_success(answer.status):
            whole = self._judge_refusal(answer)
            is_of_batch = whole.kind is OutcomeKind.REFUSED and count > 1
            return [replace(whole, is_of_batch=is_of_batch)] * count
        readings = self.dialect.read(answer, count)
        if isinstance(readings, str):
            return [self._unclear(answer, answer.fault or readings)] * count
        if len(readings) != count:
            unclear = f"with {len(readings)} results for {count} letters"
            return [self._unclear(answer, unclear)] * count
        body = self._body(answer) if any(reading.fault for reading in readings) else None
        return [self._judge_one(reading, answer.status, body) for reading in readings]

    def _judge_refusal(self, answer: Answer) -> Outcome:
        reading = self.dialect.read_fault(answer, self.now)
        wait = parse_retry_after(answer.retry_after, self.now) or reading.wait
        meaning = self._meaning_of(reading.fault, answer.status)
        return Outcome(
            meaning.kind,
            code=answer.status,
            body=self._body(answer),
            error=self._error(answer.status, reading.fault),
            retry_after=wait,
            trouble=meaning.trouble,
        )

    def _judge_one(self, reading: Reading, status: int, body: str | None) -> Outcome:
        if reading.fault is None:
            found = storable_id(reading.message_id) if reading.message_id else None
            return Outcome(OutcomeKind.ACCEPTED, status, provider_message_id=found)
        kind, trouble = self.dialect.meanings.get(reading.fault, OF_LETTER)
        error = self._error(status, reading.fault)
        return Outcome(kind, status, body, error, reading.wait, trouble=trouble)

    def _meaning_of(self, fault: str | None, status: int) -> Meaning:
        """Return what a status means, unless the provider's own name for it says more.

        Of a 5xx nobody knows what was done before it, whatever its name.
        """
        named = self.dialect.meanings.get(fault or "")
        if named and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return named
        kind = kind_of(status, honours_keys=self.honours_keys)
        trouble = trouble_of(kind, status)
        if trouble is Trouble.ACCOUNT:
            kind = OutcomeKind.NOT_ACCEPTED
        return Meaning(kind, trouble)

    def _unclear(self, answer: Answer, how: str) -> Outcome:
        error = f"{self._error(answer.status, None)}, but {how}"
        trouble = Trouble.PROVIDER
        return Outcome(
            OutcomeKind.AMBIGUOUS, answer.status, self._body(answer), error, trouble=trouble
        )

    def _error(self, status: int, fault: str | None) -> str:
        """Return what was answered. What might be a word of a person's is for the body alone."""
        said = f"the provider answered {status}"
        is_known = fault and (fault in self.dialect.meanings or fault.isdecimal())
        return f"{said} ({fault})" if is_known else said

    def _body(self, answer: Answer) -> str | None:
        """Return what is kept of an answer: nobody's name, address, subject, page or link."""
        if not answer.body:
            return None
        more = [
            f"{each.subject} {each.text} {each.html or ''} {each.unsubscribe_url or ''}"
            for each in self.letters
        ]
        said = answer.body.decode("utf-8", "replace")
        return Scrubber(self.messages, more).scrub(said) or None


def seconds(number: float) -> timedelta:
    """Return a wait that a provider named, at most a day."""
    return timedelta(seconds=min(max(number, 0.0), timedelta(days=1).total_seconds()))
