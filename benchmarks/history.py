"""Write years of greetings that have been, as they would lie there had Heyday sent them.

Each person has had a greeting on each of the last birthdays: rows, their keys in the ledger, and
what went wrong for one in a thousand. Written month by month, days in order, as they came to be.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

from heyday.db import partitions
from heyday.db.types import AnyConnection
from heyday.domain.timezone import Window

Progress = Callable[[str], None]

# Nine o'clock as PostgreSQL's own zones have it: near enough for what is over. Of a thousand one
# failed, one is not known of, two were too late, and three were cancelled.
_MONTH = """
WITH due AS MATERIALIZED (
    SELECT u.id AS user_id, u.first_name, u.last_name, u.timezone, u.birthday_date, d.day,
           (d.day + time '09:00') AT TIME ZONE u.timezone AS send_at,
           floor(random() * 1000)::integer AS luck, random() AS lateness
    FROM generate_series($1::date, $2::date, '1 day') AS days (at)
    CROSS JOIN LATERAL (SELECT days.at::date AS day) AS d
    JOIN users u
      ON u.birthday_month_day = date_part('month', d.day) * 100 + date_part('day', d.day)
     AND u.deleted_at IS NULL
    ORDER BY send_at
), ledger AS (
    INSERT INTO idempotency_keys (delivery_date, user_id, message_type)
    SELECT day, user_id, 'BIRTHDAY' FROM due
)
INSERT INTO message_logs (
    id, user_id, message_type, delivery_date, scheduled_send_time, actual_send_time, status,
    retry_count, epoch, idempotency_key, message_content, message_subject, occasion_date, timezone,
    tzdb_version, queued_at, api_response_code, error_message, sender, created_at)
SELECT gen_random_uuid(), user_id, 'BIRTHDAY', day, send_at,
       CASE WHEN luck < 995 THEN send_at + lateness * interval '1 second' END,
       CASE WHEN luck < 993 THEN 'SENT' WHEN luck < 994 THEN 'FAILED'
            WHEN luck < 995 THEN 'UNKNOWN' WHEN luck < 997 THEN 'SKIPPED' ELSE 'CANCELLED' END,
       luck / 990, 1, user_id || ':BIRTHDAY:' || day,
       'Hey, ' || first_name || ' ' || last_name || ' it''s your birthday', 'Happy birthday',
       birthday_date, timezone, '2026a', send_at - interval '90 seconds',
       CASE WHEN luck < 993 THEN 200 WHEN luck < 994 THEN 422 END,
       CASE WHEN luck >= 993 THEN 'as it happens' END, 'http', send_at - interval '2 days'
FROM due
"""
_ATTEMPTS = """
INSERT INTO message_attempts (
    message_id, scheduled_send_time, epoch, attempt, outcome, status, finished_at,
    api_response_code, error_message)
SELECT id, scheduled_send_time, 1, 1, 'REFUSED', status, actual_send_time, api_response_code,
       error_message
FROM message_logs
WHERE scheduled_send_time >= $1 AND scheduled_send_time < $2 AND stage IN ('FAILED', 'UNKNOWN')
"""


async def write_history(
    connection: AnyConnection, months: int, now: datetime, progress: Progress
) -> int:
    """Write so many months up to yesterday; return how many greetings there are then."""
    yesterday = now.astimezone(UTC).date() - timedelta(days=1)
    first = partitions.add_months(yesterday, -months + 1)
    begin = datetime.combine(first, datetime.min.time(), UTC)
    await partitions.ensure(connection, Window(begin, now))
    # The people are there, and nobody takes them away meanwhile.
    await connection.execute("SET session_replication_role = replica")
    await connection.execute("SET synchronous_commit = off")
    written = 0
    for start_on, end_on in _months(first, yesterday):
        said = await connection.execute(_MONTH, start_on, end_on)
        written += int(said.rpartition(" ")[2])
        progress(f"{start_on:%B %Y}: {written:,} greetings")
    await connection.execute(_ATTEMPTS, begin, now)
    # What the import of these people left there would be from before, and dropped by now.
    await connection.execute("TRUNCATE audit_log")
    await connection.execute("RESET session_replication_role")
    await connection.execute("VACUUM (ANALYZE) message_logs, idempotency_keys, message_attempts")
    return written


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """Return the first and last day of each month."""
    while first <= last:
        following = partitions.add_months(first, 1)
        yield first, min(following - timedelta(days=1), last)
        first = following
