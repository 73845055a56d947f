"""Begin the spans of a batch, and note of each what docs/telemetry.md says."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.models import Batch, ClaimedMessage, Recorded
from heyday.telemetry.traces import NOTHING, TRACER, Notes, Span

_DATABASE: Notes = {"db.system.name": "postgresql", "db.collection.name": "message_logs"}
# What is asked through these is no HTTP.
_OTHERWISE = frozenset({"inbox", "smtp"})


def claim(batch: Batch) -> Span:
    """Begin the claim of a batch."""
    notes = {"heyday.batch.id": str(batch.id), "db.operation.name": "claim", **_DATABASE}
    return TRACER.get().call("claim message_logs", notes)


def record(outcomes: Sequence[Recorded]) -> Span:
    """Begin to write down what came of attempts, however often that is tried."""
    notes = {"heyday.greetings": len(outcomes), "db.operation.name": "record", **_DATABASE}
    return TRACER.get().call("record message_logs", notes)


def call(sender: str, messages: Sequence[ClaimedMessage]) -> Span:
    """Begin a call to a provider."""
    tracer = TRACER.get()
    if not tracer.is_on:
        return NOTHING
    notes: Notes = {"heyday.sender": sender, "heyday.greetings": len(messages)}
    span = tracer.call(f"call {sender}", notes)
    if span.is_told:
        span.note({"heyday.greeting.ids": [str(message.id) for message in messages]})
    return span


def note(span: Span, sender: str, outcomes: Sequence[Outcome]) -> None:
    """Note what came of a call."""
    if not span.is_told:
        return
    kinds = Counter(outcome.kind for outcome in outcomes)
    span.note({f"heyday.outcome.{kind}": number for kind, number in kinds.items()})
    if sender not in _OTHERWISE:
        span.note({"http.request.method": "POST"})
        if code := outcomes[0].code:
            span.note({"http.response.status_code": code})
    if bad := [kind for kind in OutcomeKind if kind in kinds and kind is not OutcomeKind.ACCEPTED]:
        span.fail(bad[0].value)


@contextlib.contextmanager
def sent(batches: Sequence[Batch]) -> Iterator[Sequence[Batch]]:
    """Lend the batches with what each is followed by, from now until they are handed over."""
    tracer = TRACER.get()
    if not tracer.is_on:
        yield batches
        return
    with contextlib.ExitStack() as stack:
        followed = []
        for batch in batches:
            notes: Notes = {
                "heyday.batch.id": str(batch.id),
                "heyday.batch.greetings": len(batch.message_ids),
            }
            span = stack.enter_context(tracer.send(notes))
            followed.append(replace(batch, traceparent=span.traceparent))
        yield followed
