-- What became of a day's greetings. Nothing is counted as a greeting goes its way, which would cost
-- every one of them: days are read by their instants, and kept once they are over
-- (docs/adr/0047).

-- name: count_slots
-- The greetings of some time, by quarter hour, zone, type, what became of them, and the bucket of how
-- late they were sent: bounds are $3, in seconds. Late is measured from the instant, or from when the
-- row came, if that was later; it is more than $4. Why a greeting was skipped is told by its text.
SELECT date_bin('15 minutes', scheduled_send_time, '2000-01-01 00:00Z') AS slot_at,
       timezone, message_type,
       CASE status
           WHEN 'SCHEDULED' THEN 'planned'
           WHEN 'SENT' THEN CASE WHEN late > $4::interval THEN 'late' ELSE 'sent' END
           WHEN 'FAILED' THEN CASE WHEN retry_count = 0 THEN 'refused' ELSE 'failed' END
           WHEN 'SKIPPED' THEN CASE WHEN error_message = 'the late window had passed' THEN 'too_late'
                                    ELSE 'skipped' END
           WHEN 'CANCELLED' THEN 'cancelled'
           WHEN 'UNKNOWN' THEN 'unknown'
           ELSE 'waiting' END AS fate,
       CASE WHEN status = 'SENT' THEN width_bucket(date_part('epoch', late), $3::float8[]) END
           AS bucket,
       count(*) AS greetings
FROM message_logs
CROSS JOIN LATERAL (
    SELECT actual_send_time - greatest(scheduled_send_time, created_at) AS late) AS timed
WHERE scheduled_send_time >= $1 AND scheduled_send_time < $2
GROUP BY 1, 2, 3, 4, 5

-- name: attention
-- What waits for somebody, at most $4 of each: greetings of which nobody knows whether they were
-- accepted, those of the day from $1 to $2 that failed, and those that are due since before $3.
SELECT (SELECT count(*) FROM (
            SELECT FROM message_logs WHERE stage = 'UNKNOWN' LIMIT $4) AS found) AS unknown,
       (SELECT count(*) FROM (
            SELECT FROM message_logs
            WHERE stage = 'FAILED' AND scheduled_send_time >= $1 AND scheduled_send_time < $2
            LIMIT $4) AS found) AS failed,
       (SELECT count(*) FROM (
            SELECT FROM message_logs
            WHERE stage = 'PLANNED' AND scheduled_send_time < $3
              AND greatest(scheduled_send_time, created_at, next_attempt_at) < $3
            UNION ALL
            SELECT FROM message_logs
            WHERE stage = 'LEAVING' AND scheduled_send_time < $3
              AND greatest(scheduled_send_time, created_at, next_attempt_at) < $3
            LIMIT $4) AS found) AS overdue

-- name: list_upcoming
-- The greetings that leave next after $1, in their order.
SELECT m.id, m.user_id, u.first_name, u.last_name, m.message_type, m.timezone, m.scheduled_send_time
FROM (
    (SELECT id, user_id, message_type, timezone, scheduled_send_time
     FROM message_logs
     WHERE stage = 'PLANNED' AND scheduled_send_time > $1
     ORDER BY scheduled_send_time, id LIMIT $2)
    UNION ALL
    (SELECT id, user_id, message_type, timezone, scheduled_send_time
     FROM message_logs
     WHERE stage = 'LEAVING' AND scheduled_send_time > $1
     ORDER BY scheduled_send_time, id LIMIT $2)
    ORDER BY scheduled_send_time, id LIMIT $2
) AS m
JOIN users u ON u.id = m.user_id
ORDER BY m.scheduled_send_time, m.id

-- name: count_people
-- How many people are greeted in each zone.
SELECT timezone, count(*) AS people
FROM users
WHERE deleted_at IS NULL
GROUP BY timezone

-- name: list_kept_days
-- The days from $1 up to $2 that were counted and kept, with what they mean to a budget.
SELECT day, counted_at, open, kept, missed FROM kept_days WHERE day >= $1 AND day < $2 ORDER BY day

-- name: find_kept_day
-- A day that was kept, in full.
SELECT counted_at, tallies, lateness FROM kept_days WHERE day = $1

-- name: keep_day
-- Keep a day as it was counted at $2, unless somebody has counted it later.
INSERT INTO kept_days AS k (day, counted_at, open, kept, missed, tallies, lateness)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (day) DO UPDATE
SET counted_at = excluded.counted_at, open = excluded.open, kept = excluded.kept,
    missed = excluded.missed, tallies = excluded.tallies, lateness = excluded.lateness
WHERE k.counted_at < excluded.counted_at
RETURNING day

-- name: find_first
-- The instant of the oldest greeting.
SELECT scheduled_send_time FROM message_logs ORDER BY scheduled_send_time LIMIT 1
