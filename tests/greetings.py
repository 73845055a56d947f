"""Greetings of whatever status, written as rows: for what only looks at them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from heyday.db.inbox import InboxRepository
from heyday.domain.models import ClaimedMessage
from heyday.domain.transitions import Status
from tests.factories import Pipeline

_WRITE = """
WITH people AS (
    INSERT INTO users (first_name, last_name, email, timezone, birthday_date)
    SELECT 'Ada', 'Lovelace', 'ada.' || gen_random_uuid() || '@example.com', $3::varchar,
           '1990-01-14'
    FROM generate_series(1, $4::integer)
    RETURNING id
)
INSERT INTO message_logs (
    user_id, message_type, delivery_date, scheduled_send_time, status, idempotency_key,
    message_content, occasion_date, timezone, tzdb_version, actual_send_time, retry_count,
    error_message, created_at, lease_until, ambiguous_since)
SELECT id, $5::varchar, $1::timestamptz::date, $1::timestamptz, $2::varchar, id || ':x',
       'Hey', '1990-01-14', $3::varchar, 'x',
       CASE WHEN $2::varchar = 'SENT' THEN $1::timestamptz + $6::interval END, $7::smallint,
       $8::text, $9::timestamptz,
       CASE WHEN $2::varchar = 'SENDING' THEN $1::timestamptz + interval '1 minute' END,
       CASE WHEN $2::varchar = 'UNKNOWN' THEN $1::timestamptz END
FROM people
"""


@dataclass(frozen=True, slots=True)
class Greetings:
    """Some greetings that are alike. late: by how much they were sent after their instant."""

    scheduled_at: datetime
    status: Status = Status.SENT
    count: int = 1
    zone: str = "Europe/Berlin"
    message_type: str = "BIRTHDAY"
    late: timedelta = timedelta(seconds=1)
    retries: int = 0
    error: str | None = None
    came_at: datetime | None = None

    async def write(self, pipeline: Pipeline) -> None:
        """Write them, each of a person of its own."""
        came_at = self.came_at or self.scheduled_at - timedelta(days=2)
        await pipeline.execute(
            _WRITE,
            self.scheduled_at,
            self.status.value,
            self.zone,
            self.count,
            self.message_type,
            self.late,
            self.retries,
            self.error,
            came_at,
        )


async def deliver(
    pipeline: Pipeline,
    inbox: InboxRepository,
    late: timedelta = timedelta(seconds=2),
    html: str | None = None,
    **fields: object,
) -> ClaimedMessage:
    """Plan the greeting of a new person; put it into the inbox that long after its instant."""
    user = await pipeline.create(**({"birthday_date": "1990-01-14"} | fields))
    row = await pipeline.message(user.id)
    message = ClaimedMessage(
        id=row["id"],
        user_id=user.id,
        scheduled_send_at=row["scheduled_send_time"],
        epoch=1,
        retry_count=0,
        ambiguous_count=0,
        message_type=row["message_type"],
        idempotency_key=row["idempotency_key"],
        email=user.email,
        text=row["message_content"],
        subject=row["message_subject"],
        html=html,
        language=row["language"],
    )
    await inbox.add(message, message.scheduled_send_at + late)
    return message
