"""Give the JSON shapes of messages: greetings without their person's name, address and text."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.resolutions import (
    LONGEST_NOTE,
    Attempt,
    Event,
    GreetingRow,
    History,
    decisions_for,
)
from heyday.domain.transitions import Status

DECISIONS = {"sent": Status.SENT, "failed": Status.FAILED, "retry": Status.RETRYING}
"""What a message that is UNKNOWN may be resolved as, and the status it then has."""

Action = Literal["cancel", "retry", "resolve"]
_ACTIONS: Mapping[Status, Action] = {
    Status.CANCELLED: "cancel",
    Status.RETRYING: "retry",
    Status.SENT: "resolve",
}
_INSTANT = Meta(examples=["2027-01-14T09:00:00Z"])
_TRIED_AT = Meta(examples=["2027-01-14T09:00:12Z"])
_NOTE = Meta(
    min_length=1,
    max_length=LONGEST_NOTE,
    examples=["not in the provider's log"],
    description="Why: one line. It is kept and shown, so it may hold no address.",
)

MessageId = Annotated[UUID, Meta(examples=["6f1d3a52-4a09-4d0b-9f3e-1c2b7a9d8e10"])]
UserId = Annotated[UUID, Meta(examples=["8a6f2b1e-4c7d-4e30-8f3c-5d0a9b7e4d1c"])]
TypeName = Annotated[
    str, Meta(examples=[MESSAGE_TYPES[0].name], description="As /api/v1/message-types has it.")
]


class Message(Struct, frozen=True):
    """Show where one greeting stands. Neither the person nor the text is shown here.

    sender: through whom it left, or was last to leave; null before the first attempt.
    allowed: what may be done with it now: cancel; or retry and resolve.
    """

    id: MessageId
    user_id: UserId
    message_type: TypeName
    delivery_date: Annotated[date, Meta(examples=["2027-01-14"])]
    scheduled_send_time: Annotated[datetime, _INSTANT]
    actual_send_time: Annotated[datetime, _TRIED_AT] | None
    status: Annotated[Status, Meta(examples=["UNKNOWN"])]
    retry_count: Annotated[int, Meta(ge=0, examples=[1])]
    ambiguous_count: Annotated[int, Meta(ge=0, examples=[2])]
    idempotency_key: Annotated[
        str, Meta(examples=["8a6f2b1e-4c7d-4e30-8f3c-5d0a9b7e4d1c:BIRTHDAY:2027-01-14"])
    ]
    queued_at: Annotated[datetime, _INSTANT] | None
    next_attempt_at: Annotated[datetime, _TRIED_AT] | None
    api_response_code: Annotated[int, Meta(examples=[503])] | None
    error_message: Annotated[str, Meta(examples=["no answer came in time"])] | None
    sender: Annotated[str, Meta(examples=["smtp"])] | None
    allowed: Annotated[list[Action], Meta(examples=[["retry", "resolve"]])]


class MessagePage(Struct, frozen=True):
    """Show some messages in order of their instant.

    next: give it as `after`, with the same filters, to get the next page.
    scheduled_send_time_from: where the list begins; also if you did not say so.
    """

    items: list[Message]
    next: (
        Annotated[str, Meta(examples=["1800003600000000-6f1d3a52-4a09-4d0b-9f3e-1c2b7a9d8e10"])]
        | None
    )
    scheduled_send_time_from: Annotated[datetime, _INSTANT]


class MessageEvent(Struct, frozen=True):
    """Say what happened to a message at an instant."""

    at: Annotated[datetime, _TRIED_AT]
    text: Annotated[
        str, Meta(examples=["attempt 2 through http: ambiguous, to be UNKNOWN, HTTP 503"])
    ]


class MessageAttempt(Struct, frozen=True):
    """Show one attempt that was not a plain first success.

    outcome: `resolved` where a person decided, `told` where an event of the provider did.
    """

    attempt: Annotated[int, Meta(ge=1, examples=[2])]
    epoch: Annotated[int, Meta(examples=[2])]
    outcome: Annotated[str, Meta(examples=["ambiguous"])]
    status: Annotated[Status, Meta(examples=["UNKNOWN"])]
    finished_at: Annotated[datetime, _TRIED_AT]
    api_response_code: Annotated[int, Meta(examples=[503])] | None
    error_message: Annotated[str, Meta(examples=["no answer came in time"])] | None
    sender: Annotated[str, Meta(examples=["smtp"])] | None


class MessageHistory(Message, frozen=True):
    """Show one message with all that happened to it, in order."""

    timeline: list[MessageEvent]
    attempts: list[MessageAttempt]


class Resolution(Struct, frozen=True, forbid_unknown_fields=True, rename={"as_": "as"}):
    """Settle a message that is UNKNOWN, by what the provider's own records show of its key.

    as: sent; failed, if it is given up; retry, if it was never taken: the same letter again.
    """

    as_: Annotated[Literal["sent", "failed", "retry"], Meta(examples=["sent"])]
    note: Annotated[str, _NOTE] | UnsetType = UNSET


class Cancellation(Struct, frozen=True, forbid_unknown_fields=True):
    """Cancel a message for good."""

    note: Annotated[str, _NOTE]


def shown_message(row: GreetingRow) -> Message:
    """Return what is shown of a row."""
    targets = decisions_for(row)
    return Message(
        id=row.id,
        user_id=row.user_id,
        message_type=row.message_type,
        delivery_date=row.delivery_on,
        scheduled_send_time=row.scheduled_send_at,
        actual_send_time=row.actual_send_at,
        status=row.status,
        retry_count=row.retry_count,
        ambiguous_count=row.ambiguous_count,
        idempotency_key=row.idempotency_key,
        queued_at=row.queued_at,
        next_attempt_at=row.next_attempt_at,
        api_response_code=row.response_code,
        error_message=row.error,
        sender=row.sender,
        allowed=[action for target, action in _ACTIONS.items() if target in targets],
    )


def shown_history(history: History) -> MessageHistory:
    """Return what is shown of a row and all that happened to it."""
    return MessageHistory(
        **structs.asdict(shown_message(history.greeting)),
        timeline=[_shown_event(event) for event in history.events()],
        attempts=[_shown_attempt(attempt) for attempt in history.attempts],
    )


def _shown_event(event: Event) -> MessageEvent:
    return MessageEvent(event.at, event.text)


def _shown_attempt(attempt: Attempt) -> MessageAttempt:
    return MessageAttempt(
        attempt.attempt,
        attempt.epoch,
        attempt.outcome,
        attempt.status,
        attempt.finished_at,
        attempt.response_code,
        attempt.error,
        attempt.sender,
    )
