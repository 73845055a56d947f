"""Rows of the model database. Fields are named as columns, so that both can be compared."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from uuid import UUID

from heyday.domain.message_types import MESSAGE_TYPES, MessageType
from heyday.domain.models import ClaimedMessage, User
from heyday.domain.transitions import Status

_OF_A_USER = [field.name for field in fields(User)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    id: UUID
    first_name: str
    last_name: str
    email: str
    timezone: str
    birthday_date: date | None
    anniversary_date: date | None
    location_city: str | None
    location_country: str | None
    locale: str | None
    created_at: datetime
    updated_at: datetime
    eligible_since: datetime
    deleted_at: datetime | None = None
    unsubscribed_at: datetime | None = None
    birthday_unsubscribed_at: datetime | None = None
    anniversary_unsubscribed_at: datetime | None = None
    dates_changed_at: datetime | None = None

    @property
    def unsubscribed_types(self) -> list[str]:
        return [t.name for t in MESSAGE_TYPES if getattr(self, t.unsubscribed_column)]

    @property
    def is_wanted(self) -> bool:
        """Whether the person is there and wants greetings."""
        return self.deleted_at is None and self.unsubscribed_at is None

    @property
    def version(self) -> str:
        """What names this state; the model has no edits that expect one."""
        return self.updated_at.isoformat()

    def date_of(self, message_type: MessageType) -> date | None:
        on: date | None = getattr(self, message_type.date_column)
        return on

    def as_user(self) -> User:
        return User(**{name: getattr(self, name) for name in _OF_A_USER})


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    id: UUID
    user_id: UUID
    message_type: str
    delivery_date: date
    scheduled_send_time: datetime
    status: Status
    idempotency_key: str
    message_content: str
    message_subject: str
    message_html: str | None
    language: str
    occasion_date: date
    timezone: str
    tzdb_version: str
    actual_send_time: datetime | None = None
    retry_count: int = 0
    ambiguous_count: int = 0
    epoch: int = 0
    queued_at: datetime | None = None
    lease_until: datetime | None = None
    next_attempt_at: datetime | None = None
    ambiguous_since: datetime | None = None
    api_response_code: int | None = None
    api_response_body: str | None = None
    error_message: str | None = None
    provider_message_id: str | None = None
    sender: str | None = None

    @property
    def due_at(self) -> datetime:
        return max(self.scheduled_send_time, self.next_attempt_at or self.scheduled_send_time)

    def as_claimed(self, email: str) -> ClaimedMessage:
        return ClaimedMessage(
            id=self.id,
            user_id=self.user_id,
            scheduled_send_at=self.scheduled_send_time,
            epoch=self.epoch,
            retry_count=self.retry_count,
            ambiguous_count=self.ambiguous_count,
            ambiguous_since=self.ambiguous_since,
            message_type=self.message_type,
            idempotency_key=self.idempotency_key,
            email=email,
            text=self.message_content,
            sender=self.sender,
            subject=self.message_subject,
            html=self.message_html,
            language=self.language,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    message_id: UUID
    scheduled_send_time: datetime
    epoch: int
    attempt: int
    outcome: str
    status: Status
    finished_at: datetime
    api_response_code: int | None
    error_message: str | None
    sender: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    id: int
    name: str
    started_at: datetime
    window_start: datetime | None
    window_end: datetime | None
    is_manual: bool
    finished_at: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One write to a greeting: what was there, what is now, when, and its person at that time."""

    before: MessageRow | None
    after: MessageRow
    at: datetime
    person: PersonRow


def month_day(on: date | None) -> int | None:
    return on.month * 100 + on.day if on else None
