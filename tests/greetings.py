"""Greetings of whatever status, written as rows: for what only looks at them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

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
