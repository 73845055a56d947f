"""Decide what an attempt means: its outcome class, and the move that follows.

Source: DESIGN section 4; docs/adr/0005-delivery.md.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from heyday.domain.models import ClaimedMessage, Recorded
from heyday.domain.retry import RetryPolicy
from heyday.domain.transitions import Status

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
    """No attempt was made: the lease was too short for one more call."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Describe how one attempt ended.

    code: HTTP or SMTP status.   body: the provider's answer, cut short, without personal data.
    """

    kind: OutcomeKind
    code: int | None = None
    body: str | None = None
    error: str | None = None
    retry_after: timedelta | None = None
    provider_message_id: str | None = None


_ENDS = {OutcomeKind.ACCEPTED: Status.SENT, OutcomeKind.REFUSED: Status.FAILED}


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """Turn outcomes into moves, for one provider.

    honours_keys: whether the provider takes a second request with the same key for the first.
    """

    retry: RetryPolicy
    honours_keys: bool

    def record(
        self, message: ClaimedMessage, outcome: Outcome, finished_at: datetime, jitter: float
    ) -> Recorded:
        """Return the row to write after an attempt. jitter: a random number in [0, 1)."""
        ambiguous = message.ambiguous_count + (outcome.kind is OutcomeKind.AMBIGUOUS)
        status = self._status(message, outcome)
        retries = message.retry_count
        next_attempt_at = None
        if status is Status.RETRYING:
            is_tried = outcome.kind is not OutcomeKind.NOT_TRIED
            retries += is_tried
            wait = self.retry.delay(retries, jitter, outcome.retry_after)
            next_attempt_at = finished_at + (wait if is_tried else timedelta())
        return Recorded(
            message_id=message.id,
            scheduled_send_at=message.scheduled_send_at,
            epoch=message.epoch,
            status=status,
            attempt=message.retry_count + 1,
            outcome=outcome.kind.value,
            finished_at=finished_at,
            retry_count=retries,
            ambiguous_count=ambiguous,
            next_attempt_at=next_attempt_at,
            response_code=outcome.code,
            response_body=outcome.body,
            error=outcome.error,
            provider_message_id=outcome.provider_message_id,
        )

    def _status(self, message: ClaimedMessage, outcome: Outcome) -> Status:
        if outcome.kind in _ENDS:
            return _ENDS[outcome.kind]
        if outcome.kind is OutcomeKind.NOT_TRIED:
            return Status.RETRYING
        # Without keys a second ambiguous attempt could be a second letter: stop and ask.
        if (
            outcome.kind is OutcomeKind.AMBIGUOUS
            and not self.honours_keys
            and message.ambiguous_count > 0
        ):
            return Status.UNKNOWN
        if self.retry.is_spent(message.retry_count):
            is_unclear = outcome.kind is OutcomeKind.AMBIGUOUS and not self.honours_keys
            return Status.UNKNOWN if is_unclear else Status.FAILED
        return Status.RETRYING
