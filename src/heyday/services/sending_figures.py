"""Count what is sent: message by message in plain numbers, and for others once a batch."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.models import Claim, ClaimedMessage, Recorded
from heyday.domain.transitions import Status
from heyday.telemetry import Metrics

UNKNOWN_SENDER = "unknown"

_Attempt = tuple[str, str, OutcomeKind, Status]


class SendingFigures:
    """Gather what attempts and calls came to, and hand it over when `write` is called."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._attempts: Counter[_Attempt] = Counter()
        self._calls: Counter[str] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def note_claim(self, claim: Claim) -> None:
        """Count what was taken: for the first time, or not to be sent."""
        firsts = [message for message in claim.messages if _is_first(message)]
        due = Counter((each.message_type, each.sender or UNKNOWN_SENDER) for each in firsts)
        for of, greetings in due.items():
            self._metrics.due.labels(*of).inc(greetings)
        for of, greetings in claim.not_sent.items():
            self._metrics.not_sent.labels(*of).inc(greetings)

    def note_lateness(
        self, messages: Sequence[ClaimedMessage], outcomes: Sequence[Outcome], called_at: datetime
    ) -> None:
        """Count how late the first attempts at greetings began."""
        firsts = [
            message
            for message, outcome in zip(messages, outcomes, strict=True)
            if _is_first(message) and outcome.kind is not OutcomeKind.NOT_TRIED
        ]
        for message_type in {message.message_type for message in firsts}:
            observe = self._metrics.lateness.labels(message_type).observe
            for message in firsts:
                if message.message_type == message_type:
                    observe((called_at - message.scheduled_send_at).total_seconds())

    def note_call(self, sender: str, seconds: float) -> None:
        """Count a call, with how long it took."""
        self._calls[sender] += 1
        self._seconds[sender] += seconds

    def note_attempts(
        self,
        messages: Sequence[ClaimedMessage],
        outcomes: Sequence[Outcome],
        recorded: Sequence[Recorded],
    ) -> None:
        """Count attempts, by what came of them and what follows."""
        self._attempts.update(
            (message.message_type, message.sender or UNKNOWN_SENDER, outcome.kind, each.status)
            for message, outcome, each in zip(messages, outcomes, recorded, strict=True)
        )

    def note_fenced(self, greetings: int) -> None:
        """Count outcomes that were not written."""
        self._metrics.fenced.inc(greetings)

    def note_batch(self, seconds: float) -> None:
        """Count a batch, with how long it took."""
        self._metrics.batch.observe(seconds)

    def write(self) -> None:
        """Hand over what was gathered since the last time."""
        metrics = self._metrics
        for (message_type, sender, kind, status), greetings in self._attempts.items():
            metrics.attempts.labels(message_type, kind).inc(greetings)
            metrics.attempts_by_sender.labels(sender, kind).inc(greetings)
            metrics.greetings.labels(message_type, sender, status).inc(greetings)
        for sender, calls in self._calls.items():
            metrics.provider_calls.labels(sender).inc(calls)
            metrics.provider_call_seconds.labels(sender).inc(self._seconds[sender])
        self._attempts.clear()
        self._calls.clear()
        self._seconds.clear()


def _is_first(message: ClaimedMessage) -> bool:
    """Tell whether its row knows of no attempt: an ambiguous one that was a probe spent no retry.

    A row that was put back untried, or whose probe was surely not accepted, tells nothing of it.
    """
    return message.retry_count == 0 and message.ambiguous_since is None
