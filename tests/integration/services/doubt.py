"""Greetings of which nobody can say whether they left."""

from datetime import UTC, datetime, timedelta

from tests.factories import Pipeline
from tests.fakes import FakeClock

NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LAST_TRIED = NINE + timedelta(seconds=12)
GIVE_UP = """
    UPDATE message_logs
    SET status = 'UNKNOWN', retry_count = 1, ambiguous_count = 2, epoch = 2,
        ambiguous_since = scheduled_send_time
"""
ATTEMPTS = """
    INSERT INTO message_attempts (
        message_id, scheduled_send_time, epoch, attempt, outcome, status, finished_at)
    SELECT id, scheduled_send_time, n, n, 'ambiguous',
           CASE n WHEN 1 THEN 'RETRYING' ELSE 'UNKNOWN' END, $1::timestamptz + n * interval '6 s'
    FROM message_logs CROSS JOIN generate_series(1, 2) AS n
"""


async def unknown(pipeline: Pipeline, clock: FakeClock, count: int = 1) -> list[str]:
    """Return the ids of greetings that were tried twice, nobody knows with what result."""
    clock.set(NINE - timedelta(hours=1))
    for _ in range(count):
        await pipeline.create(timezone="UTC", birthday_date="1990-01-15")
    await pipeline.execute(GIVE_UP)
    await pipeline.execute(ATTEMPTS, NINE)
    clock.set(NINE + MINUTE)
    return [str(row["id"]) for row in await pipeline.messages()]
