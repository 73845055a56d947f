"""Compose what a sample greeting went through, by the same rules that real ones obey."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from heyday.domain.delivery import DeliveryPolicy, Outcome, OutcomeKind
from heyday.domain.idempotency import IdempotencyService
from heyday.domain.message_types import ANNIVERSARY, BIRTHDAY, MessageType
from heyday.domain.models import ClaimedMessage, Recorded
from heyday.domain.retry import RetryPolicy
from heyday.domain.timezone import TimezoneService
from heyday.domain.transitions import Status

Row = Mapping[str, object]

_ACCEPTED = Outcome(
    OutcomeKind.ACCEPTED, 200, '{"success": true}', provider_message_id="sample-accepted"
)
_REFUSED = Outcome(OutcomeKind.REFUSED, 400, error="the provider refused the message")
_BUSY = Outcome(OutcomeKind.NOT_ACCEPTED, 429, error="the provider asked for patience")
_NO_ANSWER = Outcome(OutcomeKind.AMBIGUOUS, error="no answer came in time")

_POLICY = DeliveryPolicy(RetryPolicy(), key_lifetime=None)
_PLANNED_AHEAD = timedelta(hours=33)
_QUEUED_AHEAD = timedelta(seconds=75)
_ANSWER_TIME = timedelta(milliseconds=180)
_LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Scene:
    """Tell one greeting's story.

    days_ago: 0 is the latest send time that has passed in the person's zone, -1 the next one.
    outcomes: of its attempts; with none, `status` is where it stands, for `reason`.
    left: the column of users that says when the person left.
    """

    message_type: MessageType
    days_ago: int
    outcomes: tuple[Outcome, ...] = ()
    status: Status = Status.SCHEDULED
    reason: str | None = None
    left: str | None = None


def _scenes() -> Iterator[Scene]:
    for days_ago in range(8):
        yield Scene(BIRTHDAY, days_ago, (_ACCEPTED,))
        yield Scene(ANNIVERSARY, days_ago, (_ACCEPTED,))
    yield Scene(BIRTHDAY, 1, (_BUSY, _ACCEPTED))
    yield Scene(ANNIVERSARY, 2, (_BUSY, _BUSY, _ACCEPTED))
    yield Scene(BIRTHDAY, 4, (_REFUSED,))
    yield Scene(ANNIVERSARY, 5, (_BUSY,) * 6)
    yield Scene(BIRTHDAY, 2, (_NO_ANSWER, _NO_ANSWER))
    yield Scene(ANNIVERSARY, 4, (_NO_ANSWER, _NO_ANSWER))
    yield Scene(BIRTHDAY, 3, (), Status.SKIPPED, "the late window had passed")
    yield Scene(ANNIVERSARY, 3, (), Status.SKIPPED, "the late window had passed")
    yield Scene(BIRTHDAY, 1, (), Status.CANCELLED, "person unsubscribed", "unsubscribed_at")
    yield Scene(ANNIVERSARY, 6, (), Status.CANCELLED, "person deleted", "deleted_at")
    # As a program leaves them that was stopped in the midst: recovery takes them up.
    yield Scene(BIRTHDAY, 0, (), Status.QUEUED)
    yield Scene(ANNIVERSARY, 0, (), Status.QUEUED)
    yield Scene(BIRTHDAY, 0, (), Status.SENDING)
    yield Scene(ANNIVERSARY, 0, (_BUSY,))
    yield Scene(BIRTHDAY, -1)
    yield Scene(BIRTHDAY, -1)
    yield Scene(ANNIVERSARY, -1)
    yield Scene(ANNIVERSARY, -1)


SCENES = tuple(_scenes())


@dataclass(frozen=True, slots=True)
class Greeting:
    """Name the greeting that a story is about."""

    user_id: UUID
    first_name: str
    last_name: str
    email: str
    timezone: str
    message_type: MessageType
    occasion_on: date
    delivery_on: date
    send_at: datetime

    @property
    def key(self) -> str:
        """Return its idempotency key."""
        return IdempotencyService().make(self.user_id, self.message_type.name, self.delivery_on)

    @property
    def id(self) -> UUID:
        """Return the id of its row, the same one each time."""
        return uuid5(NAMESPACE_URL, self.key)

    @property
    def content(self) -> str:
        """Return what it says."""
        years = self.delivery_on.year - self.occasion_on.year
        kind = self.message_type
        text = kind.text_for_one if years == 1 else kind.text
        return text.format(first_name=self.first_name, last_name=self.last_name, n=years)


def tell(scene: Scene, greeting: Greeting, tzdb_version: str) -> tuple[Row, list[Row]]:
    """Return the greeting's row of message_logs, and its rows of message_attempts."""
    attempts = list(_attempts(scene, greeting))
    last = attempts[-1] if attempts else None
    status = last.status if last else scene.status
    row: dict[str, object] = {
        "id": greeting.id,
        "user_id": greeting.user_id,
        "message_type": greeting.message_type.name,
        "delivery_date": greeting.delivery_on,
        "scheduled_send_time": greeting.send_at,
        "status": status,
        "retry_count": last.retry_count if last else 0,
        "ambiguous_count": last.ambiguous_count if last else 0,
        "epoch": last.epoch if last else int(status not in {Status.SCHEDULED, Status.QUEUED}),
        "idempotency_key": greeting.key,
        "message_content": greeting.content,
        "occasion_date": greeting.occasion_on,
        "timezone": greeting.timezone,
        "tzdb_version": tzdb_version,
        "queued_at": _queued_at(scene, greeting),
        "lease_until": greeting.send_at + _LEASE if status is Status.SENDING else None,
        "error_message": scene.reason,
        "created_at": greeting.send_at - _PLANNED_AHEAD,
    }
    if last:
        row |= {
            "actual_send_time": last.finished_at if status is Status.SENT else None,
            "next_attempt_at": last.next_attempt_at,
            "api_response_code": last.response_code,
            "api_response_body": last.response_body,
            "error_message": last.error,
            "provider_message_id": last.provider_message_id,
        }
    return row, [_attempt_row(attempt) for attempt in attempts if _is_noted(attempt)]


def delivery_on(scene: Scene, zone: str, timezones: TimezoneService, now: datetime) -> date:
    """Return the local date on which a scene's greeting belongs in a zone."""
    today = timezones.local_date(zone, now)
    has_passed = timezones.send_at(zone, today) <= now
    return today - timedelta(days=scene.days_ago + (not has_passed))


def _attempts(scene: Scene, greeting: Greeting) -> Iterator[Recorded]:
    message = ClaimedMessage(
        id=greeting.id,
        user_id=greeting.user_id,
        scheduled_send_at=greeting.send_at,
        epoch=1,
        retry_count=0,
        ambiguous_count=0,
        message_type=greeting.message_type.name,
        idempotency_key=greeting.key,
        email=greeting.email,
        text=greeting.content,
    )
    at = greeting.send_at
    for outcome in scene.outcomes:
        recorded = _POLICY.record(message, outcome, at + _ANSWER_TIME, jitter=0.5)
        yield recorded
        at = recorded.next_attempt_at or at
        message = replace(
            message,
            epoch=message.epoch + 1,
            retry_count=recorded.retry_count,
            ambiguous_count=recorded.ambiguous_count,
        )


def _queued_at(scene: Scene, greeting: Greeting) -> datetime | None:
    is_queued = scene.outcomes or scene.status in {Status.QUEUED, Status.SENDING}
    return greeting.send_at - _QUEUED_AHEAD if is_queued else None


def _is_noted(attempt: Recorded) -> bool:
    """Tell whether an attempt was not a plain first success."""
    return not (attempt.status is Status.SENT and attempt.attempt == 1)


def _attempt_row(attempt: Recorded) -> Row:
    return {
        "message_id": attempt.message_id,
        "scheduled_send_time": attempt.scheduled_send_at,
        "epoch": attempt.epoch,
        "attempt": attempt.attempt,
        "outcome": attempt.outcome,
        "status": attempt.status,
        "finished_at": attempt.finished_at,
        "api_response_code": attempt.response_code,
        "error_message": attempt.error,
    }
