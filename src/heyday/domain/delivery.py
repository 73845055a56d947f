"""Decide what an attempt means: its outcome class, and the move that follows.

Source: DESIGN section 4; docs/adr/0005-delivery.md.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from heyday.domain.models import ClaimedMessage, Recorded
from heyday.domain.retry import RetryPolicy
from heyday.domain.transitions import Status

# A call of half a minute at either end of the provider's memory, and its clock.
_KEY_MARGIN = timedelta(minutes=1)

LEASE_MARGIN = timedelta(seconds=2)
"""No call begins with less of its lease left than it may take and this."""


class AmbiguityPolicy(StrEnum):
    """Say what follows an ambiguous attempt where the provider does not know our key.

    RETRY: one repeat, which may be a second letter.   HOLD: none; a person decides.
    """

    RETRY = "RETRY"
    HOLD = "HOLD"


class OutcomeKind(StrEnum):
    """Say what is known about one attempt."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """The provider will never take this message: a 400-class answer."""
    NOT_ACCEPTED = "not_accepted"
    """It surely was not taken this time: DNS, refused connection, TLS, 429, `success: false`."""
    AMBIGUOUS = "ambiguous"
    """Nobody can say: timeout after sending, reset, 5xx, malformed answer, crash."""
    NOT_TRIED = "not_tried"
    """No attempt was made: the worker stopped, or could not call in time."""
    FORGOTTEN = "forgotten"
    """No attempt was made: nobody knows the key of one that was ambiguous any more."""


class Trouble(StrEnum):
    """Say what is wrong with more than the one message, where an answer shows it."""

    PROVIDER = "provider"
    """It is away, broken or unclear; the next message would fare no better."""
    ACCOUNT = "account"
    """It is there and refuses us, whatever we send: our key, our permission, our address for it."""
    PACE = "pace"
    """It is there, and we call too often."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Describe how one attempt ended.

    code: HTTP or SMTP status.   body: the provider's answer, cut short, without personal data.
    trouble: what the attempt showed about the provider; None where it did its part, as it also
    does when it refuses one message.
    is_probe: made to see whether a provider that was left alone is back, which it was not.
    is_of_batch: the provider refused a batch as a whole; one greeting in it may be to blame, or
    none. It took none of them, and nothing is known yet about each.
    """

    kind: OutcomeKind
    code: int | None = None
    body: str | None = None
    error: str | None = None
    retry_after: timedelta | None = None
    provider_message_id: str | None = None
    trouble: Trouble | None = None
    is_probe: bool = False
    is_of_batch: bool = False


def moving_on(outcome: Outcome) -> Outcome:
    """Return what an outcome means where another sender may take the greeting next.

    A provider that refuses us has not judged the message; for how long it wants to be left alone
    is nothing to others.
    """
    if outcome.kind is OutcomeKind.AMBIGUOUS or outcome.trouble is None:
        return outcome
    is_refused = outcome.kind is OutcomeKind.REFUSED
    kind = OutcomeKind.NOT_ACCEPTED if is_refused else outcome.kind
    return replace(outcome, kind=kind, retry_after=None)


_UNTRIED = frozenset({OutcomeKind.NOT_TRIED, OutcomeKind.FORGOTTEN})
_ENDS = {
    OutcomeKind.REFUSED: Status.FAILED,
    OutcomeKind.NOT_TRIED: Status.RETRYING,
    OutcomeKind.FORGOTTEN: Status.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """Turn outcomes into moves, for one provider.

    key_lifetime: for how long it takes a second request with the same key for the first; None if
    it never does.   holding: names of the message types of which no ambiguous attempt is repeated
    where the provider does not know the key.
    """

    retry: RetryPolicy
    key_lifetime: timedelta | None
    holding: frozenset[str] = frozenset()

    def may_attempt(self, message: ClaimedMessage, now: datetime) -> bool:
        """Tell whether one more attempt is allowed, as for a row that waited for long.

        Where the provider knows the key, always; else one, after a single ambiguous attempt. A
        person who had it sent again has cleared `ambiguous_since`.
        """
        if message.ambiguous_since is None or self._knows_key(message.ambiguous_since, now):
            return True
        return not self._is_held(message) and message.ambiguous_count <= 1

    def record(
        self, message: ClaimedMessage, outcome: Outcome, finished_at: datetime, jitter: float
    ) -> Recorded:
        """Return the row to write after an attempt. jitter: a random number in [0, 1)."""
        is_counted = outcome.kind not in _UNTRIED and not outcome.is_probe
        is_ambiguous = outcome.kind is OutcomeKind.AMBIGUOUS
        since = message.ambiguous_since or (finished_at if is_ambiguous else None)
        status, next_attempt_at = Status.SENT, finished_at
        # Nearly all are accepted; of the others it matters when they would be tried again.
        if outcome.kind is not OutcomeKind.ACCEPTED:
            next_attempt_at += self._wait(message, outcome, jitter)
            status = self._status(message, outcome, since, next_attempt_at)
        is_retry = status is Status.RETRYING
        return Recorded(
            message_id=message.id,
            scheduled_send_at=message.scheduled_send_at,
            epoch=message.epoch,
            status=status,
            attempt=message.retry_count + 1,
            outcome=outcome.kind.value,
            finished_at=finished_at,
            retry_count=message.retry_count + (is_retry and is_counted),
            ambiguous_count=message.ambiguous_count + is_ambiguous,
            ambiguous_since=since,
            next_attempt_at=next_attempt_at if is_retry else None,
            response_code=outcome.code,
            response_body=outcome.body,
            error=outcome.error,
            provider_message_id=outcome.provider_message_id,
            sender=message.sender,
        )

    def _wait(self, message: ClaimedMessage, outcome: Outcome, jitter: float) -> timedelta:
        if outcome.kind is OutcomeKind.NOT_TRIED:
            return outcome.retry_after or timedelta()
        return self.retry.delay(message.retry_count + 1, jitter, outcome.retry_after)

    def _status(
        self,
        message: ClaimedMessage,
        outcome: Outcome,
        since: datetime | None,
        next_attempt_at: datetime,
    ) -> Status:
        # A probe that failed tells of the provider; its greeting is none the worse for it.
        if outcome.is_probe and outcome.trouble is Trouble.ACCOUNT:
            return Status.RETRYING
        if outcome.kind in _ENDS:
            return _ENDS[outcome.kind]
        is_known = self._knows_key(since, next_attempt_at)
        # Where the key is not known, a repeat could be a second letter: one at most.
        may_repeat = is_known or not (self._is_held(message) or message.ambiguous_count > 0)
        if outcome.kind is OutcomeKind.AMBIGUOUS and not may_repeat:
            return Status.UNKNOWN
        if self.retry.is_spent(message.retry_count) and not outcome.is_probe:
            return Status.FAILED if is_known or since is None else Status.UNKNOWN
        return Status.RETRYING

    def _knows_key(self, since: datetime | None, at: datetime) -> bool:
        """Tell whether a request at an instant would be known for the one that was ambiguous."""
        if self.key_lifetime is None:
            return False
        return since is None or at < since + self.key_lifetime - _KEY_MARGIN

    def _is_held(self, message: ClaimedMessage) -> bool:
        return message.message_type in self.holding
